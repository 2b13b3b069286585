"""The policies and requests that record.py asks a real API server about."""


def cm(data=None, labels=None, name=None):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    if data is not None:
        body["data"] = data
    if labels:
        body["metadata"]["labels"] = labels
    if name:
        body["metadata"]["name"] = name
    return body


def deploy(replicas, image="nginx:1"):
    labels = {"app": "x"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}}}


def rules(operations=("CREATE", "UPDATE"), resources=("configmaps",), groups=("",), **more):
    return {"resourceRules": [dict({"apiGroups": list(groups), "apiVersions": ["*"], "operations": list(operations), "resources": list(resources)}, **more)]}


number = [0]


def group(spec, requests, actions=("Deny",), params=(), param_ref=None, constraints=None, binding=None, mutating=False):
    number[0] += 1
    name = f"polrec-p{number[0]}"
    policy = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy" if mutating else "ValidatingAdmissionPolicy",
              "metadata": {"name": name}, "spec": dict({"failurePolicy": "Fail", "matchConstraints": constraints or rules()}, **spec)}
    if mutating:
        policy["spec"].setdefault("reinvocationPolicy", "Never")
    bound = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": policy["kind"] + "Binding", "metadata": {"name": f"{name}-b"},
             "spec": dict({"policyName": name}, **(binding or {}))}
    if not mutating:
        bound["spec"]["validationActions"] = list(actions)
    if param_ref:
        bound["spec"]["paramRef"] = param_ref
    return {"policies": [policy], "bindings": [bound], "params": list(params), "requests": requests}


def validations(*list_):
    return {"validations": [v if isinstance(v, dict) else {"expression": v} for v in list_]}


