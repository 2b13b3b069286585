#!/usr/bin/env python3
"""Records what a real API server answers to scripts of writes, for the tests of crates/schema.

    cargo xtask kubeone up --dir DIR
    python3 tests/conformance/schema/record.py DIR/admin.kubeconfig

Writes openapi.json (the definitions of the kinds below, without descriptions) and answers.json beside itself: one line a
step, with the request, the answer, and the object before it where something else than the step before wrote it.
The random scripts are seeded: the same server gives the same file but for uids and times.
"""
import json, os, random, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
from real_server import connect

http_ = connect(sys.argv[1])


def call(verb, path, body=None, kind="application/json"):
    http_.request(verb, path, None if body is None else json.dumps(body), {"Content-Type": kind})
    answer = http_.getresponse()
    text = answer.read()
    try:
        return answer.status, json.loads(text)
    except ValueError:  # a path that is not served yet
        return answer.status, None


def widget_schema(opts_type):
    text, number = {"type": "string"}, {"type": "integer"}
    port = {"type": "object", "required": ["port"], "properties": {
        "port": number, "protocol": {"type": "string", "default": "TCP"}, "name": text, "note": text}}
    condition = {"type": "object", "required": ["type"], "properties": {"type": text, "status": text}}
    opts = {"type": "object", "additionalProperties": text}
    if opts_type:
        opts["x-kubernetes-map-type"] = opts_type
    spec = {"type": "object", "properties": {
        "replicas": number, "mode": {"type": "string", "nullable": True}, "ratio": {"type": "number"},
        "on": {"type": "boolean"},
        "ports": {"type": "array", "items": port, "x-kubernetes-list-type": "map",
                  "x-kubernetes-list-map-keys": ["port", "protocol"]},
        "tags": {"type": "array", "items": text, "x-kubernetes-list-type": "set"},
        "nums": {"type": "array", "items": number, "x-kubernetes-list-type": "set"},
        "args": {"type": "array", "items": text},
        "selector": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
        "opts": opts,
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "target": {"x-kubernetes-int-or-string": True},
        "tmpl": {"type": "object", "x-kubernetes-embedded-resource": True,
                 "x-kubernetes-preserve-unknown-fields": True},
        "nested": {"type": "object", "properties": {"a": text, "b": {
            "type": "object", "default": {"c": 7}, "properties": {"c": {"type": "integer", "default": 5}, "d": text}}}},
    }}
    status = {"type": "object", "properties": {"phase": text, "conditions": {
        "type": "array", "items": condition, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}}}
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}}


def crd(kind, versions):
    plural = kind.lower() + "s"
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": plural + ".example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced",
                     "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": kind + "List"},
                     "versions": versions}}


LOOSE = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
CRDS = [
    crd("Widget", [
        {"name": "v1", "served": True, "storage": False, "schema": widget_schema(None), "subresources": {"status": {}}},
        {"name": "v2", "served": True, "storage": True, "schema": widget_schema("atomic"), "subresources": {"status": {}}}]),
    crd("Loose", [{"name": "v1", "served": True, "storage": True, "schema": LOOSE}]),
]
KINDS = {
    "ConfigMap": ("v1", "/api/v1", "configmaps"), "Service": ("v1", "/api/v1", "services"),
    "PodTemplate": ("v1", "/api/v1", "podtemplates"), "Deployment": ("apps/v1", "/apis/apps/v1", "deployments"),
    "Widget": ("example.com/v1", "/apis/example.com/v1", "widgets"),
    "Widget2": ("example.com/v2", "/apis/example.com/v2", "widgets"),
    "Loose": ("example.com/v1", "/apis/example.com/v1", "looses"),
}
NAMESPACE = "record"


def setup():
    call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for each in CRDS:
        call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", each)
    for _ in range(100):
        if all(call("GET", f"/apis/example.com/v{v}/widgets")[0] == 200 for v in (1, 2)) and \
                call("GET", "/apis/example.com/v1/looses")[0] == 200:
            break
        time.sleep(0.2)
    time.sleep(3)


def bare(node):
    """A definition without what merging does not look at."""
    drop = {"description", "x-kubernetes-unions", "x-kubernetes-validations", "enum", "externalDocs"}
    if isinstance(node, dict):
        return {k: {n: bare(v) for n, v in node[k].items()} if k == "properties" else bare(node[k])
                for k in node if k not in drop}
    return [bare(each) for each in node] if isinstance(node, list) else node


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def definitions():
    schemas = {}
    for path in ("api/v1", "apis/apps/v1", "apis/example.com/v1", "apis/example.com/v2"):
        schemas.update(call("GET", "/openapi/v3/" + path)[1]["components"]["schemas"])
    wanted = ["io.k8s.api.core.v1.ConfigMap", "io.k8s.api.core.v1.Service", "io.k8s.api.core.v1.PodTemplate",
              "io.k8s.api.apps.v1.Deployment", "com.example.v1.Widget", "com.example.v2.Widget", "com.example.v1.Loose"]
    kept = {}
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = bare(schemas[name])
            wanted += references(kept[name])
    return {name: kept[name] for name in sorted(kept)}


