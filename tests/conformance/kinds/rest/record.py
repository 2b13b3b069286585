#!/usr/bin/env python3
"""Asks a real API server what it makes of each case and writes its answers to recorded/.

    KUBECONFIG=... tests/conformance/kinds/rest/record.py [FILE...]

A file of cases/ names a collection and a base object. A case is `[name, create, patch]` or `[name, update|status, patch of
the old object, patch of the new one]`; patches are JSON merge patches, `old` is what the server has stored. The namespace is
made if it is missing; every object is deleted afterwards. Needs kubectl and PyYAML.
"""
import copy
import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import yaml

HERE = pathlib.Path(__file__).parent
NAMESPACE = "recorded"


class Server:
    """An API server behind `kubectl proxy`."""

    def __enter__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        self.base = "http://" + self.proxy.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.proxy.terminate()
        self.proxy.wait()

    def ask(self, method, path, body=None, accept="application/json"):
        headers = {"Accept": accept, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers.get_all("Warning") or []


def merged(target, patch):
    """A JSON merge patch applied."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    target = copy.deepcopy(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merged(target.get(key), value)
    return target


def pruned(obj):
    """Without what differs from run to run and no rule of a kind decides."""
    obj = copy.deepcopy(obj)
    for key in ("uid", "creationTimestamp", "resourceVersion", "managedFields", "selfLink"):
        obj.get("metadata", {}).pop(key, None)
    return obj


def warning(header):
    """The text of a Warning header: `299 - "text"`."""
    return json.loads(header.split(" ", 2)[2])


def play(server, file, number, case):
    path, (name, op, *patches) = file["path"], case
    first = merged(file["base"], patches[0] if patches else {})
    prefix = "" if file.get("named") else f"rec-{file['prefix']}-{number}"
    if prefix and first["metadata"].get("name") == "x":
        first["metadata"]["name"] = prefix
    line = {"name": name, "op": op}
    where = f"{path}/{first['metadata'].get('name')}"
    code, answer, warnings = server.ask("POST", path, first)
    if op == "create":
        line |= {"object": first}
    else:
        if code != 201:
            raise SystemExit(f"{name}: the old object is refused: {answer['message']}")
        for setup in file.get("after_create", []):
            _, answer, _ = server.ask("PUT", where + setup[0], merged(answer, setup[1]))
        endpoint = "/status" if op == "status" else ""
        for _ in range(20):  # a controller of the server may write in between
            if len(patches) > 2:
                _, current, _ = server.ask("GET", where)
                code, answer, _ = server.ask("PUT", where + "/status", merged(current, patches[2]))
                if code == 409:
                    continue
            old, second = answer, merged(answer, patches[1])
            code, answer, warnings = server.ask("PUT", where + endpoint, second)
            if code != 409:
                break
            _, answer, _ = server.ask("GET", where)
        line |= {"old": pruned(old), "object": pruned(second)}
    line |= {"code": code, "answer": pruned(answer), "warnings": [warning(w) for w in warnings]}
    if code < 300 or op != "create":
        server.ask("DELETE", where)
    return line


def record(server, source):
    file = yaml.safe_load(source.read_text())
    file.setdefault("prefix", source.stem)
    lines = [play(server, file, number, case) for number, case in enumerate(file["cases"])]
    target = HERE / "recorded" / (source.stem + ".jsonl")
    target.parent.mkdir(exist_ok=True)
    head = json.dumps({"path": file["path"]}, sort_keys=True)
    target.write_text("\n".join([head, *(json.dumps(line, sort_keys=True) for line in lines)]) + "\n")
    refused = [line for line in lines if line["code"] >= 300]
    print(f"{source.stem}: {len(lines)} cases, {len(refused)} refused")


def main():
    names = sys.argv[1:] or sorted(path.stem for path in (HERE / "cases").glob("*.yaml"))
    with Server() as server:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        server.ask("POST", "/api/v1/namespaces", space)
        for name in names:
            record(server, HERE / "cases" / (name + ".yaml"))


if __name__ == "__main__":
    main()
