//! What `lockstep install` prints: everything that a cluster needs to run the controller.

use lockstep_core::{Digest, Map, Value, from_json, to_json};

use crate::{application_definition, project_definition};

/// On a CustomResourceDefinition: a digest of the definition without this annotation.
const DEFINITION_ANNOTATION: &str = "lockstep.dev/definition";

/// How the controller is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The namespace of the controller.
    pub namespace: String,
    /// The name of the installation, which is also its field manager.
    pub instance: String,
    /// The container image.
    pub image: String,
}

/// The CustomResourceDefinitions, each with the name of its file under `deploy/crds`.
///
/// Each carries a digest of itself: what a newer version left out of a schema is no difference that could be seen in what is there.
pub fn custom_resources() -> Vec<(&'static str, Value)> {
    let all = [("applications.yaml", application_definition()), ("projects.yaml", project_definition())];
    all.map(|(file, mut definition)| {
        let digest = Digest::of(&to_json(&definition)).short();
        definition.set(&["metadata", "annotations", DEFINITION_ANNOTATION], digest.into());
        (file, definition)
    })
    .into()
}

/// Every object, in the order in which they are to be applied.
pub fn install(options: &Install) -> Vec<Value> {
    let mut objects = vec![namespace(options)];
    objects.extend(custom_resources().into_iter().map(|(_, definition)| definition));
    objects.extend([
        service_account(options),
        controller_role(options),
        user_role("view", &["get", "list", "watch"]),
        user_role("edit", &["create", "delete", "deletecollection", "patch", "update"]),
        role_binding(options),
        service(options),
        deployment(options),
    ]);
    objects
}

fn namespace(options: &Install) -> Value {
    object("v1", "Namespace", "", &options.namespace)
}

fn service_account(options: &Install) -> Value {
    object("v1", "ServiceAccount", &options.namespace, &controller_name(options))
}

/// The controller writes whatever kinds Git names, and gives rights that it has itself: it needs all of them.
fn controller_role(options: &Install) -> Value {
    let mut role = object(RBAC, "ClusterRole", "", &controller_name(options));
    role.set(
        &["rules"],
        json(
            r#"[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
                {"nonResourceURLs": ["*"], "verbs": ["*"]}]"#,
        ),
    );
    role
}

/// Rights on Applications for the holders of Kubernetes' own roles `view` and `edit`, and so of `admin`.
fn user_role(name: &str, verbs: &[&str]) -> Value {
    let mut role = object(RBAC, "ClusterRole", "", &format!("lockstep-{name}"));
    role.set(
        &["metadata", "labels", &format!("rbac.authorization.k8s.io/aggregate-to-{name}")],
        "true".into(),
    );
    let mut rule = json(r#"{"apiGroups": ["lockstep.dev"], "resources": ["applications"]}"#);
    rule.set(&["verbs"], Value::list(verbs.iter().map(|verb| (*verb).into()).collect()));
    role.set(&["rules"], Value::list(vec![rule]));
    role
}

fn role_binding(options: &Install) -> Value {
    let name = controller_name(options);
    let mut binding = object(RBAC, "ClusterRoleBinding", "", &name);
    let mut role = json(r#"{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}"#);
    role.set(&["name"], name.as_str().into());
    binding.set(&["roleRef"], role);
    let mut subject = json(r#"{"kind": "ServiceAccount"}"#);
    subject.set(&["name"], name.as_str().into());
    subject.set(&["namespace"], options.namespace.as_str().into());
    binding.set(&["subjects"], Value::list(vec![subject]));
    binding
}

fn service(options: &Install) -> Value {
    let mut service = object("v1", "Service", &options.namespace, &controller_name(options));
    service.set(&["spec", "selector"], selector(options));
    service.set(&["spec", "ports"], json(r#"[{"name": "http", "port": 8080, "targetPort": "http"}]"#));
    service
}

fn deployment(options: &Install) -> Value {
    let mut deployment = object("apps/v1", "Deployment", &options.namespace, &controller_name(options));
    let mut container = json(CONTAINER);
    container.set(&["image"], options.image.as_str().into());
    let flags = [
        "controller".to_owned(),
        format!("--namespace={}", options.namespace),
        format!("--instance={}", options.instance),
        "--listen=0.0.0.0:8080".to_owned(),
        "--state=/state".to_owned(),
    ];
    container.set(&["args"], Value::list(flags.into_iter().map(Value::from).collect()));
    let mut pod = json(POD);
    pod.set(&["serviceAccountName"], controller_name(options).into());
    pod.set(&["containers"], Value::list(vec![container]));
    let mut labels = selector(options);
    labels.set(&["app.kubernetes.io/part-of"], "lockstep".into());
    let mut spec = json(r#"{"replicas": 1, "strategy": {"type": "Recreate"}}"#);
    spec.set(&["selector", "matchLabels"], selector(options));
    spec.set(&["template", "metadata", "labels"], labels);
    spec.set(&["template", "spec"], pod);
    deployment.set(&["spec"], spec);
    deployment
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";

const CONTAINER: &str = r#"{
    "name": "controller",
    "ports": [{"name": "http", "containerPort": 8080}],
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 2},
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}},
    "securityContext": {
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]}
    },
    "volumeMounts": [{"name": "state", "mountPath": "/state"}]
}"#;

const POD: &str = r#"{
    "securityContext": {
        "runAsNonRoot": true,
        "runAsUser": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"}
    },
    "volumes": [{"name": "state", "emptyDir": {}}]
}"#;

