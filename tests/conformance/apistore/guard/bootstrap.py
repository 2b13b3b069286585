#!/usr/bin/env python3
"""Records what a cluster has when it starts into crates/apistore/data/bootstrap.jsonl, one object a line, in the order of their making.

    KUBECONFIG=... tests/conformance/apistore/guard/bootstrap.py

The real cluster may have been used: only what the server and its controllers make by themselves is taken. Uids, versions and times are
left to the store (`TIME`, `DATE`); the program that is called `kubeone` on the recording machine is `kube-apiserver` everywhere else.
Not taken: the Endpoints of the Service `kubernetes` and the certificates, which the server that is started knows, and leases.
"""
import json
import pathlib
import re
import subprocess

TARGET = pathlib.Path(__file__).parents[4] / "crates/apistore/data/bootstrap.jsonl"
BOOT = ("kubernetes.io/bootstrapping", "rbac-defaults")


def of_rbac(item):
    return item["metadata"].get("labels", {}).get(BOOT[0]) == BOOT[1] or item["metadata"]["name"].startswith("system:")


def named(*names):
    return lambda item: item["metadata"]["name"] in names


def any_item(_):
    return True


KINDS = [
    ("namespaces", named("default", "kube-system", "kube-public", "kube-node-lease")),
    ("clusterroles.rbac.authorization.k8s.io", of_rbac),
    ("clusterrolebindings.rbac.authorization.k8s.io", of_rbac),
    ("roles.rbac.authorization.k8s.io", any_item),
    ("rolebindings.rbac.authorization.k8s.io", any_item),
    ("priorityclasses.scheduling.k8s.io", lambda item: item["metadata"]["name"].startswith("system-")),
    ("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", any_item),
    ("flowschemas.flowcontrol.apiserver.k8s.io", any_item),
    ("servicecidrs.networking.k8s.io", named("kubernetes")),
    ("services", named("kubernetes")),
    ("ipaddresses.networking.k8s.io", named("10.96.0.1")),
    ("configmaps", named("extension-apiserver-authentication", "kube-apiserver-legacy-service-account-token-tracking")),
    ("apiservices.apiregistration.k8s.io", lambda item: "service" not in item["spec"]),
]
NAMESPACED = {"roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io", "services", "configmaps"}
OURS = {"kube-system", "kube-public", "default"}


def cleaned(item):
    meta = item["metadata"]
    for key in ("uid", "resourceVersion"):
        meta.pop(key, None)
    text = json.dumps(item, separators=(",", ":"), sort_keys=True)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME", text)
    text = re.sub(r"kubeone-[0-9a-f]+", "kube-apiserver", text)
    item = json.loads(text)
    if item["kind"] == "Service":
        item["spec"]["ports"][0]["targetPort"] = 6443
    if item["kind"] == "ConfigMap":
        item["data"].pop("client-ca-file", None)
        if "since" in item["data"]:
            item["data"]["since"] = "DATE"
        if not item["data"]:
            del item["data"]
            del item["metadata"]["managedFields"]
    return item


def main():
    lines = []
    for kind, wanted in KINDS:
        command = ["kubectl", "get", kind, "-o", "json", "--show-managed-fields"] + (["-A"] if kind in NAMESPACED else [])
        items = json.loads(subprocess.check_output(command))["items"]
        items = [item for item in items if wanted(item) and (kind not in NAMESPACED or item["metadata"]["namespace"] in OURS)]
        lines += [json.dumps(cleaned(item), separators=(",", ":"), sort_keys=True, ensure_ascii=False) for item in items]
    TARGET.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} objects")


main()
