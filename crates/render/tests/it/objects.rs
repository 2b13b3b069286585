//! What becomes of the objects.

use lockstep_core::{Directory, Gvk, NamespaceMetadata, Value, from_json, to_json};
use lockstep_render::{Limits, Namespaces, Options, Rendered, Scope, Scopes, render, with_namespace};

use crate::tree::{Tree, findings, names, render_tree, render_with, source};

fn one(text: &str) -> Rendered {
    render_tree(&[("a.yaml", text)], Directory::default())
}

fn value(rendered: &Rendered) -> &Value {
    &rendered.objects[0].value
}

#[test]
fn namespaces_are_filled_in_removed_or_demanded() {
    let text = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: filled}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, namespace: other}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hollow, namespace: ''}
---
apiVersion: v1
kind: Namespace
metadata:
  name: wide
  namespace: wrong
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: unknown}
";
    let rendered = one(text);
    assert_eq!(
        names(&rendered),
        [
            "ConfigMap shop/filled",
            "ConfigMap other/kept",
            "ConfigMap shop/hollow",
            "Namespace /wide",
            "Widget /unknown"
        ]
    );
    assert_eq!(
        findings(&rendered),
        [
            "[cluster-scoped] deploy/a.yaml:17:14: Namespace objects have no namespace; it is left out (remove it)"
        ]
    );
    assert_eq!(
        rendered.unknown_kinds.into_iter().collect::<Vec<_>>(),
        [Gvk::new("example.com", "v1", "Widget")]
    );
    let required =
        render_with(&[("a.yaml", text)], Directory::default(), Namespaces::Required, Limits::default());
    assert_eq!(
        findings(&required)[0],
        "[no-namespace] deploy/a.yaml:1:1: ConfigMap/filled names no namespace, and neither does the destination (set metadata.namespace or the Application's spec.destination.namespace)"
    );
    let written =
        render_with(&[("a.yaml", text)], Directory::default(), Namespaces::AsWritten, Limits::default());
    assert_eq!(names(&written)[0], "ConfigMap /filled");
    assert!(!written.has_errors());
}

#[test]
fn scopes_come_from_definitions_in_the_set_and_then_from_the_cluster() {
    struct Cluster;
    impl Scopes for Cluster {
        fn scope(&self, kind: &Gvk) -> Option<Scope> {
            (&*kind.kind == "Known").then_some(Scope::Namespaced)
        }
    }
    let files = Tree::new(&[
        ("a.yaml", "{apiVersion: example.com/v1, kind: Defined, metadata: {name: a}}"),
        ("b.yaml", "{apiVersion: example.com/v1, kind: Known, metadata: {name: b}}"),
        (
            "c.yaml",
            "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: d.example.com},
              spec: {group: example.com, scope: Namespaced, names: {kind: Defined}}}",
        ),
    ]);
    let key = lockstep_core::Key::new([1; 32]);
    let commit = lockstep_core::CommitId::parse(&"a".repeat(40)).unwrap();
    let options = Options {
        identity: None,
        namespaces: Namespaces::Fill("shop"),
        scopes: &Cluster,
        key: &key,
        commit: &|source, file| {
            assert!(source == 0 && file.starts_with("deploy/"));
            commit.clone()
        },
        limits: Limits::default(),
    };
    let rendered = render(&[(&source(Directory::default()), &files)], &options).unwrap();
    assert_eq!(
        names(&rendered),
        ["Defined shop/a", "Known shop/b", "CustomResourceDefinition /d.example.com"]
    );
    assert_eq!(rendered.asked_kinds.len(), 1);
    assert_eq!(rendered.unknown_kinds.len(), 0);
    assert_eq!(rendered.objects[0].value.at(&["metadata", "annotations"]), None);
}

