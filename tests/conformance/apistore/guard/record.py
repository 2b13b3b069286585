#!/usr/bin/env python3
"""Asks a real API server what it answers to each step of the scripts in cases/ and writes its answers to recorded/.

    tests/conformance/apistore/guard/record.py KUBEONE_DIRECTORY [NAME...]

KUBEONE_DIRECTORY is what `cargo xtask kubeone up --dir` was given: its kubeconfig and tokens are used. A script is a YAML list of
steps. `do` is a method and a path; `body` is sent as JSON, or as the `type` says (merge, json, strategic, apply); `as` is whom to
impersonate: a user and groups; `uid` and `extra` go with it; `by` is who sends it if not an administrator (`nobody`, or `anonymous`).
`quiet` marks preparations: of their answers only the code counts. `wait` is a path that controllers come to fill (`until` a field
is set): the replay, which has none, puts the object there itself. `settle` gives
the server time to notice what it only watches. `webhooks` says what a webhook on this machine answers, by path: the `response` of an
AdmissionReview, or a whole review; what they were asked is recorded with the step. WEBHOOK and BUNDLE in bodies stand for its address
and its authority. What scripts create is deleted afterwards. Needs PyYAML, and openssl for webhooks.
"""
import base64
import http.client
import http.server
import json
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import yaml

HERE = pathlib.Path(__file__).parent
TYPES = {"strategic": "application/strategic-merge-patch+json", "merge": "application/merge-patch+json",
         "json": "application/json-patch+json", "apply": "application/apply-patch+yaml"}
UID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOKEN_VOLUME = re.compile("kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Webhooks:
    """Programs that the API server asks, over TLS."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []
        self.folder = tempfile.TemporaryDirectory()
        key, cert = self.folder.name + "/key", self.folder.name + "/cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "1",
                        "-subj", "/CN=webhook", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.bundle = base64.b64encode(pathlib.Path(cert).read_bytes()).decode()
        hooks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hooks.asked.append({"path": self.path, "review": review})
                said = hooks.answers[self.path.split("?")[0]]
                answer = said if "response" in said or "kind" in said else {
                    "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                    "response": {"uid": review["request"]["uid"], **encoded(said)}}
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"https://127.0.0.1:{self.server.server_address[1]}"

    def filled(self, value):
        text = json.dumps(value).replace("WEBHOOK", self.address).replace("BUNDLE", self.bundle)
        return json.loads(text)

    def hidden(self, value):
        text = json.dumps(value).replace(self.address, "WEBHOOK").replace(self.bundle, "BUNDLE")
        return json.loads(text)


def encoded(said):
    """A patch as webhooks send it."""
    if not isinstance(said.get("patch"), list):
        return said
    return {"patchType": "JSONPatch", **said, "patch": base64.b64encode(json.dumps(said["patch"]).encode()).decode()}


class Server:
    """The server that a directory of kubeone tells of."""

    def __init__(self, directory):
        config = json.loads((directory / "admin.kubeconfig").read_text())
        self.host = config["clusters"][0]["cluster"]["server"].removeprefix("https://")
        self.context = ssl._create_unverified_context()
        rows = [row.split(",") for row in (directory / "tokens.csv").read_text().split()]
        self.tokens = {row[1]: row[0] for row in rows}

    def ask(self, step):
        method, path = step["do"].split(" ", 1)
        connection = http.client.HTTPSConnection(self.host, context=self.context, timeout=60)
        connection.putrequest(method, path)
        headers = [("Accept", "application/json"), ("User-Agent", "tester/1.0")]
        sender = step.get("by", "token-admin")
        if sender != "anonymous":
            headers.append(("Authorization", "Bearer " + self.tokens[sender]))
        if "as" in step:
            user, *groups = step["as"].split(" ")
            headers.append(("Impersonate-User", user))
            headers += [("Impersonate-Group", group) for group in groups]
        if "uid" in step:
            headers.append(("Impersonate-Uid", step["uid"]))
        headers += [("Impersonate-Extra-" + key, value) for key, value in step.get("extra", {}).items()]
        body = None
        if "body" in step:
            body = json.dumps(step["body"]).encode()
            headers += [("Content-Type", TYPES.get(step.get("type"), "application/json")), ("Content-Length", str(len(body)))]
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        if body:
            connection.send(body)
        response = connection.getresponse()
        text = response.read().decode()
        warnings = [warning.split(" ", 2)[2] for warning in response.headers.get_all("Warning") or []]
        connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = text
        return response.status, answer, warnings

    def wait(self, path, until=""):
        for _ in range(200):
            code, answer, _ = self.ask({"do": "GET " + path})
            for key in filter(None, until.split(".")):
                answer = answer.get(key) or {}
            if code == 200 and answer:
                return
            time.sleep(0.05)
        raise SystemExit(f"{path} does not come")


def same(value):
    """An answer without what differs from run to run."""
    if isinstance(value, dict):
        return {same(key): "TOKEN" if key == "token" else same(item) for key, item in value.items() if key != "resourceVersion"}
    if isinstance(value, list):
        return [same(item) for item in value]
    if isinstance(value, str):
        return TOKEN_VOLUME.sub("kube-api-access-NAME", TIME.sub("TIME", UID.sub("UID", value)))
    return value


def record(server, name):
    steps = yaml.safe_load((HERE / "cases" / f"{name}.yaml").read_text())
    made, lines, hooks = [], [], None
    try:
        for step in steps:
            if "webhooks" in step:
                hooks = Webhooks(step["webhooks"])
                lines.append(json.dumps(step))
                continue
            if "wait" in step:
                server.wait(step["wait"], step.get("until", ""))
                lines.append(json.dumps(step))
                continue
            sent = hooks.filled(step) if hooks else step
            code, answer, warnings = server.ask(sent)
            if hooks:
                answer, warnings = hooks.hidden(answer), hooks.hidden(warnings)
            if step.get("settle"):
                time.sleep(2 if "policies" in step["do"] or "policybindings" in step["do"] else 0.5)
            method, path = step["do"].split(" ", 1)
            if method == "POST" and code == 201 and "dryRun" not in path and isinstance(answer, dict):
                made.append(f"{path.split('?')[0]}/{answer.get('metadata', {}).get('name')}")
            if code >= 400 and step.get("quiet"):
                print(f"{name}: {step['do']}: {answer}", file=sys.stderr)
            said = {} if step.get("quiet") else {"answer": same(answer), "warnings": same(warnings)}
            if hooks and not step.get("quiet"):
                said["asked"] = sorted(same(hooks.hidden(hooks.asked)), key=lambda asked: asked["path"])
            if hooks:
                hooks.asked.clear()
            lines.append(json.dumps({**step, "code": code, **said}))
    finally:
        for path in reversed(made):
            server.ask({"do": f"DELETE {path}"})
    (HERE / "recorded" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines)} steps")


def main():
    server = Server(pathlib.Path(sys.argv[1]))
    for name in sys.argv[2:] or sorted(path.stem for path in (HERE / "cases").glob("*.yaml")):
        record(server, name)


main()
