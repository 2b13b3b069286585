//! What annotations of ours, and of the tools that objects came from, say about one object apart from its order.

use crate::value::Value;

/// The annotation by which an object says whether it may be deleted.
pub const PRUNE_ANNOTATION: &str = "lockstep.dev/prune";
/// The annotation by which the health of an object counts for nothing.
pub const IGNORE_HEALTH_ANNOTATION: &str = "lockstep.dev/ignore-health";

const ARGO_CD_OPTIONS: &str = "argocd.argoproj.io/sync-options";

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.str_at(&["metadata", "annotations", name])
}

fn has_option(object: &Value, option: &str) -> bool {
    annotation(object, ARGO_CD_OPTIONS).is_some_and(|all| all.split(',').any(|one| one.trim() == option))
}

/// Whether an object stays when Git does not have it any more. Where ours says anything, it decides.
pub fn is_never_pruned(object: &Value) -> bool {
    if let Some(ours) = annotation(object, PRUNE_ANNOTATION) {
        return ours == "disabled";
    }
    has_option(object, "Prune=false")
        || has_option(object, "Delete=false")
        || annotation(object, "helm.sh/resource-policy") == Some("keep")
        || annotation(object, "kustomize.toolkit.fluxcd.io/prune") == Some("disabled")
}

/// Whether an object is deleted only when everything that is desired is applied and healthy.
pub fn is_pruned_last(object: &Value) -> bool {
    match annotation(object, PRUNE_ANNOTATION) {
        Some(ours) => ours == "last",
        None => has_option(object, "PruneLast=true"),
    }
}

/// Whether the health of an object counts for nothing.
pub fn ignores_health(object: &Value) -> bool {
    [IGNORE_HEALTH_ANNOTATION, "argocd.argoproj.io/ignore-healthcheck"]
        .into_iter()
        .find_map(|name| annotation(object, name))
        .is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_json;

    #[test]
    fn three_tongues_say_what_stays_what_goes_last_and_whose_health_counts() {
        for (annotations, expected) in [
            ("{}", (false, false, false)),
            (r#"{"lockstep.dev/prune":"disabled"}"#, (true, false, false)),
            (r#"{"lockstep.dev/prune":"last"}"#, (false, true, false)),
            (r#"{"argocd.argoproj.io/sync-options":"Prune=false"}"#, (true, false, false)),
            (r#"{"argocd.argoproj.io/sync-options":"Replace=true, PruneLast=true"}"#, (false, true, false)),
            (r#"{"argocd.argoproj.io/sync-options":"Delete=false,PruneLast=true"}"#, (true, true, false)),
            (r#"{"helm.sh/resource-policy":"keep"}"#, (true, false, false)),
            (r#"{"kustomize.toolkit.fluxcd.io/prune":"disabled"}"#, (true, false, false)),
            (r#"{"helm.sh/resource-policy":"keep","lockstep.dev/prune":"allowed"}"#, (false, false, false)),
            (r#"{"argocd.argoproj.io/ignore-healthcheck":"true"}"#, (false, false, true)),
            (
                r#"{"argocd.argoproj.io/ignore-healthcheck":"true","lockstep.dev/ignore-health":"false"}"#,
                (false, false, false),
            ),
        ] {
            let json = format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#);
            let object = from_json(json.as_bytes()).unwrap();
            let found = (is_never_pruned(&object), is_pruned_last(&object), ignores_health(&object));
            assert_eq!(found, expected, "{annotations}");
        }
    }
}
