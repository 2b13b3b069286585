//! Kinds that Git itself defines.
use serde_json::json;
use xtask::text;

use crate::harness::scenario;

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_and_its_instances_come_and_change_in_one_commit_each() {
    let Some(stage) = scenario("kind").await else { return };
    let group = format!("{}.example.com", stage.namespace);
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {{name: widgets.{group}, annotations: {{lockstep.dev/prune: allowed}}}}\nspec:\n  group: {group}\n  \
         scope: Namespaced\n  names: {{kind: Widget, plural: widgets}}\n  versions:\n  - name: v1\n    served: true\n    \
         storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          \
         spec: {{type: object, properties: {{size: {{type: integer}}}}}}\n"
    );
    let widget = |size: u32| {
        format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{size: {size}}}\n")
    };
    // The instance comes first by name: order is the controller's business.
    let sha = stage.push(&[("app/a.yaml", &widget(1)), ("app/z.yaml", &definition)]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let api = format!("{group}/v1");
    let live = stage.find(&api, "Widget", "w").await.expect("the instance");
    assert_eq!(live["spec"]["size"], 1);

    let path = stage.path(&api, "Widget", "w");
    stage.cluster.rest().merge(&path, &json!({"spec": {"size": 7}}), "somebody").await.expect("drift");
    stage.until((&api, "Widget", "w"), |live| live["spec"]["size"] == 1).await;

    // A field that is new in the definition, and used, in one commit.
    let wider =
        definition.replace("{size: {type: integer}}", "{size: {type: integer}, colour: {type: string}}");
    let red = widget(2).replace("size: 2", "size: 2, colour: red");
    let sha = stage.push(&[("app/a.yaml", &red), ("app/z.yaml", &wider)]);
    stage.ready("shop", &sha).await;
    let live = stage.find(&api, "Widget", "w").await.expect("the instance");
    assert_eq!((&live["spec"]["size"], text(&live, "/spec/colour")), (&json!(2), "red"));

    stage.repo.remove("app/a.yaml").remove("app/z.yaml");
    let sha = stage.push(&[("app/c.yaml", &crate::harness::config_map("c", "1"))]);
    stage.ready("shop", &sha).await;
    let name = format!("widgets.{group}");
    stage.until_gone("apiextensions.k8s.io/v1", "CustomResourceDefinition", &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_definition_comes_later_waits_for_it() {
    let Some(stage) = scenario("kind-later").await else { return };
    let group = format!("{}.example.com", stage.namespace);
    let widget = format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w}}\n");
    stage.push(&[("app/a.yaml", &widget), ("app/m.yaml", &crate::harness::config_map("m", "1"))]);
    stage.application("shop", json!({})).await;
    stage.until(("v1", "ConfigMap", "m"), |_| true).await;
    let shop = stage.get("shop").await;
    assert_ne!(crate::harness::ready_condition(&shop).0, "True");
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                          "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    });
    stage.cluster.rest().create(&definition).await.expect("definition");
    let head = stage.repo.head();
    stage.ready("shop", &head).await;
    assert!(stage.find(&format!("{group}/v1"), "Widget", "w").await.is_some());
}