fn controller_name(options: &Install) -> String {
    format!("{}-controller", options.instance)
}

fn selector(options: &Install) -> Value {
    Value::map(Map::from([
        ("app.kubernetes.io/name".into(), "lockstep".into()),
        ("app.kubernetes.io/instance".into(), options.instance.as_str().into()),
    ]))
}

fn object(api: &str, kind: &str, namespace: &str, name: &str) -> Value {
    let mut object = Value::map(Map::new());
    object.set(&["apiVersion"], api.into());
    object.set(&["kind"], kind.into());
    object.set(&["metadata", "name"], name.into());
    object.set(&["metadata", "labels", "app.kubernetes.io/part-of"], "lockstep".into());
    if !namespace.is_empty() {
        object.set(&["metadata", "namespace"], namespace.into());
    }
    object
}

/// The literals of this module; a test reads each of them.
fn json(text: &str) -> Value {
    from_json(text.as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects() -> Vec<Value> {
        install(&Install {
            namespace: "ns".to_owned(),
            instance: "blue".to_owned(),
            image: "registry.example/lockstep:1".to_owned(),
        })
    }

    #[test]
    fn everything_is_there_once_and_in_order() {
        let names: Vec<String> = objects()
            .iter()
            .map(|object| {
                format!(
                    "{} {}",
                    object.str_at(&["kind"]).unwrap(),
                    object.str_at(&["metadata", "name"]).unwrap()
                )
            })
            .collect();
        assert_eq!(
            names,
            [
                "Namespace ns",
                "CustomResourceDefinition applications.lockstep.dev",
                "CustomResourceDefinition projects.lockstep.dev",
                "ServiceAccount blue-controller",
                "ClusterRole blue-controller",
                "ClusterRole lockstep-view",
                "ClusterRole lockstep-edit",
                "ClusterRoleBinding blue-controller",
                "Service blue-controller",
                "Deployment blue-controller",
            ]
        );
    }

    #[test]
    fn the_options_reach_the_container() {
        let deployment = objects().pop().unwrap();
        let containers =
            deployment.at(&["spec", "template", "spec", "containers"]).unwrap().as_list().unwrap();
        assert_eq!(containers[0].str_at(&["image"]), Some("registry.example/lockstep:1"));
        let flags: Vec<&str> =
            containers[0].get("args").unwrap().as_list().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(
            flags,
            ["controller", "--namespace=ns", "--instance=blue", "--listen=0.0.0.0:8080", "--state=/state"]
        );
    }

    #[test]
    fn no_literal_is_broken() {
        for text in [CONTAINER, POD] {
            assert!(from_json(text.as_bytes()).is_ok());
        }
        let empty = |value: &Value| value.is_empty_container();
        for object in objects() {
            let hollow = object.as_map().unwrap().iter().find(|(_, value)| empty(value));
            assert_eq!(hollow, None);
        }
    }
}
