#!/usr/bin/env python3
"""Records what a real API server makes of requests under admission policies.

    cargo xtask kubeone up --dir DIR
    python3 tests/conformance/policy/record.py DIR/admin.kubeconfig

Writes answers.json beside itself: policies, bindings, parameters, the request, and the answer: status, message, warnings, and the
object where there is one. Every group has a namespace of its own, which its bindings select.
"""
import json, os, sys, time
from cases import GROUPS

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
from real_server import connect

http_ = connect(sys.argv[1])
API = "/apis/admissionregistration.k8s.io/v1"


def call(verb, path, body=None):
    http_.request(verb, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = http_.getresponse()
    text = answer.read()
    warnings = [w.split(" ", 2)[2].strip('"').replace('\\"', '"') for w in answer.headers.get_all("Warning") or []]
    return answer.status, json.loads(text), warnings


def drop(path):
    call("DELETE", path)
    while call("GET", path)[0] != 404:
        time.sleep(0.1)


PATHS = {"Deployment": "/apis/apps/v1/namespaces/{}/deployments", "ConfigMap": "/api/v1/namespaces/{}/configmaps",
         "Secret": "/api/v1/namespaces/{}/secrets"}


def main():
    for index, group in enumerate(GROUPS):
        space = f"polrec-{index}"
        for policy in group["policies"]:
            plural = "mutatingadmissionpolic" if "mutations" in policy["spec"] else "validatingadmissionpolic"
            drop(f"{API}/{plural}ies/{policy['metadata']['name']}")
            for binding in group["bindings"]:
                drop(f"{API}/{plural}ybindings/{binding['metadata']['name']}")
        if call("GET", f"/api/v1/namespaces/{space}")[0] == 404:
            call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": {"polrec": str(index)}}})
    time.sleep(2)
    for index, group in enumerate(GROUPS):
        space = f"polrec-{index}"
        for number, (operation, obj, *old) in enumerate(group["requests"]):
            if operation in ("UPDATE", "DELETE"):
                body = json.loads(json.dumps(old[0] if old else obj))
                path = PATHS[body["kind"]].format(space)
                body["metadata"] = dict(body.get("metadata", {}), name=f"r{number}", namespace=space)
                call("DELETE", f"{path}/r{number}")
                status, answer, _ = call("POST", path, body)
                assert status == 201, answer
        for param in group.get("params", []):
            path = PATHS[param["kind"]].format(space)
            call("DELETE", f"{path}/{param['metadata']['name']}")
            status, answer, _ = call("POST", path, param)
            assert status == 201, answer
        for policy in group["policies"]:
            plural = "mutatingadmissionpolic" if "mutations" in policy["spec"] else "validatingadmissionpolic"
            status, answer, _ = call("POST", f"{API}/{plural}ies", policy)
            if status != 201:
                print(index, "policy", answer["message"])
                group["refused"] = answer["message"]
        for binding in group["bindings"]:
            binding["spec"].setdefault("matchResources", {})["namespaceSelector"] = {"matchLabels": {"polrec": str(index)}}
            if "paramRef" in binding["spec"]:
                binding["spec"]["paramRef"].setdefault("namespace", space)
            plural = "mutatingadmissionpolic" if any("mutations" in p["spec"] for p in group["policies"]) else "validatingadmissionpolic"
            status, answer, _ = call("POST", f"{API}/{plural}ybindings", binding)
            if status != 201:
                print(index, "binding", answer["message"])
    time.sleep(8)
    rows = []
    for index, group in enumerate(GROUPS):
        space = f"polrec-{index}"
        namespace = call("GET", f"/api/v1/namespaces/{space}")[1]
        for number, (operation, obj, *old) in enumerate(group["requests"]):
            if "refused" in group:
                continue
            body = json.loads(json.dumps(obj))
            path = PATHS[body["kind"]].format(space)
            body["metadata"] = dict(body.get("metadata", {}), name=f"r{number}", namespace=space)
            before = None
            if operation in ("UPDATE", "DELETE"):
                before = call("GET", f"{path}/r{number}")[1]
            if operation == "CREATE":
                status, answer, warnings = call("POST", path + "?dryRun=All", body)
            elif operation == "UPDATE":
                status, answer, warnings = call("PUT", f"{path}/r{number}?dryRun=All", body)
            else:
                status, answer, warnings = call("DELETE", f"{path}/r{number}?dryRun=All")
            row = {"group": index, "operation": operation, "new": body, "status": status, "warnings": warnings, "namespace": namespace}
            if before:
                row["old"] = before
            if status >= 300:
                row["message"], row["reason"] = answer["message"], answer.get("reason")
            elif operation != "DELETE":
                row["object"] = answer
            rows.append(row)
    for index, group in enumerate(GROUPS):
        for policy in group["policies"]:
            plural = "mutatingadmissionpolic" if "mutations" in policy["spec"] else "validatingadmissionpolic"
            call("DELETE", f"{API}/{plural}ies/{policy['metadata']['name']}")
            for binding in group["bindings"]:
                call("DELETE", f"{API}/{plural}ybindings/{binding['metadata']['name']}")
        call("DELETE", f"/api/v1/namespaces/polrec-{index}")
    groups = [{key: group.get(key, []) for key in ("policies", "bindings", "params")} for group in GROUPS]
    with open(os.path.join(HERE, "answers.json"), "w") as out:
        lines = lambda name, values: json.dumps(name) + ": [\n" + ",\n".join(json.dumps(value, sort_keys=True) for value in values) + "\n]"
        out.write("{" + lines("groups", groups) + ",\n" + lines("rows", rows) + "}\n")


main()