class Script:
    """A sequence of writes to one object."""

    def __init__(self, out, name, kind):
        self.out, self.name, self.kind, self.last = out, name, kind, None

    def url(self, kind, suffix=""):
        return f"{KINDS[kind][1]}/namespaces/{NAMESPACE}/{KINDS[kind][2]}/{self.name}{suffix}"

    def object(self, body, kind=None):
        whole = {"apiVersion": KINDS[kind or self.kind][0], "kind": self.kind, "metadata": {"name": self.name}}
        meta = body.get("metadata")
        whole.update({k: v for k, v in body.items() if k != "metadata"})
        if meta:
            whole["metadata"].update(meta)
        return whole

    def step(self, verb, body, manager, force=False, sub="", kind=None):
        kind = kind or self.kind
        status, live = call("GET", self.url(kind))
        live = live if status == 200 else None
        suffix = "/" + sub if sub else ""
        query = f"?fieldManager={manager}" + ("&force=true" if force else "")
        if verb == "apply":
            body = self.object(body, kind)
            status, answer = call("PATCH", self.url(kind, suffix) + query, body, "application/apply-patch+yaml")
        elif verb == "put":
            body = {**(live or {}), **body}
            body["metadata"] = {**(live or {}).get("metadata", {}), **body.get("metadata", {})}
            body["metadata"].pop("managedFields", None)
            status, answer = call("PUT", self.url(kind, suffix) + query, body)
        elif verb == "post":
            body = self.object(body, kind)
            status, answer = call("POST", self.url(kind).rsplit("/", 1)[0] + query, body)
        else:
            status, answer = call("PATCH", self.url(kind, suffix) + query, body, {
                "merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json",
                "json": "application/json-patch+json"}[verb])
        record = {"script": self.name, "verb": verb, "version": KINDS[kind][0], "kind": self.kind, "manager": manager}
        if force:
            record["force"] = True
        if sub:
            record["sub"] = sub
        record["body"] = body
        record["status"] = status
        if live is not None and (self.last is None or live != self.last):
            record["live"] = live
        if status < 300:
            record["object"] = answer
            self.last = answer
        else:
            record["message"] = answer.get("message")
            causes = (answer.get("details") or {}).get("causes")
            if causes:
                record["causes"] = causes
            self.last = live
        self.out.append(record)
        return answer


def subset(rng, names, make):
    return {name: make() for name in names if rng.random() < 0.5}


def config_map(rng):
    body = {"data": subset(rng, "abcd", lambda: rng.choice("01"))}
    if rng.random() < 0.1:
        body["data"] = None
    if rng.random() < 0.5:
        body["metadata"] = {"labels": subset(rng, "xy", lambda: rng.choice("01")),
                            "annotations": subset(rng, "pq", lambda: rng.choice("01"))}
    if rng.random() < 0.4:
        body.setdefault("metadata", {})["finalizers"] = rng.sample(["e.io/a", "e.io/b", "e.io/c"], rng.randint(0, 3))
    return body


def service(rng):
    ports = [{"port": p, "protocol": proto, **subset(rng, ["targetPort"], lambda: rng.choice([8080, "web"]))}
             for p, proto in rng.sample([(80, "TCP"), (80, "UDP"), (443, "TCP")], rng.randint(1, 3))]
    for each in ports:
        each["name"] = f"p{each['port']}{each['protocol'].lower()}"
    return {"spec": {"ports": ports, **subset(rng, ["sessionAffinity"], lambda: "None"),
                     **subset(rng, ["selector"], lambda: subset(rng, "ab", lambda: rng.choice("01")))},
            "metadata": {"labels": subset(rng, "xy", lambda: rng.choice("01"))}}


