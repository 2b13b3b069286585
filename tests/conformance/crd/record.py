#!/usr/bin/env python3
"""Records what a real API server says about definitions of custom resources, about custom resources and about CEL.

    cargo xtask kubeone up --dir DIR
    python3 tests/conformance/crd/record.py DIR/admin.kubeconfig

Writes beside itself: expressions.json (the value or the mistake of each line of expressions.txt on one object), values.json
(schema, object and old object: the causes of the refusal, or none) and definitions.json (a definition, or an old and a new one:
the causes of the refusal, or none). The cases stand in cases.py.
"""
import json, os, re, sys, time
from cases import DEFINITIONS, OBJECT, SPEC, VALUES, definition

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
from real_server import connect

http_ = connect(sys.argv[1])
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def call(verb, path, body=None, kind="application/json"):
    http_.request(verb, path, None if body is None else json.dumps(body), {"Content-Type": kind})
    answer = http_.getresponse()
    text = answer.read()
    try:
        return answer.status, json.loads(text)
    except ValueError:  # a path that is not served yet
        return answer.status, None


def causes(status, answer):
    if status < 300:
        return []
    if status != 422:
        return [{"status": status, "message": answer.get("message")}]
    return answer["details"].get("causes", [{"message": answer["message"]}])


def drop(name):
    call("DELETE", f"{CRDS}/{name}")
    while call("GET", f"{CRDS}/{name}")[0] != 404:
        time.sleep(0.1)


def serve(name, schema, plural):
    """A definition in its final form, once it is served."""
    body = definition(plural, schema)
    status, answer = call("POST", CRDS, body)
    if status >= 300:
        return status, answer
    while True:
        got = call("GET", f"{CRDS}/{name}")[1]
        if any(c["type"] == "Established" and c["status"] == "True" for c in (got.get("status", {}).get("conditions") or [])):
            break
        time.sleep(0.1)
    while call("GET", f"/apis/rulesrec.example.com/v1/namespaces/default/{plural}")[0] != 200:
        time.sleep(0.1)
    return 201, answer


def write(file, rows):
    with open(os.path.join(HERE, file), "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row, sort_keys=True) for row in rows) + "\n]\n")


def expressions():
    with open(os.path.join(HERE, "subject.json"), "w") as out:
        json.dump({"spec": SPEC, "object": OBJECT}, out, sort_keys=True)
    lines = [line.rstrip("\n") for line in open(os.path.join(HERE, "expressions.txt")) if line.strip()]
    rows, plural = {}, "exprs"
    name = f"{plural}.rulesrec.example.com"

    def attempt(wrap, todo):
        """Values of those that compile; the causes of the others."""
        bad = {}
        while todo:
            spec = dict(SPEC, **{"x-kubernetes-validations": [wrap(line) for line in todo]})
            drop(name)
            status, answer = serve(name, {"type": "object", "properties": {"spec": spec}}, plural)
            if status < 300:
                break
            found = {}
            if len(todo) > 1 and any("entire OpenAPIv3" in cause["message"] for cause in causes(status, answer)):
                half = len(todo) // 2
                one, other = attempt(wrap, todo[:half]), attempt(wrap, todo[half:])
                return one[0] + other[0], {**bad, **one[1], **other[1]}, one[2] + other[2]
            for cause in causes(status, answer):
                index = re.search(r"validations\[(\d+)\]", cause.get("field", ""))
                if index is None:
                    print("unexpected", cause)
                    continue
                found.setdefault(todo[int(index[1])], []).append(cause)
            bad.update(found)
            todo = [line for line in todo if line not in found]
        if not todo:
            return [], bad, todo
        item = {"apiVersion": "rulesrec.example.com/v1", "kind": plural.capitalize() , "metadata": {"name": "x"}, "spec": OBJECT}
        status, answer = call("POST", f"/apis/rulesrec.example.com/v1/namespaces/default/{plural}", item)
        return causes(status, answer), bad, todo

    # First as rules: what kind of thing is it?
    for start in range(0, len(lines), 60):
        part = lines[start:start + 60]
        said, bad, good = attempt(lambda line: {"rule": line, "message": f"case {lines.index(line)}"}, part)
        for line, cause in bad.items():
            rows[line] = {"expression": line, "rule": [c["message"] for c in cause]}
        for line in good:
            mark = f"case {lines.index(line)}"
            mine = [c["message"] for c in said if re.search(re.escape(mark) + r"$", c["message"])]
            rows[line] = {"expression": line, "rule": mine}
    # Then the values, as a message.
    for start in range(0, len(lines), 60):
        part = lines[start:start + 60]
        said, bad, good = attempt(
            lambda line: {"rule": f"dyn({line}) == null && false", "messageExpression": f"'{lines.index(line)}: %s'.format([dyn({line})])"}, part)
        for line in good:
            mark = f"{lines.index(line)}: "
            mine = [c["message"] for c in said if f"Invalid value: {mark}" in c["message"]]
            for cause in said:
                if f" evaluating rule: dyn({line}) ==" in cause["message"] or f"signature for rule: dyn({line}) ==" in cause["message"]:
                    rows[line]["error"] = cause["message"]
            if mine:
                rows[line]["value"] = mine[0].split(f"Invalid value: {mark}", 1)[1]
    drop(name)
    write("expressions.json", [rows[line] for line in lines if line in rows])