#[test]
fn of_items_with_one_key_the_last_counts() {
    let rendered = one("\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        args: [a, a]
        env:
        - name: A
          value: first
        - name: B
          value: b
        - {name: A, value: last}
---
apiVersion: v1
kind: Service
metadata: {name: web, finalizers: [e/x, e/y, e/x]}
spec:
  ports:
  - port: 80
    targetPort: 1
  - {port: 80, protocol: TCP, targetPort: 2}
");
    assert_eq!(
        findings(&rendered),
        [
            "[repeated-item] deploy/a.yaml:11:11: .spec.template.spec.containers[0].env[name=A] is written again at deploy/a.yaml:15:11; that one counts (remove one of them)",
            "[repeated-item] deploy/a.yaml:19:36: .metadata.finalizers[=\"e/x\"] is written again at deploy/a.yaml:19:46; that one counts (remove one of them)",
            "[repeated-item] deploy/a.yaml:22:5: .spec.ports[port=80,protocol=TCP] is written again at deploy/a.yaml:24:5; that one counts (remove one of them)",
        ]
    );
    assert!(!rendered.has_errors());
    let text = |index: usize, path: &[&str]| {
        String::from_utf8(to_json(rendered.objects[index].value.at(path).unwrap())).unwrap()
    };
    assert_eq!(
        text(0, &["spec", "template", "spec", "containers"]),
        r#"[{"args":["a","a"],"env":[{"name":"B","value":"b"},{"name":"A","value":"last"}],"name":"web"}]"#
    );
    assert_eq!(text(1, &["metadata", "finalizers"]), r#"["e/y","e/x"]"#);
    assert_eq!(text(1, &["spec", "ports"]), r#"[{"port":80,"protocol":"TCP","targetPort":2}]"#);
}

#[test]
fn definitions_in_the_set_say_how_items_are_known() {
    let rendered = one("\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
          list: {type: array, items: {type: string}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, tags: [x, x], list: [x, x]}
---
{apiVersion: example.com/v2, kind: Widget, metadata: {name: b}, tags: [x, x]}
");
    assert_eq!(
        findings(&rendered),
        [
            "[repeated-item] deploy/a.yaml:17:72: .tags[=x] is written again at deploy/a.yaml:17:75; that one counts (remove one of them)"
        ]
    );
    let tags = |index: usize| rendered.objects[index].value.at(&["tags"]).unwrap().as_list().unwrap().len();
    assert_eq!((tags(1), tags(2)), (1, 2));
}

#[test]
fn secrets_are_written_as_the_server_keeps_them() {
    let rendered = one("\
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {a: aGk=, b: \"aG\\nk=\"}
stringData: {a: ho, c: ''}
");
    assert_eq!(findings(&rendered), [""; 0]);
    let expected = from_json(br#"{"a":"aG8=","b":"aGk=","c":""}"#).unwrap();
    assert_eq!(value(&rendered).get("data"), Some(&expected));
    assert_eq!(value(&rendered).get("stringData"), None);
}

#[test]
fn what_is_wrong_in_a_secret_is_said_without_its_value() {
    let rendered = one("\
apiVersion: v1
kind: Secret
metadata: {name: s}
data:
  a: hunter2!
  b: 4711
stringData:
  c: 4711
");
    assert_eq!(
        findings(&rendered),
        [
            "[bad-base64] deploy/a.yaml:5:6: data.a is not base64 (encode it, or write it under stringData)",
            "[wrong-type] deploy/a.yaml:6:6: data.b must be a string (put the value in quotes)",
            "[wrong-type] deploy/a.yaml:8:6: stringData.c must be a string (put the value in quotes)",
        ]
    );
    let all = format!("{:?}", rendered.findings);
    assert!(!all.contains("hunter2") && !all.contains("4711"), "{all}");
}

#[test]
fn rules_that_are_collected_from_other_roles_are_left_out() {
    let role = |rest: &str| {
        one(&format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\n{rest}"
        ))
    };
    let selectors = "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\n";
    let rendered = role(&format!("{selectors}rules: []\n"));
    assert_eq!(findings(&rendered), [""; 0]);
    assert_eq!(value(&rendered).get("rules"), None);
    let rendered = role(&format!("{selectors}rules: [{{verbs: [get]}}]\n"));
    assert_eq!(
        findings(&rendered),
        ["[server-field] deploy/a.yaml:5:8: rules is set by the server and is left out (remove it)"]
    );
    assert_eq!(value(&rendered).get("rules"), None);
    for rest in ["rules: []\n", "aggregationRule: null\nrules: []\n"] {
        assert!(value(&role(rest)).get("rules").is_some(), "{rest}");
    }
}

#[test]
fn what_the_server_sets_is_left_out() {
    let rendered = one("\
apiVersion: v1
kind: Pod
metadata:
  name: p
  uid: abc
  creationTimestamp: null
  labels: {a: b}
status:
  phase: Running
");
    assert_eq!(
        findings(&rendered),
        [
            "[server-field] deploy/a.yaml:5:8: metadata.uid is set by the server and is left out (remove it)",
            "[server-field] deploy/a.yaml:8:1: status is set by the server and is left out (remove it)",
        ]
    );
    let text = String::from_utf8(to_json(value(&rendered))).unwrap();
    assert_eq!(
        text,
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"lockstep.dev/owner":"lockstep:team/app:/Pod:shop/p"},"labels":{"a":"b"},"name":"p","namespace":"shop"}}"#
    );
}

#[test]
fn the_owner_annotation_of_git_is_replaced_and_unbuilt_ones_are_refused() {
    let rendered = one("\
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  annotations:
    lockstep.dev/owner: someone
    lockstep.dev/sync: \"1\"
    lockstep.dev/prune: disabled
");
    assert_eq!(
        findings(&rendered),
        [
            "[owner-annotation] deploy/a.yaml:6:25: annotation lockstep.dev/owner is written by Lockstep and is replaced (remove it)",
            "[bad-annotation] deploy/a.yaml:7:24: annotation lockstep.dev/sync must be disabled, merge, if-not-present or replace",
        ]
    );
    let owner = value(&rendered).str_at(&["metadata", "annotations", "lockstep.dev/owner"]);
    assert_eq!(owner, Some("lockstep:team/app:/ConfigMap:shop/c"));
}

#[test]
fn of_an_object_written_twice_the_last_counts() {
    let rendered = render_tree(
        &[
            ("a.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {x: '1'}}"),
            (
                "b.yaml",
                "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {x: '2'}}",
            ),
            (
                "c.yaml",
                "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: s}}]}",
            ),
        ],
        Directory::default(),
    );
    assert_eq!(names(&rendered), ["ConfigMap shop/c", "Secret shop/s"]);
    assert_eq!(value(&rendered).str_at(&["data", "x"]), Some("2"));
    assert_eq!(
        findings(&rendered),
        [
            "[duplicate-object] deploy/b.yaml:1:1: ConfigMap/c is also written at deploy/a.yaml:1:1; this one counts (remove one of them)"
        ]
    );
    assert!(!rendered.has_errors());
}

#[test]
fn equal_objects_have_equal_digests_whatever_the_style() {
    let digest = |text: &str| one(text).objects[0].digest;
    let block = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: c\ndata:\n  a: \"1\"\n";
    let flow =
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, creationTimestamp: null}, data: {a: '1'}}";
    assert_eq!(digest(block), digest(flow));
    assert_ne!(digest(block), digest(&block.replace('1', "2")));
}

#[test]
fn the_namespace_is_added_where_no_source_has_it() {
    let key = lockstep_core::Key::new([1; 32]);
    let commit = lockstep_core::CommitId::parse(&"a".repeat(40)).unwrap();
    let options = Options {
        identity: None,
        namespaces: Namespaces::Fill("shop"),
        scopes: &lockstep_render::NoScopes,
        key: &key,
        commit: &|_, _| commit.clone(),
        limits: Limits::default(),
    };
    let made = |text: &str, metadata: Option<&NamespaceMetadata>| {
        let mut rendered = one(text);
        with_namespace(&mut rendered, metadata, &options);
        rendered
    };
    let nothing = NamespaceMetadata::default();
    let labelled = NamespaceMetadata {
        labels: [("team".into(), "shop".into())].into(),
        annotations: [("example.com/x".into(), "y".into())].into(),
    };
    let (map, namespace) = (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    );
    assert_eq!(names(&made(map, None)), ["ConfigMap shop/a"]);
    assert_eq!(names(&made(namespace, Some(&labelled))), ["Namespace /shop"]);
    for (metadata, expected) in [
        (
            &nothing,
            r#"{"annotations":{"lockstep.dev/prune":"disabled","lockstep.dev/sync":"if-not-present"},"name":"shop"}"#,
        ),
        (
            &labelled,
            r#"{"annotations":{"example.com/x":"y","lockstep.dev/prune":"disabled"},"labels":{"team":"shop"},"name":"shop"}"#,
        ),
    ] {
        let rendered = made(map, Some(metadata));
        assert_eq!(names(&rendered), ["ConfigMap shop/a", "Namespace /shop"]);
        let found = to_json(rendered.objects[1].value.at(&["metadata"]).unwrap());
        assert_eq!(String::from_utf8_lossy(&found), expected);
    }
}

#[test]
fn what_other_tools_ask_for_and_nothing_is_done_about_is_told() {
    let rendered = one("\
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations:
    argocd.argoproj.io/tracking-id: guestbook:/ConfigMap:shop/a
    argocd.argoproj.io/sync-options: Validate=false,ServerSideApply=true,Dance=true
    argocd.argoproj.io/compare-options: IgnoreExtraneous
    helm.sh/resource-policy: keep
    lockstep.dev/prune: allowed
");
    let expected = [
        "[foreign-annotation] deploy/a.yaml:6:37: annotation argocd.argoproj.io/tracking-id is written by Argo CD and is left out (remove it)",
        "[foreign-annotation] deploy/a.yaml:7:38: annotation argocd.argoproj.io/sync-options: Validate=false has no effect here (the API server checks what is applied; correct the object)",
        "[foreign-annotation] deploy/a.yaml:8:41: annotation argocd.argoproj.io/compare-options: IgnoreExtraneous has no effect here (lockstep.dev/prune: disabled lets it stay when it has left Git)",
        "[foreign-annotation] deploy/a.yaml:7:38: annotation argocd.argoproj.io/sync-options: a word that is not known is ignored",
        "[foreign-annotation] deploy/a.yaml:9:30: annotation helm.sh/resource-policy (keep) says otherwise than lockstep.dev/prune, which counts",
    ];
    assert_eq!(findings(&rendered), expected);
    assert_eq!(value(&rendered).at(&["metadata", "annotations", "argocd.argoproj.io/tracking-id"]), None);
}