APPS = rules(resources=("deployments",), groups=("apps",))
PARAM = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
GROUPS = [
    group(validations("object.data.a == '1'"), [("CREATE", cm({"a": "1"})), ("CREATE", cm({"a": "2"})), ("CREATE", cm({"b": "1"})), ("CREATE", cm())]),
    group(validations({"expression": "has(object.data.a)", "message": "a is needed"}, {"expression": "!has(object.data.b)", "messageExpression": "'no b: ' + object.data.b"}),
          [("CREATE", cm({"b": "1"})), ("CREATE", cm({"a": "1", "b": "x"})), ("CREATE", cm({"a": "1"}))]),
    group(validations({"expression": "object.data.a != 'f'", "reason": "Forbidden"}, {"expression": "object.data.a != 'l'", "reason": "RequestEntityTooLarge", "message": "large"}),
          [("CREATE", cm({"a": "f"})), ("CREATE", cm({"a": "l"})), ("CREATE", cm({"a": "x"}))]),
    group(validations("object.data.a == '1'", "object.data.b == '1'"), [("CREATE", cm({"a": "2", "b": "2"})), ("CREATE", cm({"a": "1", "b": "1"}))], actions=("Warn",)),
    group(validations("object.data.a == '1'"), [("CREATE", cm({"a": "2"}))], actions=("Deny", "Audit")),
    group(dict(validations("object.data.a == '1'"), failurePolicy="Ignore"), [("CREATE", cm({"b": "1"})), ("CREATE", cm({"a": "2"}))]),
    group(dict(validations("int(object.data.n) / int(object.data.m) > 1")), [("CREATE", cm({"n": "4", "m": "2"})), ("CREATE", cm({"n": "1", "m": "0"})), ("CREATE", cm({"n": "x", "m": "0"}))]),
    group(dict(validations("variables.big || variables.small"), variables=[{"name": "n", "expression": "int(object.data.n)"}, {"name": "big", "expression": "variables.n > 100"}, {"name": "small", "expression": "variables.n < 10"}]),
          [("CREATE", cm({"n": "5"})), ("CREATE", cm({"n": "50"})), ("CREATE", cm({"n": "x"})), ("CREATE", cm({}))]),
    group(dict(validations("object.data.a == '1'"), matchConditions=[{"name": "has-a", "expression": "has(object.data) && 'a' in object.data"}]), [("CREATE", cm({"b": "1"})), ("CREATE", cm({"a": "2"}))]),
    group(dict(validations("false"), matchConditions=[{"name": "bad", "expression": "object.data.zz == 'x'"}]), [("CREATE", cm({"b": "1"}))]),
    group(dict(validations("object.data.a == params.data.a", {"expression": "int(object.data.n) <= int(params.data.max)", "messageExpression": "'at most ' + params.data.max"}), **PARAM),
          [("CREATE", cm({"a": "x", "n": "3"})), ("CREATE", cm({"a": "y", "n": "3"})), ("CREATE", cm({"a": "x", "n": "30"}))],
          params=[cm({"a": "x", "max": "5"}, name="limit")], param_ref={"name": "limit", "parameterNotFoundAction": "Deny"}),
    group(dict(validations("false"), **PARAM), [("CREATE", cm({"a": "x"}))], param_ref={"name": "absent", "parameterNotFoundAction": "Deny"}),
    group(dict(validations("false"), **PARAM), [("CREATE", cm({"a": "x"}))], param_ref={"name": "absent", "parameterNotFoundAction": "Allow"}),
    group(dict(validations("object.data.a in params.data"), **PARAM), [("CREATE", cm({"a": "x"})), ("CREATE", cm({"a": "y"})), ("CREATE", cm({"a": "z"}))],
          params=[cm({"x": "", "y": ""}, {"set": "one"}, "p1"), cm({"y": ""}, {"set": "one"}, "p2")], param_ref={"selector": {"matchLabels": {"set": "one"}}, "parameterNotFoundAction": "Deny"}),
    group(validations("oldObject == null || object.data.a == oldObject.data.a", "request.operation != 'UPDATE' || has(object.data.u)"), [("CREATE", cm({"a": "1"})), ("UPDATE", cm({"a": "2", "u": ""}), cm({"a": "1"})), ("UPDATE", cm({"a": "1"}), cm({"a": "1"}))]),
    group(validations("oldObject.data.keep != 'yes'", "object == null"), [("DELETE", cm({"keep": "yes"})), ("DELETE", cm({"keep": "no"}))], constraints=rules(("DELETE",))),
    group(validations("namespaceObject.metadata.labels['polrec'] == 'x'", "namespaceObject.metadata.name.startsWith('polrec')"), [("CREATE", cm({}))]),
    group(validations("request.userInfo.username == 'nobody'", "request.kind.kind == 'ConfigMap'", "request.name.startsWith('z')", "request.namespace == 'q'", "request.dryRun"), [("CREATE", cm({}))]),
    group(validations("authorizer.group('').resource('pods').namespace('x').check('create').allowed()", {"expression": "!authorizer.requestResource.check('create').allowed()", "message": "may create"}, {"expression": "authorizer.path('/healthz').check('get').allowed()"}), [("CREATE", cm({}))]),
    group(validations("object.spec.replicas <= 3", {"expression": "object.spec.template.spec.containers.all(c, c.image.contains(':') && !c.image.endsWith(':latest'))", "message": "images need a tag"}),
          [("CREATE", deploy(2)), ("CREATE", deploy(5)), ("CREATE", deploy(1, "nginx:latest")), ("UPDATE", deploy(9), deploy(2))], constraints=APPS),
    group(validations("quantity('1').isLessThan(quantity(object.data.q))", "object.data.u.matches('^h') && url(object.data.u).getHost() == 'a'", "ip(object.data.i).family() == 4"), [("CREATE", cm({"q": "2", "u": "http://a/", "i": "10.0.0.1"})), ("CREATE", cm({"q": "1", "u": "http://b/", "i": "::1"})), ("CREATE", cm({"q": "x", "u": "", "i": ""}))]),
    group(validations("object.?data.a.orValue('') == '1'", "object.data[?'b'].hasValue()"), [("CREATE", cm()), ("CREATE", cm({"a": "1", "b": ""})), ("CREATE", cm({"a": "1"}))]),
    group(validations({"expression": "false", "messageExpression": "string(1/0)", "message": "fallback"}, ), [("CREATE", cm())]),
    group(validations({"expression": "false", "messageExpression": "'a\\nb'"}, ), [("CREATE", cm())]),
    group(validations("false"), [("CREATE", cm({}, {"skip": "no"})), ("CREATE", cm({}, {"skip": "yes"}))], constraints=dict(rules(), objectSelector={"matchExpressions": [{"key": "skip", "operator": "NotIn", "values": ["yes"]}]})),
    group(validations("false"), [("CREATE", cm({}))], constraints=dict(rules(), excludeResourceRules=[{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}])),
    group(validations("false"), [("CREATE", cm({})), ("CREATE", cm({}))], constraints=rules(resourceNames=["r1"])),
    # Mutations.
    group({"mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{metadata: Object.metadata{labels: {'team': 'a'}}}"}}]},
          [("CREATE", cm({"a": "1"})), ("CREATE", cm({"a": "1"}, {"x": "y"}))], mutating=True),
    group({"mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{data: {'copy': object.data.a}}"}}]},
          [("CREATE", cm({"a": "1"})), ("CREATE", cm({"b": "1"}))], mutating=True),
    group({"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/data/b', value: 'new'}, JSONPatch{op: 'remove', path: '/data/a'}]"}}]},
          [("CREATE", cm({"a": "1"})), ("CREATE", cm({"b": "1"}))], mutating=True),
    group({"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'test', path: '/data/a', value: 'x'}, JSONPatch{op: 'replace', path: '/data/a', value: 'y'}]"}}]},
          [("CREATE", cm({"a": "x"})), ("CREATE", cm({"a": "1"}))], mutating=True),
    group({"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'a/b': 'c'}}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x/y'), value: 'z'}]"}}]},
          [("CREATE", cm({"a": "x"}))], mutating=True),
    group({"matchConditions": [{"name": "no-a", "expression": "!has(object.data.a)"}], "variables": [{"name": "v", "expression": "'v' + object.data.b"}],
           "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{data: {'a': variables.v}}"}},
                         {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{data: {'c': object.data.a}}"}}]},
          [("CREATE", cm({"b": "1"})), ("CREATE", cm({"a": "1"}))], mutating=True),
    group({"mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{spec: Object.spec{replicas: object.spec.replicas + 1}}"}}]}, [("CREATE", deploy(2))], constraints=APPS, mutating=True),
    group({"mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{initContainers: [Object.spec.template.spec.initContainers{name: 'proxy', image: 'p:1', restartPolicy: 'Always'}]}}}}"}}]},
          [("CREATE", deploy(2))], constraints=APPS, mutating=True),
    group({"failurePolicy": "Ignore", "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{data: {'copy': object.data.zz}}"}}]}, [("CREATE", cm({"a": "1"}))], mutating=True),
    group({"mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{metadata: Object.spec{labels: {'a': 'b'}}}"}}]}, [("CREATE", cm({"a": "1"}))], mutating=True),
]
