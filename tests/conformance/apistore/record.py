#!/usr/bin/env python3
"""Sends the scripts in this folder to a real API server and writes its answers into them.

    KUBECONFIG=... python3 tests/conformance/apistore/record.py [NAME ...]

A script is a file of JSON lines: a request each, with the answer behind it. `${N.a.b}` in a request is a value of the answer to
line N, counted from 1. A script works in the namespace that it creates, which is deleted before and after it.
What differs from run to run (uids, versions, times, generated names, allocated addresses) is written as a number by the order
of appearance, so that equal stays equal. The same is done by crates/apistore/tests/it/conformance.rs, which replays the scripts.
"""
import base64, json, os, pathlib, re, ssl, subprocess, sys, tempfile, time, urllib.error, urllib.request

HERE = pathlib.Path(__file__).parent
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
IP = re.compile(r"\b10\.96\.\d+\.\d+\b")
PATCHED = re.compile(r'Invalid value: "\{.*\}": ', re.S)
AGENT = "tester/1.0"
# Kinds whose status controllers of a real cluster write, whenever they come to it.
CONTROLLED = ("Deployment", "HorizontalPodAutoscaler", "Scale")


class Server:
    def __init__(self):
        text = subprocess.check_output(["kubectl", "config", "view", "--raw", "-o", "json"])
        config = json.loads(text)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url = cluster["server"]
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.tls = ssl.create_default_context(cadata=ca)
        self.token = user.get("token")
        if "client-certificate-data" in user:
            self.tls.load_cert_chain(self.file(user["client-certificate-data"]), self.file(user["client-key-data"]))

    @staticmethod
    def file(data):
        handle = tempfile.NamedTemporaryFile(delete=False)
        handle.write(base64.b64decode(data))
        handle.close()
        return handle.name

    def send(self, method, path, query="", content_type="application/json", body=None, user=None):
        headers = {"User-Agent": AGENT, "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        if body is not None and content_type:
            headers["Content-Type"] = content_type
        if user:
            headers["Impersonate-User"] = user
        url = self.url + path + ("?" + query.replace(" ", "%20") if query else "")
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            answer = urllib.request.urlopen(request, context=self.tls, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        text = answer.read().decode()
        warnings = [re.sub(r"\\(.)", r"\1", line.split('"', 1)[1].rsplit('"', 1)[0]) for line in answer.headers.get_all("Warning") or []]
        return answer.status, text, warnings


class Names:
    """Numbers by the order of appearance."""

    def __init__(self):
        self.seen = {}

    def name(self, kind, value):
        of = self.seen.setdefault(kind, {})
        return of.setdefault(value, f"<{kind}-{len(of) + 1}>")

    def text(self, value):
        value = PATCHED.sub('Invalid value: "<object>": ', value)
        value = re.sub(r"kube-api-access-.{5}", "kube-api-access-<id>", value, count=1)
        value = UID.sub(lambda found: self.name("uid", found.group()), value)
        value = re.sub(r"current: \d+", "current: <version>", value)
        value = re.sub(r"(too old resource version: \d+) \(\d+\)", r"\1 (<version>)", value)
        for version, name in sorted(self.seen.get("version", {}).items(), key=lambda pair: -len(pair[0])):
            value = re.sub(rf"\b{version}\b", name, value)
        for full, name in self.seen.get("generated", {}).items():
            value = value.replace(full, name)
        return IP.sub("<ip>", value)

    def normal(self, value, key=""):
        if isinstance(value, dict):
            meta = value.get("metadata")
            if isinstance(meta, dict) and meta.get("generateName") and meta.get("name", "").startswith(meta["generateName"]):
                self.name("generated", meta["name"])
            value = {k: v for k, v in value.items() if not (k == "status" and value.get("kind") in CONTROLLED)}
            if isinstance(meta, dict) and (value.get("kind") in CONTROLLED or "items" in value):
                value["metadata"] = {**value["metadata"], "resourceVersion": "<any>"}
            if value.get("type") == "BOOKMARK":
                value["object"]["metadata"]["resourceVersion"] = "<any>"
            return {k: self.normal(value[k], k) for k in sorted(value)}
        if isinstance(value, list):
            if key == "managedFields":  # their order is that of time, to the second
                value = sorted(value, key=lambda entry: [entry.get(k, "") for k in ("manager", "operation", "subresource", "apiVersion")])
            return [self.normal(item, key) for item in value if not is_noise(item)]
        if isinstance(value, str):
            if key == "resourceVersion" and value and value != "<any>":
                return self.name("version", value)
            if key == "continue" and value:
                return "<continue>"
            if key == "manager" and value.startswith("kubeone"):
                return "kube-apiserver"
            if TIME.match(value):
                return "<time>"
            return self.text(value)
        if key in ("nodePort", "healthCheckNodePort") and isinstance(value, int) and value != 0:
            return "<port>"
        return value


def is_noise(item):
    """What the controllers of a real cluster put into every namespace."""
    meta = item.get("metadata") if isinstance(item, dict) else None
    is_map = isinstance(meta, dict) and meta.get("name") == "kube-root-ca.crt"
    return is_map or isinstance(item, dict) and item.get("manager") == "kube-controller-manager"


def resolve(value, answers):
    if isinstance(value, str):
        def found(match):
            at = answers[int(match.group(1)) - 1]
            for key in match.group(2).split("."):
                at = at[int(key)] if isinstance(at, list) else at.get(key, "")
            return str(at)
        return re.sub(r"\$\{(\d+)\.([^}]*)\}", found, value)
    if isinstance(value, dict):
        return {k: resolve(v, answers) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(item, answers) for item in value]
    return value


def record(server, path):
    steps = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    namespace = "conf-" + path.stem
    names, answers, out = Names(), [], []
    for step in steps:
        step = {k: v for k, v in step.items() if k not in ("code", "answer", "warnings")}
        request = resolve(step, answers)
        body = request.get("body")
        if body is not None:
            body = (body if isinstance(body, str) else json.dumps(body, separators=(",", ":"), sort_keys=True)).encode()
        code, text, warnings = server.send(
            request["method"], request["path"], request.get("query", ""),
            request.get("content_type", "application/json"), body, request.get("user"))
        watches = code == 200 and "watch" in request.get("query", "") + request["path"]
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")] if watches else []
        if watches and all("object" in line for line in lines):
            events = lines
            events = [e for e in events if not is_noise(e["object"])]
            events = [e for e in events if e["type"] != "BOOKMARK" or "annotations" in e["object"]["metadata"]]
            answer = events
        else:
            try:
                answer = json.loads(text)
            except ValueError:
                answer = text
        answers.append(answer)
        step["code"] = code
        step["answer"] = names.normal(answer)
        if warnings:
            step["warnings"] = [names.text(text) for text in warnings]
        out.append(json.dumps(step, ensure_ascii=False, sort_keys=False))
        time.sleep(step.get("pause", 0))
    path.write_text("\n".join(out) + "\n")
    server.send("DELETE", f"/api/v1/namespaces/{namespace}")


def main():
    server = Server()
    wanted = sys.argv[1:]
    for path in sorted(HERE.glob("*.jsonl")):
        if not wanted or path.stem in wanted:
            record(server, path)
            print(path.stem)


if __name__ == "__main__":
    main()