def values():
    rows = []
    lax = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for number, (schema, cases) in enumerate(VALUES):
        plural = f"vals{number}"
        name = f"{plural}.rulesrec.example.com"
        drop(name)
        status, answer = serve(name, lax, plural)
        path = f"/apis/rulesrec.example.com/v1/namespaces/default/{plural}"
        base = {"apiVersion": "rulesrec.example.com/v1", "kind": plural.capitalize()}
        olds = []
        for index, case in enumerate(cases):
            if len(case) == 2:
                body = dict(base, metadata={"name": f"u{index}"}, **case[1])
                status, made = call("POST", path, body)
                assert status == 201, made
                olds.append((index, made))
        strict = call("GET", f"{CRDS}/{name}")[1]
        strict["spec"]["versions"][0]["schema"] = {"openAPIV3Schema": schema}
        status, answer = call("PUT", f"{CRDS}/{name}", strict)
        if status >= 300:
            print("schema", number, answer["message"])
            continue
        time.sleep(1.5)
        for index, case in enumerate(cases):
            if len(case) == 1:
                body = dict(base, metadata={"name": f"c{index}"}, **case[0])
                status, answer = call("POST", path + "?dryRun=All", body)
                rows.append({"schema": schema, "new": body, "causes": causes(status, answer)})
            else:
                made = dict(olds)[index]
                body = dict(base, metadata=made["metadata"], **case[0])
                status, answer = call("PUT", f"{path}/u{index}?dryRun=All", body)
                old = dict(base, metadata={"name": f"u{index}"}, **case[1])
                rows.append({"schema": schema, "new": dict(body, metadata={"name": f"u{index}"}), "old": old, "causes": causes(status, answer)})
        drop(name)
    write("values.json", rows)


def definitions():
    rows = []
    for case in DEFINITIONS:
        new, old = case if isinstance(case, tuple) else (case, None)
        name = (old or new)["metadata"]["name"]
        drop(name)
        row = {"new": new}
        if old is None:
            status, answer = call("POST", CRDS + "?dryRun=All", new)
        else:
            status, answer = call("POST", CRDS, old)
            assert status == 201, answer
            while True:
                got = call("GET", f"{CRDS}/{name}")[1]
                if any(c["type"] == "Established" and c["status"] == "True" for c in (got.get("status", {}).get("conditions") or [])):
                    break
                time.sleep(0.1)
            body = dict(new, status=got["status"])
            body["metadata"] = dict(new["metadata"], resourceVersion=got["metadata"]["resourceVersion"])
            status, answer = call("PUT", f"{CRDS}/{name}?dryRun=All", body)
            row["old"] = {key: got[key] for key in ("apiVersion", "kind", "spec", "status")}
            row["old"]["metadata"] = {"name": name}
            drop(name)
        row["causes"] = causes(status, answer)
        if status < 300:
            row["spec"] = answer["spec"]
        rows.append(row)
    write("definitions.json", rows)


for part in sys.argv[2:] or ["expressions", "values", "definitions"]:
    globals()[part]()
