//! Live objects that look different from what Git has, and are not: no false drift.
use serde_json::{Value, json};
use xtask::{Cluster, SOON, Scenario, eventually};

use crate::harness::witness::{
    APPLICATION, Object, SHOP, deployed, looked_at, meddle, restart, until_written, workload,
};
use crate::harness::{heal, scenario};

/// One write made each of these objects (plural and name), and no look at it since found anything to write: neither
/// those that the watches led to nor that of a new controller.
async fn in_sync(stage: &mut Scenario, objects: &[(&str, &str)]) {
    restart(stage);
    for (resource, name) in objects {
        until_written(stage, resource, name, 1).await;
    }
    let metrics = stage.controller.metrics().expect("metrics");
    let heals = metrics.by("lockstep_heals_total", "result");
    assert!(heals.values().all(|heals| *heals < 0.5), "{heals:?}");
    assert_eq!(stage.get(SHOP).await["status"]["sync"]["state"], "Synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_resources_with_a_child_of_somebody_else() {
    let (web, other) = (workload("web", "", "resources: {}, "), workload("other", "", ""));
    let files = [("app/web.yaml", &*web), ("app/other.yaml", &other)];
    let Some(mut stage) = deployed("empty-resources", &files, json!({})).await else { return };
    // Applied, as a tool that owns just this field would: under the same container, by its key.
    let limits = json!({"name": "main", "resources": {"limits": {"cpu": "250m"}}});
    let theirs = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": stage.namespace},
        "spec": {"template": {"spec": {"containers": [limits]}}},
    });
    stage.cluster.rest().apply(&theirs, "vertical-autoscaler").await.expect("limits");
    looked_at(&stage, ("apps/v1", "Deployment", "other")).await;
    let live = stage.find("apps/v1", "Deployment", "web").await.expect("live");
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["cpu"], "250m");
    restart(&mut stage);
    until_written(&stage, "deployments", "web", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quantities_that_the_server_spells_otherwise() {
    let container =
        "resources: {requests: {cpu: 0.5, memory: 1024Mi}, limits: {cpu: '1000m', memory: 2.5e9}}, ";
    let web = workload("web", "replicas: 0, ", container);
    let Some(mut stage) = deployed("quantities", &[("app/web.yaml", &web)], json!({})).await else { return };
    let live = stage.find("apps/v1", "Deployment", "web").await.expect("live");
    let resources = &live["spec"]["template"]["spec"]["containers"][0]["resources"];
    assert_eq!(resources["requests"]["cpu"], "500m", "the server is expected to change it: {resources}");
    in_sync(&mut stage, &[("deployments", "web")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn string_data_of_a_secret() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n\
         stringData: {password: hunter2}\ndata: {user: YWRh}\n";
    let Some(mut stage) = deployed("string-data", &[("app/login.yaml", secret)], json!({})).await else {
        return;
    };
    in_sync(&mut stage, &[("secrets", "login")]).await;
    let login: Object<'_> = ("v1", "Secret", "login");
    // Its entries are Git's as those of data are.
    meddle(&stage, login, json!({"data": {"password": "b3RoZXI="}})).await;
    stage
        .until(login, |live| live["data"]["password"] == "aHVudGVyMg==" && live["data"]["user"] == "YWRh")
        .await;
    assert!(!stage.controller.log().contains("hunter2") && !stage.controller.log().contains("aHVudGVyMg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn autoscalers_of_both_versions() {
    let target =
        |name: &str| format!("scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}");
    let (old, new) = (target("old"), target("new"));
    let v1 = format!(
        "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {{name: old}}\n\
         spec: {{{old}, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 60}}\n"
    );
    let v2 = format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: new}}\nspec:\n  {new}\n  \
         maxReplicas: 4\n  metrics:\n  - {{type: Resource, resource: {{name: memory, target: {{type: Utilization, \
         averageUtilization: 70}}}}}}\n  - {{type: Resource, resource: {{name: cpu, target: {{type: AverageValue, \
         averageValue: 0.5}}}}}}\n"
    );
    let (web_old, web_new) = (workload("old", "", ""), workload("new", "", ""));
    let files =
        [("app/v1.yaml", &*v1), ("app/v2.yaml", &v2), ("app/old.yaml", &web_old), ("app/new.yaml", &web_new)];
    let Some(mut stage) = deployed("autoscalers", &files, json!({})).await else { return };
    // What the autoscaler's controller writes some time later. Version 1 has the conditions in an annotation.
    for name in ["old", "new"] {
        let condition = json!({"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "m",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let status =
            json!({"status": {"currentReplicas": 1, "desiredReplicas": 1, "conditions": [condition]}});
        let path = format!("{}/status", stage.path("autoscaling/v2", "HorizontalPodAutoscaler", name));
        stage.cluster.rest().merge(&path, &status, "kube-controller-manager").await.expect("status");
    }
    in_sync(&mut stage, &[("horizontalpodautoscalers", "old"), ("horizontalpodautoscalers", "new")]).await;
    for (version, name, field) in
        [("autoscaling/v1", "old", "/spec/maxReplicas"), ("autoscaling/v2", "new", "/spec/maxReplicas")]
    {
        let object: Object<'_> = (version, "HorizontalPodAutoscaler", name);
        let before = stage.find(object.0, object.1, object.2).await.expect("live");
        meddle(&stage, object, json!({"spec": {"maxReplicas": 9}})).await;
        stage.until(object, |live| live.pointer(field) == before.pointer(field)).await;
    }
}

const EMPTY_THINGS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: empty, annotations: {}, labels: {}}
data: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: nulls, labels: null}
data: {value: 'x'}
binaryData: null
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}, ingress: [], policyTypes: [Ingress]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
imagePullSecrets: []
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {sentinel: here}, creationTimestamp: null}
spec:
  replicas: 0
  strategy: {}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {}, creationTimestamp: null}
    spec:
      securityContext: {}
      nodeSelector: {}
      tolerations: []
      initContainers: []
      containers: [{name: main, image: 'example.com/web:1', resources: {}, securityContext: {}, env: [], args: []}]
      volumes: [{name: scratch, emptyDir: {}}]
