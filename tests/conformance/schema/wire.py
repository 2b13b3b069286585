#!/usr/bin/env python3
"""Records what a real API server makes of odd bodies, for the tests of crates/schema.

    cargo xtask kubeone up --dir DIR
    python3 tests/conformance/schema/wire.py DIR/admin.kubeconfig

Writes wire.json beside itself: one line a case, with the text of the body, the places that are compared, and either what was
stored there (a place without a value has none), or why the body could not be read. Warnings are those of the decoder.
"""
import copy, http.client, json, os, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
from real_server import connect

http_ = connect(sys.argv[1])


def call(verb, path, text=None):
    http_.request(verb, path, text, {"Content-Type": "application/json"})
    answer = http_.getresponse()
    warnings = answer.msg.get_all("Warning") or []
    return answer.status, json.loads(answer.read()), [w.split(" ", 2)[2] for w in warnings]


http.client._MAXHEADERS = 1000  # a warning each
def patiently(write):
    """What an earlier run left goes while this one waits."""
    for _ in range(300):
        status, answer, warnings = write()
        if status not in (403, 409):
            break
        time.sleep(0.2)
    return status, answer, warnings


NAMESPACE = "wire-record"
POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {**POD_SPEC, "restartPolicy": "Never"}}
SERVING = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}
SELECTOR = {"matchLabels": {"a": "b"}}
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
CRD = {"group": "wire.example.com", "scope": "Namespaced", "names": {"kind": "W", "plural": "ws"}, "versions": [
    {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object"}}}}}]}
INVOLVED = {"namespace": NAMESPACE, "kind": "Pod", "name": "p"}
# Kind: version, path, the rest of a valid object.
KINDS = {
    "Pod": ("v1", "pods", {"spec": POD_SPEC}),
    "Deployment": ("apps/v1", "deployments", {"spec": {"replicas": 0, "selector": SELECTOR, "template": SERVING}}),
    "StatefulSet": ("apps/v1", "statefulsets", {"spec": {"replicas": 0, "selector": SELECTOR, "serviceName": "s", "template": SERVING}}),
    "Service": ("v1", "services", {"spec": {"ports": [{"port": 80}]}}),
    "ConfigMap": ("v1", "configmaps", {}),
    "Secret": ("v1", "secrets", {}),
    "Job": ("batch/v1", "jobs", {"spec": {"suspend": True, "template": TEMPLATE}}),
    "CronJob": ("batch/v1", "cronjobs", {"spec": {"suspend": True, "schedule": "@daily", "jobTemplate": {"spec": {"template": TEMPLATE}}}}),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers", {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 3}}),
    "HorizontalPodAutoscaler v1": ("autoscaling/v1", "horizontalpodautoscalers", {"spec": {"scaleTargetRef": TARGET, "maxReplicas": 3}}),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
    "Role": ("rbac.authorization.k8s.io/v1", "roles", {}),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies", {"spec": {"podSelector": {}}}),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets", {"spec": {"selector": SELECTOR}}),
    "Lease": ("coordination.k8s.io/v1", "leases", {}),
    "Event": ("v1", "events", {"involvedObject": INVOLVED}),
    "ResourceQuota": ("v1", "resourcequotas", {}),
    "ServiceAccount": ("v1", "serviceaccounts", {}),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", "customresourcedefinitions", {"spec": CRD}),
}
cases, made = [], []


class Raw(str):
    """JSON as it is to stand in the body."""


def steps(path):
    for part in path.split("."):
        name, *indexes = part.replace("]", "").split("[")
        yield name
        yield from map(int, indexes)


def place(target, path, value):
    *way, last = steps(path)
    for step, following in zip(way, [*way[1:], last]):
        if isinstance(target, dict):
            if target.get(step) is None:
                target[step] = [] if isinstance(following, int) else {}
        elif len(target) <= step:
            target.append([] if isinstance(following, int) else {})
        target = target[step]
    if isinstance(target, list) and len(target) == last:
        target.append(value)
    else:
        target[last] = value


def text_of(value):
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{text_of(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return json.dumps(value)


def at(value, path):
    for step in steps(path):
        if isinstance(value, dict) and step in value or isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None, False
    return value, True


def case(kind, path, value, compare=None, base=()):
    """One body: a valid object of the kind with this value (JSON, or text of it) at the path."""
    version, resource, rest = KINDS[kind]
    body = {"apiVersion": version, "kind": kind.split(" ")[0], "metadata": {"name": f"c{len(cases)}"}}
    body.update(copy.deepcopy(rest))
    if kind == "CustomResourceDefinition":
        body["spec"]["group"] = f"c{len(cases)}.example.com"
        body["metadata"]["name"] = "ws." + body["spec"]["group"]
    for each, given in base:
        place(body, each, copy.deepcopy(given))
    place(body, path, value)
    text = text_of(body)
    root = "/api/" if "/" not in version else "/apis/"
    scope = "" if kind == "CustomResourceDefinition" else f"/namespaces/{NAMESPACE}"
    url = f"{root}{version}{scope}/{resource}"
    status, answer, warnings = patiently(lambda: call("POST", url + "?fieldValidation=Warn", text))
    record = {"kind": body["kind"], "version": version, "body": text, "status": status}
    warnings = [json.loads(w) for w in warnings]
    record["warnings"] = [w for w in warnings if w.startswith(("unknown field", "duplicate field"))]
    if status < 300:
        places = [compare or path] if not isinstance(compare, list) else compare
        record["places"] = places
        record["stored"] = {each: at(answer, each)[0] for each in places if at(answer, each)[1]}
        made.append(f"{url}/{answer['metadata']['name']}?propagationPolicy=Background&gracePeriodSeconds=0")
        if kind != "CustomResourceDefinition":
            call("DELETE", made.pop())
    elif status == 400:
        record["message"] = answer["message"]
    elif status != 422:
        raise SystemExit(f"{status} {answer}")
    cases.append(record)


def quantities():
    limit = "spec.volumes[0].emptyDir.sizeLimit"
    named = [("spec.volumes[0].name", "v")]
    for value in ["1", "1000m", "0.5", "1.5Gi", "1024Mi", "1Gi", "100M", "1e3", "1E3", "+1", "007", "0", "0.0", "1.500", "500u", "1n",
                  "0.1n", "12345678901234567890", "123456789012345678901234567890", "8Ei", "16Ei", "1.1Ki", "0.0001Ki", " 5 ", ".5", "5.",
                  "1e21", "1e-3", "100k", "1000000", 1, 0, 1.5, 0.25, 1000, 1048576, 10000000000]:
        case("Pod", limit, value, base=named)
    for value in ["", "x", "1x", "1 Gi", "1gi", "1K", "1mm", "--1", "1.2.3", "1Gi1", True, {}, [], {"a": 1}, None]:
        case("Pod", limit, value, base=named)
    for value in ["100m", "0.1", "2", 2, "1500m", "1e2", "-1", "x"]:
        case("Pod", "spec.containers[0].resources.requests.cpu", value)
    for value in ["1Gi", "1.5Gi", "1073741824", "0.5Ti", 5, None]:
        case("PersistentVolumeClaim", "spec.resources.requests.storage", value)
    for value in ["10", "0.5", "1000m", 7, {}, None]:
        case("ResourceQuota", "spec.hard.pods", value)
    metric = [("spec.metrics[0]", {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue"}}})]
    for value in ["100m", "0.5", 5, "x", True]:
        case("HorizontalPodAutoscaler", "spec.metrics[0].pods.target.averageValue", value, base=metric)


def numbers():
    for value in [5, 0, 1.5, "5", True, {}, [], None, Raw("9223372036854775808"), 9223372036854775807]:
        case("Pod", "spec.terminationGracePeriodSeconds", value, compare="spec.terminationGracePeriodSeconds"
             if value is not None else "spec.hostname")
    for value in [5, 0, None, 2147483648, -2147483649, 1.5, "5", [1]]:
        case("Job", "spec.activeDeadlineSeconds", value)
        case("Job", "spec.ttlSecondsAfterFinished", value)
    for value in [0, 10, None, "10", 3000000000]:
        case("HorizontalPodAutoscaler v1", "spec.targetCPUUtilizationPercentage", value, compare="spec.maxReplicas" if value is None else None)
        case("Event", "count", value)
    for value in [0, 30, None, "a"]:
        case("Deployment", "spec.minReadySeconds", value)
        case("Lease", "spec.leaseDurationSeconds", value)
        case("StatefulSet", "spec.ordinals.start", value)


def booleans_and_strings():
    for value in [True, False, None, "true", 0, {}]:
        case("Pod", "spec.hostPID", value)
        case("Pod", "spec.shareProcessNamespace", value)
        case("ConfigMap", "immutable", value)
    for value in ["n", "", None, 5, True, [], {}]:
        case("Pod", "spec.hostname", value)
        case("Event", "reason", value)
        case("Lease", "spec.holderIdentity", value)
    for value in [None, "", 5]:
        case("Role", "metadata.generateName", value)


def lists_and_maps():
    for value in [{}, None, {"a": "b"}, {"a": None}, {"a": 1}, {"a": {}}, [], "x"]:
        case("Pod", "spec.nodeSelector", value)
        case("ConfigMap", "data", value)
        case("Service", "spec.selector", value)
        case("ConfigMap", "metadata.annotations", value)
        case("Secret", "metadata.labels", value)
    for value in [[], None, [None], ["x"], [1], {}, "x", [["x"]]]:
        case("Pod", "spec.containers[0].args", value)
        case("Service", "spec.externalIPs", value)
        case("ServiceAccount", "imagePullSecrets", value)
        case("ConfigMap", "metadata.finalizers", value)
    for value in [[], None, {}, [{}], [{"name": "e"}], [{"name": "e", "value": None}], [{"name": "e", "value": ""}], [{"name": "e", "value": 1}]]:
        case("Pod", "spec.containers[0].env", value)
    for value in [{}, None, {"limits": {}}, {"limits": None, "requests": None}, {"claims": []}, [], "x"]:
        case("Pod", "spec.containers[0].resources", value)
    for value in [{}, None, {"nodeAffinity": {}}, {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}, []]:
        case("Pod", "spec.affinity", value)
    for value in [[], None, [{}], [{"apiGroups": None, "resources": ["pods"], "verbs": ["get"]}],
                  [{"apiGroups": [""], "resources": ["pods"], "verbs": [], "resourceNames": []}],
                  [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", None]}], {}, "x", [1], [["x"]]]:
        case("Role", "rules", value)
    case("Role", "metadata.annotations", {"a": "b"}, compare="rules")
    for value in [[], None, [{}], [{"from": []}], [{"from": [{}]}], [{"from": [{"podSelector": {}}]}],
                  [{"from": [{"podSelector": None, "namespaceSelector": {"matchExpressions": []}}]}],
                  [{"ports": [{"port": 1, "protocol": "TCP"}]}], [{"ports": []}]]:
        case("NetworkPolicy", "spec.ingress", value)
    for value in [{}, None, {"matchLabels": {}}, {"matchLabels": None, "matchExpressions": None}, {"matchLabels": {"a": None}}, []]:
        case("NetworkPolicy", "spec.podSelector", value)
        case("PodDisruptionBudget", "spec.selector", value)
    case("NetworkPolicy", "spec", None, compare="spec.podSelector")
    case("NetworkPolicy", "spec", {}, compare="spec.podSelector")
    for value in [{}, None, [], "x"]:
        case("Lease", "spec", value)
        case("ResourceQuota", "spec", value)
    case("Lease", "metadata.labels", {"a": "b"}, compare="spec")
    case("Service", "status", None, compare="status.loadBalancer")
    case("Pod", "metadata", [])
    case("Pod", "spec", "x")
    case("Pod", "spec.containers[0].livenessProbe", {"httpGet": {"port": "web", "path": 5}})
    case("Pod", "spec.volumes", [{"name": "v", "secret": {"defaultMode": "x"}}])
    case("Pod", "spec.volumes", [{"name": "v", "configMap": {"name": 5}}])
    case("Pod", "spec.volumes", [{"name": 5}, {"name": "v", "emptyDir": {"sizeLimit": "x"}}])


def int_or_strings():
    for value in ["web", 80, "80", None, 1.5, True, {}, [], 4294967296, ""]:
        case("Service", "spec.ports[0].targetPort", value, compare="spec.ports[0].port" if value in (None, "") else None)
        case("PodDisruptionBudget", "spec.minAvailable", value)
    for value in ["25%", 1, "1", None, False, 1.5]:
        case("Deployment", "spec.strategy.rollingUpdate.maxSurge", value, compare="spec.replicas" if value is None else None)
    for value in [80, "web", None, 2147483648]:
        case("NetworkPolicy", "spec.egress[0].ports[0].port", value)


def times():
    stamps = ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05.999Z", "2024-01-02T03:04:05.123456Z",
              "2024-01-02T03:04:05.123456-03:30", None, "", "yesterday", "2024-01-02", "2024-13-02T03:04:05Z", "2023-02-29T03:04:05Z",
              "2024-01-02T25:04:05Z", "2024-01-02T03:04:05", "2024-01-02 03:04:05Z", "0001-01-01T00:00:00Z", 5, True, {}, [],
              "2024-01-02T03:04:05Zjunk", "2024-1-2T03:04:05Z"]
    for value in stamps:
        case("Event", "firstTimestamp", value)
        case("Lease", "spec.renewTime", value)
    for value in [None, "yesterday", 5]:
        case("Pod", "metadata.creationTimestamp", value, compare="spec.hostname")
        case("Event", "eventTime", value)
    case("Event", "reason", "r", compare=["firstTimestamp", "lastTimestamp", "eventTime", "metadata.labels", "source", "count",
                                          "reportingComponent", "reportingInstance", "series", "message", "type"])


def bytes_():
    for value in ["", "QQ==", "QUI=", "QUJD", "QU\nJD", "QR==", "QQ", "Q", "Q===", "QQ==QQ==", "Q-Q=", "not base64!", None, 5, {}, [], [65, 66], [None, 255], [300], [-1], ["A"], [1.5]]:
        case("Secret", "data.k", value)
        case("ConfigMap", "binaryData.k", value)
    for value in [{}, None, [], "x"]:
        case("Secret", "data", value)


def unknown_fields():
    for kind, path in [("Pod", "foo"), ("Pod", "spec.foo"), ("Pod", "spec.containers[0].foo"), ("Pod", "metadata.foo"), ("Pod", "Spec"),
                       ("Pod", "spec.hostPid"), ("Pod", "spec.volumes[0].foo"), ("Deployment", "spec.template.spec.containers[0].env[0].foo"),
                       ("Deployment", "spec.template.metadata.labelz"), ("Service", "spec.ports[0].foo"), ("ConfigMap", "dataa"),
                       ("Role", "rules[0].foo"), ("Secret", "type_"), ("Job", "spec.template.foo"), ("CronJob", "spec.jobTemplate.spec.template.spec.foo"),
                       ("HorizontalPodAutoscaler", "spec.foo"), ("NetworkPolicy", "spec.ingress[0].from[0].podSelector.foo"),
                       ("CustomResourceDefinition", "spec.foo"), ("CustomResourceDefinition", "spec.versions[0].schema.openAPIV3Schema.foo"),
                       ("CustomResourceDefinition", "spec.versions[0].schema.openAPIV3Schema.properties.spec.foo"),
                       ("Lease", "spec.foo.bar"), ("Event", "involvedObject.foo")]:
        named = [("spec.volumes[0].name", "v")] if "volumes" in path else []
        named += [("spec.template.spec.containers[0].env[0].name", "v")] if "env[" in path else []
        named += [("rules[0]", {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]})] if kind == "Role" else []
        case(kind, path, {"b": 1, "a": [None]}, base=named)
    case("Pod", "spec.foo", 1, base=[("spec.bar", 2), ("metadata.x", 3), ("a", 4), ("spec.containers[0].y", 5)])
    many = {f"f{number:03}": 1 for number in range(120)}
    case("ConfigMap", "data", {"k": "v"}, base=[(name, 1) for name in many])
    case("ConfigMap", "data", Raw('{"k":"1","k":"2"}'))
    case("Pod", "spec.hostPID", Raw('true,"hostPID":false'))
    case("Deployment", "spec.template.spec.containers[0].image", Raw('"a","image":"b","image":"c"'))
    case("Service", "spec.ports[0]", Raw('{"port":80,"name":"a","name":"b"}'), compare="spec.ports[0].name")


def definitions():
    schema = "spec.versions[0].schema.openAPIV3Schema.properties.spec"
    for value in [{"type": "object", "additionalProperties": True}, {"type": "object", "additionalProperties": {"type": "string", "foo": 1}},
                  {"type": "object", "additionalProperties": "x"}, {"type": "object", "additionalProperties": None}, {"type": "object", "properties": {}},
                  {"type": "object", "required": []}, {"type": "array", "items": {"type": "string"}}, {"type": "array", "items": 5},
                  {"type": "string", "default": None}, {"type": "string", "default": "x"}, {"type": "string", "enum": ["a", "b"]},
                  {"type": "string", "nullable": False}, {"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1.5},
                  {"type": "integer", "minimum": "x"}, {"type": "string", "maxLength": 0}, {"type": "object", "properties": {"a": {"type": 5}}},
                  {"type": "object", "additionalProperties": {"type": 5}}, {"type": "array", "items": {"type": "object", "properties": {"a": {"minimum": "x"}}}},
                  {"type": "object", "x-kubernetes-preserve-unknown-fields": False}, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}]:
        case("CustomResourceDefinition", schema, value)
    for path, value in [("spec.names.shortNames", []), ("spec.names.categories", None), ("spec.versions[0].additionalPrinterColumns", []),
                        ("spec.versions[0].subresources", {}), ("spec.versions[0].subresources", {"status": {}}), ("spec.versions[0].served", "x"),
                        ("spec.preserveUnknownFields", False), ("status", None)]:
        case("CustomResourceDefinition", path, value, compare="spec.scope" if path == "status" else None)


call("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
patiently(lambda: call("POST", "/api/v1/namespaces", json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})))
for group in [quantities, numbers, booleans_and_strings, lists_and_maps, int_or_strings, times, bytes_, unknown_fields, definitions]:
    group()
time.sleep(5)  # a definition that is deleted while its storage is made stays for long
for each in made:
    call("DELETE", each)
call("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
with open(os.path.join(HERE, "wire.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(each, separators=(",", ":"), sort_keys=True) for each in cases) + "\n]\n")
statuses = [each["status"] for each in cases]
print({status: statuses.count(status) for status in set(statuses)})