def pod_template(rng):
    def container(name):
        item = {"name": name, "image": rng.choice(["i:0", "i:1"])}
        item.update(subset(rng, ["env"], lambda: [
            {"name": n, "value": rng.choice("01")} for n in rng.sample("ABC", rng.randint(0, 3))]))
        item.update(subset(rng, ["ports"], lambda: [{"containerPort": p, "protocol": "TCP"}
                                                    for p in rng.sample([80, 81, 82], rng.randint(1, 3))]))
        item.update(subset(rng, ["args"], lambda: rng.sample(["a", "b", "c"], rng.randint(0, 3))))
        item.update(subset(rng, ["resources"], lambda: {"limits": subset(rng, ["cpu", "memory"], lambda: rng.choice(["1", "2"]))}))
        return item
    spec = {"containers": [container(n) for n in rng.sample(["web", "db", "log"], rng.randint(1, 3))]}
    spec.update(subset(rng, ["nodeSelector"], lambda: subset(rng, "ab", lambda: rng.choice("01"))))
    spec.update(subset(rng, ["volumes"], lambda: [{"name": n, "emptyDir": {}} for n in rng.sample(["v", "w"], rng.randint(0, 2))]))
    spec.update(subset(rng, ["restartPolicy"], lambda: "Always"))
    return {"template": {"metadata": {"labels": subset(rng, "xy", lambda: rng.choice("01"))}, "spec": spec}}


