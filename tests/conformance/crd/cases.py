"""The cases that record.py asks a real API server."""


def definition(plural, schema, group="rulesrec.example.com", **more):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced",
                     "names": {"plural": plural, "kind": plural.capitalize()},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": schema}, **more}]}}


S, I, N, B = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}


def obj(**props):
    return {"type": "object", "properties": props}


def arr(items, **more):
    return dict({"type": "array", "items": items}, **more)


def mapping(values, **more):
    return dict({"type": "object", "additionalProperties": values}, **more)


# What expressions.txt is about.
lm_item = dict(obj(k=dict(S, maxLength=20), v=I), required=["k"])
SPEC = obj(
    i=I, n=N, s=dict(S, maxLength=30), b=B, absent=dict(S, maxLength=10), l=arr(I, maxItems=10), m=mapping(I, maxProperties=10),
    o=obj(x=I, y=I, absent=S),
    lm=arr(lm_item, maxItems=5, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
    st=arr(dict(S, maxLength=5), maxItems=5, **{"x-kubernetes-list-type": "set"}),
    ios={"x-kubernetes-int-or-string": True}, ios2={"x-kubernetes-int-or-string": True},
    d={"type": "string", "format": "date-time"}, date={"type": "string", "format": "date"},
    du={"type": "string", "format": "duration"}, by={"type": "string", "format": "byte", "maxLength": 20},
    __name=S, under__score=S)
SPEC["properties"].update({"dash-name": S, "in": S, "dot.name": S})
OBJECT = {"i": 5, "n": 2.5, "s": "hello", "b": True, "l": [1, 2, 3], "m": {"a": 1, "b": 2}, "o": {"x": 1},
          "lm": [{"k": "one", "v": 1}, {"k": "two", "v": 2}], "st": ["a", "b"], "ios": 8080, "ios2": "50%",
          "d": "2024-02-29T10:11:12.345Z", "date": "2024-02-29", "du": "1h30m", "by": "YWJj",
          "__name": "n", "under__score": "u", "dash-name": "d", "in": "i", "dot.name": "dn"}


def spec(schema, **more):
    return {"type": "object", "properties": {"spec": dict(schema, **more), "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}


def new(value):
    return ({"spec": value},)


def update(value, old):
    return ({"spec": value}, {"spec": old})


def fields(schemas, cases):
    """One group: every case a mapping of fields."""
    return (spec(obj(**schemas)), [new(case) for case in cases])


def rules(*rules_):
    return {"x-kubernetes-validations": [r if isinstance(r, dict) else {"rule": r} for r in rules_]}


VALUES = [
    fields(dict(s=S, i=I, n=N, b=B, l=arr(S), m=mapping(I), o=obj(a=S)), [
        {"s": 1}, {"s": True}, {"s": ["a"]}, {"s": {}}, {"i": "1"}, {"i": 1.5}, {"i": 1.0}, {"n": 1}, {"n": "1"}, {"b": "true"},
        {"b": 0}, {"l": "a"}, {"l": [1]}, {"l": {}}, {"m": {"a": "x"}}, {"m": []}, {"o": "x"}, {"o": {"a": 3}}, {"s": "ok", "i": 3},
        {"i": 9223372036854775807}, {"i": 9223372036854775808}, {"n": 1e300}]),
    fields(dict(e=dict(S, enum=["a", "b"]), ei=dict(I, enum=[1, 2]), en=dict(N, enum=[1.5]), eo={"type": "string", "nullable": True, "enum": ["x"]}), [
        {"e": "c"}, {"e": "a"}, {"ei": 3}, {"ei": 2}, {"en": 2.5}, {"e": 3}, {"eo": None}, {"e": ""}]),
    fields(dict(p=dict(S, pattern="^[a-z]+$"), a=dict(S, minLength=2, maxLength=3), one=dict(S, maxLength=1), d=dict(S, pattern=r"^\d{2}-\w+$")), [
        {"p": "A"}, {"p": "ab"}, {"a": "a"}, {"a": "abcd"}, {"a": "éàü"}, {"one": "ab"}, {"d": "12-x"}, {"d": "1-x"}, {"p": "", "a": ""}]),
    fields(dict(i=dict(I, minimum=1, maximum=5), x=dict(I, minimum=1, maximum=5, exclusiveMinimum=True, exclusiveMaximum=True),
                n=dict(N, minimum=0.5, maximum=2.5), f=dict(I, minimum=1.5), m=dict(I, multipleOf=3), mf=dict(N, multipleOf=0.5),
                i32=dict(I, format="int32"), i64=dict(I, format="int64"), fl=dict(N, format="float")), [
        {"i": 0}, {"i": 6}, {"i": 1}, {"x": 1}, {"x": 5}, {"n": 0.25}, {"n": 3}, {"n": 2.75}, {"f": 1}, {"f": 2}, {"m": 4}, {"m": 6},
        {"mf": 0.75}, {"mf": 1.5}, {"i32": 2147483648}, {"i32": 5}, {"i64": 9223372036854775807}, {"fl": 1e39}, {"i": 5.5}, {"i": 3.0}]),
    fields(dict(l=arr(S, minItems=1, maxItems=2), one=arr(I, maxItems=1), m=mapping(S, minProperties=1, maxProperties=2),
                o=dict(obj(a=S, b=S), required=["a", "b"]), ol=arr(dict(obj(x=I), required=["x"]))), [
        {"l": []}, {"l": ["a", "b", "c"]}, {"one": [1, 2]}, {"m": {}}, {"m": {"a": "1", "b": "2", "c": "3"}}, {"o": {}}, {"o": {"a": "x"}},
        {"ol": [{"x": 1}, {}]}, {"ol": [{"x": "a"}, {"x": 2}]}, {"l": ["a"], "o": {"a": "1", "b": "2"}}]),
    fields({f: dict(S, format=f) for f in ["date-time", "date", "duration", "byte", "ipv4", "ipv6", "cidr", "mac", "uuid", "uri", "email",
                                           "hostname", "uuid4", "isbn", "creditcard", "ssn", "hexcolor", "rgbcolor", "password", "bsonobjectid",
                                           "k8s-short-name", "k8s-long-name", "unknownformat"]}, [
        {"date-time": "x"}, {"date-time": "2024-01-01T00:00:00Z"}, {"date-time": "2024-01-01 00:00:00Z"}, {"date": "2024-02-30"}, {"date": "2024-02-29"},
        {"duration": "5 parsecs"}, {"duration": "3h"}, {"duration": "3 days"}, {"byte": "%%"}, {"byte": "YQ=="}, {"byte": ""}, {"ipv4": "1.2.3"}, {"ipv4": "1.2.3.4"},
        {"ipv4": "::1"}, {"ipv6": "1.2.3.4"}, {"ipv6": "fe80::1"}, {"cidr": "1.2.3.4"}, {"cidr": "1.2.3.0/24"}, {"mac": "zz"}, {"mac": "00:11:22:33:44:55"},
        {"uuid": "nope"}, {"uuid": "123e4567-e89b-12d3-a456-426614174000"}, {"uuid4": "123e4567-e89b-12d3-a456-426614174000"}, {"uri": "nope"}, {"uri": "http://a/b"},
        {"email": "nope"}, {"email": "a@b.c"}, {"hostname": "-a"}, {"hostname": "a.example.com"}, {"isbn": "1"}, {"creditcard": "4111111111111111"},
        {"creditcard": "1"}, {"ssn": "1"}, {"hexcolor": "#zz"}, {"rgbcolor": "rgb(1,2,3)"}, {"password": "x"}, {"bsonobjectid": "x"},
        {"k8s-short-name": "A"}, {"k8s-short-name": "a-b"}, {"k8s-long-name": "a..b"}, {"unknownformat": "x"}]),
    fields(dict(one={"type": "object", "properties": {"a": S, "b": S}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
                any={"type": "object", "properties": {"a": I, "b": S}, "anyOf": [{"required": ["a"]}, {"properties": {"b": {"maxLength": 2}}, "required": ["b"]}]},
                all={"type": "integer", "allOf": [{"minimum": 2}, {"maximum": 4}]},
                no={"type": "string", "not": {"enum": ["bad"]}}), [
        {"one": {}}, {"one": {"a": "1", "b": "2"}}, {"one": {"a": "1"}}, {"any": {}}, {"any": {"b": "xyz"}}, {"any": {"b": "x"}}, {"all": 1}, {"all": 5}, {"all": 3},
        {"no": "bad"}, {"no": "good"}]),
    fields(dict(nul=dict(S, nullable=True), non=S, ios={"x-kubernetes-int-or-string": True},
                iosp={"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+%$", "anyOf": [{"type": "integer"}, {"type": "string"}]},
                any={"x-kubernetes-preserve-unknown-fields": True}), [
        {"nul": None}, {"non": None}, {"ios": 1}, {"ios": "a"}, {"ios": 1.5}, {"ios": True}, {"iosp": "x"}, {"iosp": "5%"}, {"iosp": 5}, {"iosp": []}, {"any": {"x": [1]}}]),
    fields(dict(set=arr(S, **{"x-kubernetes-list-type": "set"}),
                map=arr(dict(obj(k=S, v=I), required=["k"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
                two=arr(dict(obj(k=S, p={"type": "integer", "default": 1}), required=["k"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "p"]}),
                emb={"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}), [
        {"set": ["a", "a", "b", "a"]}, {"set": ["a", "b"]}, {"map": [{"k": "a"}, {"k": "b"}, {"k": "a"}]}, {"two": [{"k": "a"}, {"k": "a", "p": 1}]},
        {"two": [{"k": "a"}, {"k": "a", "p": 2}]}, {"emb": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}}, {"emb": {"kind": "Pod"}},
        {"emb": {"apiVersion": "a/b/c", "kind": "Bad Kind"}}, {"emb": {"apiVersion": "", "kind": ""}}]),
    (spec(obj(), required=["a"]), [new({}), ({},), ({"spec": None},), ({"spec": "x"},)]),
    # Ratcheting: old values that were invalid before are let through.
    (spec(obj(a=dict(S, maxLength=2), b=dict(I, minimum=5), l=arr(dict(S, maxLength=2)), m=arr(dict(obj(k=S, v=dict(I, minimum=5)), required=["k"]),
          **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}), mp=mapping(dict(I, minimum=5)), st=arr(S, **{"x-kubernetes-list-type": "set"}))), [
        update({"a": "long", "b": 6}, {"a": "long", "b": 6}), update({"a": "long", "b": 7}, {"a": "long", "b": 6}), update({"a": "longer"}, {"a": "long"}),
        update({"l": ["long", "x"]}, {"l": ["long"]}), update({"l": ["long"], "b": 9}, {"l": ["long"]}),
        update({"m": [{"k": "a", "v": 1}, {"k": "b", "v": 9}]}, {"m": [{"k": "a", "v": 1}]}), update({"m": [{"k": "b", "v": 9}, {"k": "a", "v": 1}]}, {"m": [{"k": "a", "v": 1}]}),
        update({"m": [{"k": "a", "v": 2}]}, {"m": [{"k": "a", "v": 1}]}), update({"mp": {"x": 1, "y": 6}}, {"mp": {"x": 1}}), update({"mp": {"x": 2}}, {"mp": {"x": 1}}),
        update({"st": ["a", "a"], "b": 8}, {"st": ["a", "a"]}), update({"st": ["a", "a"]}, {"st": ["a"]}), update({"b": "x"}, {"b": "x"}), update({"b": "y"}, {"b": "x"})]),
    (spec(dict(obj(a=I, b=I), required=["a"])), [update({"b": 1}, {"b": 1}), update({"b": 2}, {"b": 1})]),
    # Rules.
    (spec(obj(a=I, b=I, s=S, l=arr(I), o=dict(obj(x=I), **rules("self.x > 0"))), **rules(
        "!has(self.a) || !has(self.b) || self.a <= self.b", {"rule": "!has(self.s) || self.s.size() < 4", "message": "s is too long"},
        {"rule": "!has(self.s) || self.s != 'bad'", "messageExpression": "'not ' + self.s", "message": "fallback"},
        {"rule": "!has(self.s) || self.s != 'req'", "message": "needed", "reason": "FieldValueRequired", "fieldPath": ".s"},
        {"rule": "!has(self.s) || self.s != 'dup'", "reason": "FieldValueDuplicate", "fieldPath": ".s"},
        {"rule": "!has(self.s) || self.s != 'for'", "reason": "FieldValueForbidden"},
        {"rule": "!has(self.a) || self.l[self.a] > 0", "message": "index"})), [
        new({"a": 2, "b": 1, "l": [1, 2, 3]}), new({"s": "long text"}), new({"s": "bad"}), new({"s": "req"}), new({"s": "dup"}), new({"s": "for"}), new({"a": 5, "l": [1]}),
        new({"o": {"x": 0}}), new({"o": {}}), new({"a": "x"}), new({}), new({"a": 0})]),
    (spec(obj(i=dict(I, **rules("self > 1")), s=dict(S, **rules("self.startsWith('a')")), l=dict(arr(dict(I, **rules("self % 2 == 0"))), **rules("self.size() > 1")),
              m=mapping(dict(S, **rules("self != 'x'"))), deep=arr(obj(n=dict(obj(v=I), **rules({"rule": "self.v == 1", "fieldPath": ".v"})))))), [
        new({"i": 1}), new({"s": "b"}), new({"l": [1, 2, 3]}), new({"l": [2]}), new({"m": {"k": "x", "j": "y"}}), new({"deep": [{"n": {"v": 1}}, {"n": {"v": 2}}]}), new({"i": 2, "s": "a"})]),
    (spec(obj(im=dict(S, **rules({"rule": "self == oldSelf", "message": "is immutable"})), up=dict(I, **rules("self >= oldSelf")),
              opt=dict(S, **rules({"rule": "oldSelf.hasValue() || self == 'first'", "optionalOldSelf": True})),
              ml=arr(dict(obj(k=S, v=dict(I, **rules("self >= oldSelf"))), required=["k"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
              bad=dict(I, **rules("self > 10")), mm=mapping(dict(I, **rules("self >= oldSelf")))),
          **rules({"rule": "has(self.im) || !has(oldSelf.im)", "message": "im is required once set"})), [
        new({"im": "a"}), update({"im": "b"}, {"im": "a"}), update({"im": "a"}, {"im": "a"}), update({}, {"im": "a"}), update({"up": 1}, {"up": 2}), update({"up": 3}, {"up": 2}),
        new({"opt": "x"}), new({"opt": "first"}), update({"opt": "x"}, {"opt": "y"}), update({"opt": "x"}, {}), update({"ml": [{"k": "b", "v": 0}, {"k": "a", "v": 1}]}, {"ml": [{"k": "a", "v": 2}]}),
        update({"bad": 1, "up": 2}, {"bad": 1, "up": 1}), update({"bad": 2}, {"bad": 1}), update({"mm": {"a": 0, "b": 0}}, {"mm": {"a": 1}})]),
    ({"type": "object", "properties": {"spec": obj(a=I)}, **rules("self.metadata.name.size() > 3", {"rule": "!has(self.spec) || self.spec.a > 0"}, "self.kind != 'X' && self.apiVersion.contains('/')")}, [
        new({"a": 1}), new({"a": 0}), ({},)]),
    (spec(obj(l=arr(arr(I, maxItems=200), maxItems=200)), **rules("!has(self.l) || self.l.all(x, x.all(y, y >= 0))")), [
        new({"l": [[1] * 100] * 100}), new({"l": [[1] * 200] * 200}), new({"l": [[-1]]})]),
]

plain = obj(spec=obj(a=S))


def change(body, path, value):
    """A copy with the value at a path changed; None removes."""
    import copy
    body = copy.deepcopy(body)
    at = body
    for step in path[:-1]:
        at = at[step]
    if value is None:
        at.pop(path[-1])
    else:
        at[path[-1]] = value
    return body


def schema_of(spec_schema, **more):
    return definition("defs", obj(spec=spec_schema), **more)


base = definition("defs", plain)
V = ["spec", "versions", 0]
two = change(base, ["spec", "versions"], base["spec"]["versions"] + [dict(base["spec"]["versions"][0], name="v2", storage=False, schema={"openAPIV3Schema": obj(spec=obj(b=S))})])
keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}
hook = {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "https://example.com/convert"}, "conversionReviewVersions": ["v1"]}}
DEFINITIONS = [
    base, two,
    change(base, ["metadata", "name"], "other.rulesrec.example.com"), change(base, ["spec", "group"], "nodots"), change(base, ["spec", "group"], "UPPER.example.com"),
    change(base, ["spec", "scope"], "Other"), change(base, ["spec", "scope"], None), change(base, ["spec", "names", "kind"], "bad kind"), change(base, ["spec", "names", "kind"], None),
    change(base, ["spec", "names", "plural"], "Defs"), change(base, ["spec", "names", "listKind"], "Defs"), change(base, ["spec", "names", "shortNames"], ["OK", "fine"]),
    change(base, ["spec", "names", "categories"], ["All"]), change(base, ["spec", "names", "singular"], "b@d"), change(base, ["spec", "names", "singular"], "def"),
    change(base, V + ["storage"], False), change(two, ["spec", "versions", 1, "storage"], True), change(two, ["spec", "versions", 1, "name"], "v1"),
    change(base, V + ["name"], "1v"), change(base, V + ["schema"], None), change(base, V + ["schema"], {}), change(base, ["spec", "versions"], []),
    change(base, V + ["deprecationWarning"], "no"), change(change(base, V + ["deprecated"], True), V + ["deprecationWarning"], ""),
    change(base, ["spec", "preserveUnknownFields"], True),
    change(base, V + ["additionalPrinterColumns"], [{"name": "A", "type": "string", "jsonPath": ".spec.a"}]),
    change(base, V + ["additionalPrinterColumns"], [{"name": "A", "type": "text", "jsonPath": "spec.a"}]),
    change(base, V + ["additionalPrinterColumns"], [{"name": "", "type": "", "jsonPath": "", "format": "x"}]),
    change(base, V + ["subresources"], {"status": {}}), change(base, V + ["subresources"], {"scale": {"specReplicasPath": ".spec.a", "statusReplicasPath": ".status.b", "labelSelectorPath": ".status.c"}}),
    change(base, V + ["subresources"], {"scale": {"specReplicasPath": "spec.a", "statusReplicasPath": ".spec.b", "labelSelectorPath": ".meta.c"}}),
    change(base, V + ["subresources"], {"scale": {"specReplicasPath": "", "statusReplicasPath": ""}}),
    change(base, V + ["selectableFields"], [{"jsonPath": ".spec.a"}]), change(base, V + ["selectableFields"], [{"jsonPath": ".spec.z"}, {"jsonPath": ".spec"}, {"jsonPath": ""}, {"jsonPath": ".spec.a"}, {"jsonPath": ".spec.a"}]),
    change(base, ["spec", "conversion"], {"strategy": "None"}), change(base, ["spec", "conversion"], {"strategy": "Magic"}), change(base, ["spec", "conversion"], hook),
    change(base, ["spec", "conversion"], {"strategy": "Webhook"}), change(base, ["spec", "conversion"], {"strategy": "None", "webhook": hook["webhook"]}),
    change(base, ["spec", "conversion"], {"strategy": "Webhook", "webhook": {"clientConfig": {}, "conversionReviewVersions": ["v3", "v3"]}}),
    change(base, ["spec", "conversion"], {"strategy": "Webhook", "webhook": {"clientConfig": {"url": "http://x"}, "conversionReviewVersions": []}}),
    # Structural schemas.
    definition("defs", {}), definition("defs", {"type": "string"}), definition("defs", dict(plain, nullable=True)), definition("defs", {"type": "object", "additionalProperties": S}),
    definition("defs", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}), definition("defs", obj(metadata=obj(name=S))), definition("defs", obj(metadata=obj(labels=mapping(S)))),
    definition("defs", obj(kind=I, apiVersion=I)), schema_of({}), schema_of({"type": "array"}), schema_of({"type": "thing"}), schema_of({"type": "null"}), schema_of(arr({})),
    schema_of(obj(a=dict(S, pattern="a(?=b)"))), schema_of(obj(a=dict(S, pattern="["))), schema_of(obj(a=dict(S, anyOf=[{"type": "string"}]))),
    schema_of(dict(obj(a=S), oneOf=[{"properties": {"zz": {"minLength": 1}}}])), schema_of(dict(obj(a=S), anyOf=[{"required": ["a"], "description": "x", "nullable": True, "title": "t", "default": 1}])),
    schema_of(dict(obj(a=S), **{"not": {"properties": {"metadata": {}}}})), schema_of(dict(obj(a=S), additionalProperties=S)), schema_of(arr(S, uniqueItems=True)),
    schema_of(arr(S, **{"x-kubernetes-list-type": "set"})), schema_of(arr(obj(a=S), **{"x-kubernetes-list-type": "set"})), schema_of(dict(S, **{"x-kubernetes-list-type": "set"})),
    schema_of(arr(S, **{"x-kubernetes-list-type": "odd"})), schema_of(arr(obj(k=S), **keyed)), schema_of(arr(dict(obj(k=S), required=["k"]), **keyed)),
    schema_of(arr(dict(obj(k=dict(S, default="x"))), **keyed)), schema_of(arr(dict(obj(z=S), required=["z"]), **keyed)), schema_of(arr(S, **keyed)),
    schema_of(arr(dict(obj(k=obj()), required=["k"]), **keyed)), schema_of(arr(dict(obj(k=dict(S, nullable=True)), required=["k"], nullable=True), **keyed)),
    schema_of(arr(dict(obj(k=S), required=["k"]), **{"x-kubernetes-list-type": "map"})), schema_of(arr(dict(obj(k=S), required=["k"]), **{"x-kubernetes-list-map-keys": ["k"]})),
    schema_of(arr(dict(obj(k=S), required=["k"]), **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "k"]})),
    schema_of(dict(S, **{"x-kubernetes-map-type": "atomic"})), schema_of(dict(obj(a=S), **{"x-kubernetes-map-type": "odd"})), schema_of(dict(obj(a=S), **{"x-kubernetes-preserve-unknown-fields": False})),
    schema_of({"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True}), schema_of({"x-kubernetes-int-or-string": True, "type": "string"}),
    schema_of({"type": "object", "x-kubernetes-embedded-resource": True}), schema_of({"type": "string", "x-kubernetes-embedded-resource": True}),
    schema_of(obj(a=dict(S, default=1))), schema_of(obj(a=dict(S, default="x"))), schema_of(dict(obj(a=S), default={"b": 1})), schema_of(obj(a=dict(S, default="xx", maxLength=1))),
    definition("defs", obj(metadata={"type": "object", "default": {}}, spec=obj(a=S))), schema_of({"$ref": "#/x", "type": "object"}), schema_of({"type": "object", "id": "x", "definitions": {"a": {"type": "string"}}}),
    schema_of({"type": "object", "patternProperties": {"a": {"type": "string"}}, "dependencies": {"a": ["b"]}}), schema_of({"type": "array", "items": [{"type": "string"}]}),
    definition("defs", dict(plain, minProperties=1), subresources={"status": {}}),
    # Rules.
    schema_of(obj(a=S), ), schema_of(dict(obj(a=S), **rules("has(self.a)"))), schema_of(dict(obj(a=S), **rules("self.b == 1"))), schema_of(dict(obj(a=S), **rules("self.a =="))),
    schema_of(dict(obj(a=S), **rules("self.a"))), schema_of(dict(obj(a=S), **rules({"rule": "  "}))), schema_of(dict(obj(a=S), **rules({"rule": "true", "message": " "}))),
    schema_of(dict(obj(a=S), **rules({"rule": "true", "message": "a\nb"}))), schema_of(dict(obj(a=S), **rules({"rule": "true\n"}))), schema_of(dict(obj(a=S), **rules({"rule": "true\n||\ntrue"}))),
    schema_of(dict(obj(a=S), **rules({"rule": "true", "messageExpression": " "}))), schema_of(dict(obj(a=S), **rules({"rule": "true", "messageExpression": "1"}))),
    schema_of(dict(obj(a=S), **rules({"rule": "true", "reason": "Odd"}))), schema_of(dict(obj(a=S), **rules({"rule": "true", "fieldPath": ".z"}))),
    schema_of(dict(obj(a=S), **rules({"rule": "true", "fieldPath": ".a"}))), schema_of(dict(obj(a=S), **rules({"rule": "self == oldSelf"}))),
    schema_of(obj(l=arr(dict(S, **rules("self == oldSelf"))))), schema_of(dict(obj(a=S), **rules({"rule": "true", "optionalOldSelf": True}))),
    schema_of(obj(l=arr(arr(arr(S))), **{}), ), schema_of(dict(obj(l=arr(arr(arr(S)))), **rules("self.l.all(x, x.all(y, y.all(z, z.matches('a'))))"))),
    schema_of(dict(obj(a=dict(S, anyOf=[{"x-kubernetes-validations": [{"rule": "true"}]}])))),
    # Updates.
    (two, base), (change(base, ["spec", "scope"], "Cluster"), base), (change(base, ["spec", "group"], "other.example.com"), base), (change(base, ["spec", "names", "kind"], "Other"), base),
    (change(base, ["spec", "names", "plural"], "others"), base), (change(base, V + ["name"], "v2"), base), (change(base, ["spec", "names", "shortNames"], ["d"]), base),
    (change(base, V + ["schema", "openAPIV3Schema"], obj(spec=obj(a=I))), base), (change(base, ["spec", "preserveUnknownFields"], True), base),
]