status: {}
";

#[tokio::test(flavor = "multi_thread")]
async fn empty_things_that_the_server_drops_keeps_or_fills() {
    let Some(mut stage) = deployed("empty-things", &[("app/all.yaml", EMPTY_THINGS)], json!({})).await else {
        return;
    };
    let objects = [
        ("configmaps", "empty"),
        ("configmaps", "nulls"),
        ("networkpolicies", "deny"),
        ("serviceaccounts", "robot"),
        ("deployments", "web"),
    ];
    in_sync(&mut stage, &objects).await;
}

const DEFAULTED_KEYS: &str = "apiVersion: v1
kind: Service
metadata: {name: dns}
spec:
  selector: {app: dns}
  ports:
  - {name: tcp, port: 53}
  - {name: udp, port: 53, protocol: UDP, targetPort: dns}
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: dns}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: dns}
spec:
  replicas: 0
  selector: {matchLabels: {app: dns}}
  template:
    metadata: {labels: {app: dns}}
    spec:
      containers:
      - name: main
        image: example.com/dns:1
        ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP, name: dns}]
        livenessProbe: {httpGet: {path: /, port: 80}}
        env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}, {name: ONE, value: '1'}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 3 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: i}]}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 0
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main, image: i}]}}
  volumeClaimTemplates:
  - metadata: {name: disk}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn defaults_in_keys_and_inside_atomic_values() {
    let Some(mut stage) = deployed("defaulted-keys", &[("app/all.yaml", DEFAULTED_KEYS)], json!({})).await
    else {
        return;
    };
    let objects = [
        ("services", "dns"),
        ("services", "headless"),
        ("deployments", "dns"),
        ("cronjobs", "nightly"),
        ("statefulsets", "db"),
    ];
    in_sync(&mut stage, &objects).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_somebody_else_applies_with_the_same_value() {
    let settings = crate::harness::config_map("settings", "blue");
    let files = [
        ("app/settings.yaml", &*settings),
        ("app/sentinel.yaml", &crate::harness::config_map("sentinel", "1")),
    ];
    let Some(mut stage) = deployed("co-owner", &files, json!({})).await else { return };
    let mut theirs = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": stage.namespace},
        "data": {"value": "blue"},
    });
    stage.cluster.rest().apply(&theirs, "somebody").await.expect("apply");
    heal(&stage, "sentinel", "1").await;
    restart(&mut stage);
    until_written(&stage, "configmaps", "settings", 1).await;
    // With another value it is drift, however it is written.
    theirs["data"]["value"] = json!("red");
    stage.cluster.rest().apply(&theirs, "somebody").await.expect("apply");
    stage.until(("v1", "ConfigMap", "settings"), |live| live["data"]["value"] == "blue").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_the_control_plane_fills_in() {
    let name = Cluster::unique("aggregated");
    let roles = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\n\
         aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{aggregate: {name}}}}}]}}\nrules: []\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n\
         metadata: {{name: {name}-part, labels: {{aggregate: {name}, sentinel: here}}}}\n\
         rules: [{{apiGroups: [''], resources: [pods], verbs: [get]}}]\n"
    );
    let Some(mut stage) = deployed("aggregated", &[("app/roles.yaml", &roles)], json!({})).await else {
        return;
    };
    let part = format!("{name}-part");
    let role: Object<'_> = ("rbac.authorization.k8s.io/v1", "ClusterRole", &name);
    let filled = |live: &Value| live["rules"].as_array().is_some_and(|rules| rules.len() == 1);
    let live = stage.until(role, filled).await;
    looked_at(&stage, (role.0, role.1, &part)).await;
    restart(&mut stage);
    let after = stage.find(role.0, role.1, role.2).await.expect("live");
    assert_eq!(after["metadata"]["resourceVersion"], live["metadata"]["resourceVersion"], "{after:#}");
    assert_eq!(stage.get(SHOP).await["status"]["sync"]["state"], "Synced");
    let path = stage.path(APPLICATION.0, APPLICATION.1, SHOP);
    stage.cluster.rest().delete(&path).await.expect("delete");
    stage.until_gone(APPLICATION.0, APPLICATION.1, SHOP).await;
    // The control plane's aggregation applies the role once more when its part goes, and an apply creates what is not there: what may
    // be left is that one, never ours.
    let left = stage.find(role.0, role.1, role.2).await;
    assert!(left.is_none_or(|left| left["metadata"]["uid"] != live["metadata"]["uid"]));
}

