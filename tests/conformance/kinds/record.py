#!/usr/bin/env python3
"""Asks a real API server what it makes of each case and writes its answers to DIRECTORY/recorded/.

    KUBECONFIG=... tests/conformance/kinds/record.py DIRECTORY [NAME...]

A file of DIRECTORY/cases/ names a collection and a base object, and where in it the pod is. A case is `[name, create, edits]`,
or `[name, update|status|ephemeralcontainers, edits of the old object, edits of the new one, edits of the old one's status]`, or `[name, strategic|merge|json,
edits of the old object, patch]`. Edits are a mapping of paths to values: `spec.replicas`, `~spec.containers.0.image` (`~` is where
the pod is); null removes, `+` at the end of a list appends. `use` names files whose cases come first. Writes are dry runs but for the
old objects, which are deleted at the end. Needs kubectl and PyYAML.
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

import yaml

NAMESPACE = "recorded-workloads"
UID = "00000000-0000-0000-0000-000000000001"
TYPES = {"strategic": "application/strategic-merge-patch+json", "merge": "application/merge-patch+json",
         "json": "application/json-patch+json"}


class Server:
    """An API server behind `kubectl proxy`."""

    def __enter__(self):
        self.proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        self.base = "http://" + self.proxy.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.proxy.terminate()
        self.proxy.wait()

    def ask(self, method, path, body=None, kind="application/json"):
        headers = {"Accept": "application/json", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers.get_all("Warning") or []


def step(at, key):
    if isinstance(at, list):
        return at[int(key)]
    return at.setdefault(key, {})


def edited(obj, edits, pod):
    """A copy of an object with edits made."""
    obj = copy.deepcopy(obj)
    for path, value in (edits or {}).items():
        path = path.replace("~", pod + "." if pod else "", 1) if path.startswith("~") else path
        *parents, last = path.split(".")
        at = obj
        for key in parents:
            at = step(at, key)
        if isinstance(at, list) and last == "+":
            at.append(copy.deepcopy(value))
        elif isinstance(at, list):
            at[int(last)] = copy.deepcopy(value)
        elif value is None:
            at.pop(last, None)
        else:
            at[last] = copy.deepcopy(value)
    return obj


def pruned(obj):
    """Without what differs from run to run and no rule of a kind decides; uids are all the same."""
    obj = json.loads(re.sub("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", UID, json.dumps(obj)))
    for key in ("uid", "creationTimestamp", "resourceVersion", "managedFields", "selfLink"):
        obj.get("metadata", {}).pop(key, None)
    return obj


def warning(header):
    """The text of a Warning header: `299 - "text"`."""
    return json.loads(header.split(" ", 2)[2])


class Collection:
    """The objects of one file."""

    def __init__(self, server, file):
        self.server, self.file, self.olds = server, file, {}

    def old(self, edits, status):
        """The stored object that the edits make; made once."""
        key = json.dumps([edits, status], sort_keys=True)
        if key not in self.olds:
            first = edited(self.file["base"], edits, self.file.get("pod", ""))
            first["metadata"]["name"] = f"rec-{len(self.olds)}"
            code, answer, _ = self.server.ask("POST", self.file["path"], first)
            if code != 201:
                raise SystemExit(f"the old object is refused: {answer['message']}")
            where = f"{self.file['path']}/{first['metadata']['name']}"
            if status:
                _, answer, _ = self.server.ask("PUT", where + "/status", edited(answer, status, ""))
            self.olds[key] = where
        return self.server.ask("GET", self.olds[key])[1], self.olds[key]

    def play(self, case):
        name, op, *rest = case
        edits, pod = rest[0] if rest else {}, self.file.get("pod", "")
        line = {"name": name, "op": op}
        if op == "create":
            body = edited(self.file["base"], edits, pod)
            code, answer, warnings = self.server.ask("POST", self.file["path"] + "?dryRun=All", body)
            line |= {"object": body}
        else:
            old, where = self.old(edits, rest[2] if len(rest) > 2 else None)
            endpoint = where + ("/" + op if op in ("status", "ephemeralcontainers") else "") + "?dryRun=All"
            if op in TYPES:
                code, answer, warnings = self.server.ask("PATCH", endpoint, rest[1], TYPES[op])
                line |= {"old": pruned(old), "patch": rest[1]}
            else:
                body = edited(old, rest[1], pod)
                code, answer, warnings = self.server.ask("PUT", endpoint, body)
                if "object has been modified" in answer.get("message", ""):  # a controller was faster
                    return self.play(case)
                line |= {"old": pruned(old), "object": pruned(body)}
        return line | {"code": code, "answer": pruned(answer), "warnings": [warning(w) for w in warnings]}

    def clean(self):
        for where in self.olds.values():
            self.server.ask("DELETE", where + "?gracePeriodSeconds=0&propagationPolicy=Background")


def record(server, directory, source):
    file = yaml.safe_load(source.read_text())
    for other in file.get("use", []):
        file["cases"] = yaml.safe_load((source.parent / other).read_text()) + file["cases"]
    collection = Collection(server, file)
    try:
        lines = [collection.play(case) for case in file["cases"]]
    finally:
        collection.clean()
    target = directory / "recorded" / (source.stem + ".jsonl")
    target.parent.mkdir(exist_ok=True)
    head = json.dumps({"path": file["path"]}, sort_keys=True)
    target.write_text("\n".join([head, *(json.dumps(line, sort_keys=True) for line in lines)]) + "\n")
    refused = [line for line in lines if line["code"] >= 300]
    print(f"{source.stem}: {len(lines)} cases, {len(refused)} refused")


def main():
    directory = pathlib.Path(sys.argv[1])
    names = sys.argv[2:] or sorted(path.stem for path in (directory / "cases").glob("*.yaml") if "base:" in path.read_text())
    with Server() as server:
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        server.ask("POST", "/api/v1/namespaces", space)
        for name in names:
            record(server, directory, directory / "cases" / (name + ".yaml"))


if __name__ == "__main__":
    main()