def widget(rng):
    def port():
        item = {"port": rng.choice([1, 2])}
        item.update(subset(rng, ["protocol"], lambda: rng.choice(["TCP", "UDP"])))
        item.update(subset(rng, ["name", "note"], lambda: rng.choice("01")))
        return item

    def any_value(depth=0):
        pick = rng.randint(0, 7 if depth < 2 else 4)
        if pick < 5:
            return [1, "s", True, 1.5, None][pick]
        if pick == 5:
            return [any_value(depth + 1) for _ in range(rng.randint(0, 2))]
        return subset(rng, "kl", lambda: any_value(depth + 1))
    unique = {}
    for each in [port() for _ in range(rng.randint(0, 3))]:
        unique[each["port"], each.get("protocol", "TCP")] = each
    choices = {
        "replicas": lambda: rng.randint(0, 1), "mode": lambda: rng.choice(["m", "n", None]), "ratio": lambda: rng.choice([1, 1.5]),
        "on": lambda: rng.random() < 0.5, "ports": lambda: list(unique.values()),
        "tags": lambda: rng.sample(["a", "b", "c", "d"], rng.randint(0, 4)), "nums": lambda: rng.sample([1, 2, 10], rng.randint(0, 3)),
        "args": lambda: rng.sample(["a", "b", "c"], rng.randint(0, 2)), "selector": lambda: subset(rng, "ab", lambda: "1"),
        "opts": lambda: subset(rng, "abc", lambda: rng.choice("01")), "free": lambda: subset(rng, "fgh", any_value),
        "any": any_value, "target": lambda: rng.choice([1, "1"]),
        "tmpl": lambda: {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t"}, "data": subset(rng, "ab", lambda: rng.choice("01"))},
        "nested": lambda: subset(rng, "ab", lambda: "x")}
    if rng.random() < 0.6:
        choices = {n: choices[n] for n in rng.sample(sorted(choices), 5)}
    spec = {name: make() for name, make in choices.items() if rng.random() < 0.6}
    if "b" in spec.get("nested", {}):
        spec["nested"]["b"] = {"d": "x"}
    return {"spec": spec, **subset(rng, ["metadata"], lambda: {"labels": subset(rng, "xy", lambda: rng.choice("01"))})}


def loose(rng):
    return widget(rng)


def random_scripts(out):
    for kind, make, count in (("ConfigMap", config_map, 25), ("Service", service, 12), ("PodTemplate", pod_template, 25),
                              ("Widget", widget, 45), ("Loose", loose, 12)):
        for seed in range(count):
            rng = random.Random(f"{kind}{seed}")
            script = Script(out, f"{kind.lower()}-{seed}", kind)
            for number in range(6):
                verb = "apply" if number == 0 or kind == "Service" else rng.choice(["apply"] * 5 + ["put", "merge"])
                body = make(rng)
                if verb != "apply" and kind == "PodTemplate":
                    verb = "apply"
                as_kind = rng.choice([kind, "Widget2"]) if kind == "Widget" else kind
                script.step(verb, body, rng.choice(["m1", "m2", "m3"]), verb == "apply" and rng.random() < 0.5, kind=as_kind)


def chosen_scripts(out):
    run = Script(out, "create-then-apply", "ConfigMap")
    run.step("post", {"data": {"a": "1", "b": "2"}}, "creator")
    run.step("apply", {"data": {"a": "2"}}, "one")
    run.step("apply", {"data": {"a": "2"}}, "one", force=True)
    run.step("apply", {"data": {"a": "2"}}, "one", force=True)
    run.step("apply", {"data": {"a": "2", "c": "3"}}, "two")
    run.step("apply", {"data": {"a": "4", "c": "4", "b": "4"}}, "three")
    run.step("apply", {"data": {"c": "3"}}, "one")
    run.step("merge", {"data": {"a": "9", "c": None}}, "patcher")
    run.step("apply", {}, "one")
    run.step("apply", {"data": {"a": "9"}, "metadata": {"managedFields": []}}, "one")
    run.step("apply", {"data": {"a": 1}}, "one")
    run.step("apply", {"data": {"a": "1"}, "extra": 1}, "one")
    run.step("apply", {"data": ["a"]}, "one")
    run.step("apply", {"data": "a"}, "one")
    run.step("apply", {"immutable": "x"}, "one")
    run.step("apply", {"metadata": {"finalizers": ["e.io/a", "e.io/a"]}}, "one")
    run = Script(out, "stripped-managers", "ConfigMap")
    run.step("post", {"data": {"a": "1"}, "metadata": {"labels": {"x": "1"}}}, "creator")
    run.step("put", {"data": {"a": "1", "b": "2"}, "metadata": {"managedFields": [{}]}}, "creator")
    run.step("merge", {"metadata": {"managedFields": [{}]}}, "stripper")
    run.step("merge", {"data": {"z": "1"}}, "untracked")
    run.step("apply", {"data": {"a": "5"}}, "one")
    run.step("apply", {"data": {"a": "5"}}, "one", force=True)
    run = Script(out, "many-updaters", "ConfigMap")
    run.step("post", {"data": {"k": "0"}}, "creator")
    for number in range(12):
        run.step("merge", {"data": {f"k{number}": "1"}}, f"updater{number}")
        time.sleep(1.05 if number < 4 else 0)
    run = Script(out, "widget-errors", "Widget")
    run.step("apply", {"spec": {"replicas": 1, "ports": [{"port": 1}]}}, "one")
    for spec in ({"replicas": "x"}, {"on": 1}, {"mode": 1}, {"ports": {"a": 1}}, {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]},
                 {"ports": [1]}, {"ports": [None]}, {"ports": [{"name": "x", "protocol": None}]}, {"tags": ["a", "a"]}, {"tags": [{"a": 1}]},
                 {"tags": [["a"]]}, {"tags": [None]}, {"unknown": 1}, {"selector": 1}, {"nums": [1, 1]}, {"replicas": 1.5},
                 {"ratio": True}, {"nested": {"x": 1}}, {"opts": {"a": 1}}, {"opts": {"a": None}}, {"target": {"a": 1}}, {"mode": ["x"]},
                 {"mode": {"x": 1}}, {"on": "true"}, {"args": {"b": 1}}, {"selector": "x"}, {"ports": "x"}, {"mode": 1.5}):
        run.step("apply", {"spec": spec}, "one")
    run = Script(out, "widget-status", "Widget")
    run.step("apply", {"spec": {"replicas": 1}, "status": {"phase": "ignored"}}, "one")
    run.step("apply", {"status": {"phase": "a", "conditions": [{"type": "Ready", "status": "True"}]}}, "ctl", sub="status")
    run.step("apply", {"status": {"phase": "b"}}, "other", sub="status")
    run.step("merge", {"status": {"phase": "c"}}, "other", sub="status")
    run.step("apply", {"status": {"phase": "d"}, "spec": {"replicas": 3}}, "ctl", sub="status")
    run.step("apply", {"status": {"phase": "d"}, "spec": {"replicas": 3}}, "ctl", sub="status", force=True)
    run.step("apply", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "ctl", sub="status", force=True)
    run.step("apply", {"spec": {"replicas": 2}, "metadata": {"labels": {"a": "b"}}}, "one")
    run = Script(out, "widget-duplicates", "Widget")
    run.step("apply", {"spec": {"free": {"a": 1}, "nested": {"a": "1"}}}, "one")
    run.step("apply", {"spec": {"free": {"b": 1}, "nested": {}}}, "two")
    run.step("apply", {"spec": {"nested": {}}}, "one")
    run.step("apply", {"spec": {}}, "one")
    run.step("apply", {}, "two")
    run = Script(out, "deployment-owners", "Deployment")
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {
        "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}}}
    for body, manager, force in (
            ({"spec": spec}, "one", False), ({"spec": {"replicas": 1}}, "hpa", False), ({"spec": {"replicas": 1}}, "hpa", True),
            ({"spec": {**spec, "replicas": 3}}, "one", False), ({"spec": {k: spec[k] for k in ("selector", "template")}}, "one", False),
            ({"spec": {}}, "hpa", False), ({"spec": {"unknown": 1}}, "one", False),
            ({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "j", "env": [{"name": "E"}]}]}}}}, "hpa", False),
            ({"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "E"}, {"name": "E"}]}]}}}}, "hpa", True),
            ({"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "E", "value": "1"}]}]}}}}, "hpa", True)):
        time.sleep(0.7)
        run.step("apply", body, manager, force)


def patch_scripts(out):
    run = Script(out, "patches", "PodTemplate")
    run.step("post", {"template": {"metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["e.io/a", "e.io/b"]}, "spec": {
        "containers": [{"name": "web", "image": "i", "args": ["x", "y"], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [{"containerPort": 80}, {"containerPort": 81}]}, {"name": "db", "image": "d"}],
        "volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}], "nodeSelector": {"n": "1"}}}}, "creator")

    def strategic(spec, **more):
        run.step("strategic", {"template": {"spec": spec, **more}}, "patcher")
    strategic({"containers": [{"name": "web", "image": "j"}]})
    strategic({"containers": [{"name": "new", "image": "n"}]})
    strategic({"containers": [{"name": "new", "$patch": "delete"}]})
    strategic({"containers": [{"name": "web", "env": [{"name": "B", "$patch": "delete"}, {"name": "C", "value": "3"}]}]})
    strategic({"$setElementOrder/containers": [{"name": "db"}, {"name": "web"}], "containers": [{"name": "web", "image": "k"}]})
    strategic({"containers": [{"name": "web", "$setElementOrder/env": [{"name": "D"}, {"name": "C"}, {"name": "A"}],
                               "env": [{"name": "D", "value": "4"}]}]})
    strategic({"containers": [{"name": "web", "ports": [{"containerPort": 81, "name": "p"}], "args": ["z"]}]})
    strategic({"containers": [{"name": "web", "ports": [{"$patch": "replace"}, {"containerPort": 90}]}]})
    strategic({"nodeSelector": {"$patch": "replace", "m": "2"}})
    strategic({"nodeSelector": {"m": None, "k": "3"}})
    strategic({"volumes": [{"name": "v", "emptyDir": None, "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/p"}}]})
    strategic({}, metadata={"$deleteFromPrimitiveList/finalizers": ["e.io/a"], "labels": {"a": None}})
    strategic({}, metadata={"finalizers": ["e.io/c"], "$setElementOrder/finalizers": ["e.io/c", "e.io/b"]})
    strategic({"containers": [{"image": "no-name"}]})
    strategic({"containers": [{"name": "web", "$patch": "unknown"}]})
    strategic({"volumes": None})
    strategic({"nodeSelector": {"$patch": "delete"}})
    strategic({"tolerations": [{"key": "a", "operator": "Exists"}], "imagePullSecrets": [{"name": "s"}]})
    strategic({"imagePullSecrets": [{"name": "t"}], "tolerations": [{"key": "b", "operator": "Exists"}]})
    run.step("merge", {"template": {"spec": {"nodeSelector": {"x": "1"}, "imagePullSecrets": None}}}, "patcher")
    for patch in ([{"op": "add", "path": "/template/spec/nodeSelector/y", "value": "2"}],
                  [{"op": "test", "path": "/template/spec/nodeSelector/y", "value": "3"}],
                  [{"op": "remove", "path": "/template/spec/nodeSelector/nope"}],
                  [{"op": "replace", "path": "/template/spec/nodeSelector/y", "value": "4"}, {"op": "copy", "from": "/template/spec/nodeSelector/y", "path": "/template/spec/nodeSelector/z~1q"}],
                  [{"op": "move", "from": "/template/spec/nodeSelector/y", "path": "/template/spec/nodeSelector/w"}],
                  [{"op": "add", "path": "/template/spec/containers/0/args/-", "value": "end"}, {"op": "add", "path": "/template/spec/containers/0/args/0", "value": "start"}],
                  [{"op": "remove", "path": "/template/spec/containers/9"}],
                  [{"op": "replace", "path": "/template/nope", "value": 1}],
                  [{"op": "add", "path": "/template/nope/deep", "value": 1}]):
        run.step("json", patch, "patcher")


def main():
    setup()
    with open(os.path.join(HERE, "openapi.json"), "w") as file:
        found = definitions()
        file.write("{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v, sort_keys=True, separators=(",", ":")) for k, v in found.items()) + "\n}\n")
    for name, record in (("answers", [chosen_scripts, random_scripts]), ("patches", [patch_scripts])):
        out = []
        for each in record:
            each(out)
        with open(os.path.join(HERE, name + ".json"), "w") as file:
            file.write("[\n" + ",\n".join(json.dumps(step, separators=(",", ":"), sort_keys=True) for step in out) + "\n]\n")


main()