/// A policy that changes every ConfigMap of the namespace when it is written.
fn policy(name: &str, expression: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"],
            }]},
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
        },
    })
}

fn binding(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        }},
    })
}

/// Puts a policy in force for the scenario's namespace and returns its name.
async fn enforce(stage: &Scenario, expression: &str) -> String {
    let name = Cluster::unique("policy");
    let rest = stage.cluster.rest();
    rest.create(&policy(&name, expression)).await.expect("policy");
    rest.create(&binding(&name, &stage.namespace)).await.expect("binding");
    let probe = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": stage.namespace},
        "data": {"value": "untouched"},
    });
    let path = stage.path("v1", "ConfigMap", "probe");
    eventually(SOON, || async {
        rest.delete(&path).await.map_err(|error| error.to_string())?;
        let made = rest.create(&probe).await.map_err(|error| error.to_string())?;
        let touched = made["data"] != probe["data"];
        touched.then_some(()).ok_or_else(|| format!("the policy is not in force: {made:#}"))
    })
    .await;
    name
}

/// The Application is Ready although the policy rewrites what is applied, at the cost of one write, and what it wrote stands.
async fn tolerated(name: &str, expression: &str, want: Value) {
    let Some(mut stage) = scenario(name).await else { return };
    let policy = enforce(&stage, expression).await;
    let settings = crate::harness::config_map("settings", "blue");
    let sentinel = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sentinel, labels: {sentinel: here}}\n";
    let sha = stage.push(&[("app/settings.yaml", &settings), ("app/sentinel.yaml", sentinel)]);
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    looked_at(&stage, ("v1", "ConfigMap", "sentinel")).await;
    restart(&mut stage);
    until_written(&stage, "configmaps", "settings", 1).await;
    let live = stage.find("v1", "ConfigMap", "settings").await.expect("live");
    assert_eq!(live["data"], want);
    assert_eq!(
        stage.find(APPLICATION.0, APPLICATION.1, SHOP).await.expect("app")["status"]["sync"]["state"],
        "Synced"
    );
    for kind in ["MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy"] {
        let path = stage.path("admissionregistration.k8s.io/v1", kind, &policy);
        stage.cluster.rest().delete(&path).await.expect("delete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_adds_a_field() {
    let expression = "Object{data: {'added': 'by-policy'}}";
    tolerated("policy-adds", expression, json!({"value": "blue", "added": "by-policy"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_sets_a_field_of_gits_otherwise() {
    tolerated("policy-sets", "Object{data: {'value': 'red'}}", json!({"value": "red"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_write_under_a_policy_is_still_healed() {
    let Some(stage) = scenario("policy-heal").await else { return };
    enforce(&stage, "Object{data: {'added': 'by-policy'}}").await;
    let sha = stage.push(&[("app/a.yaml", &crate::harness::config_map("a", "1"))]);
    stage.application(SHOP, json!({})).await;
    stage.ready(SHOP, &sha).await;
    heal(&stage, "a", "1").await;
}
