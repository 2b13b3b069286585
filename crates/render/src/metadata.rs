//! What the server writes and Git must not say, and the annotations that are ours.

use lockstep_core::{
    ARGO_CD_HOOK, ARGO_CD_TRACKING, Finding, HELM_HOOK, HOOK_ANNOTATION, HookOn, Manner, Meaning,
    OWNER_ANNOTATION, Phase, Value, Wave, overruled, parse_delete, parse_retries, parse_timeout, said,
};
use manifest::Object;

/// Fields that the server sets.
const SERVER_FIELDS: &[&[&str]] = &[
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
    &["metadata", "uid"],
    &["metadata", "creationTimestamp"],
    &["metadata", "generation"],
    &["metadata", "selfLink"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["status"],
];

/// What the control plane collects from other roles; `rules: []` is what its documentation shows beside an `aggregationRule`.
/// Applied, it would be taken away and given back for ever.
const AGGREGATED_RULES: &[&str] = &["rules"];

fn has_aggregated_rules(object: &Object) -> bool {
    let aggregation = object.value.get("aggregationRule").is_some_and(|rule| *rule != Value::Null);
    aggregation && object.gvk().group_kind().is("rbac.authorization.k8s.io", "ClusterRole")
}

/// Drops what the server sets. Generators write `creationTimestamp: null` and `status: {}` everywhere: only what says
/// something is worth a warning.
pub(crate) fn drop_server_fields(object: &Object, value: &mut Value, findings: &mut Vec<Finding>) {
    let rules = has_aggregated_rules(object).then_some(AGGREGATED_RULES);
    for path in SERVER_FIELDS.iter().copied().chain(rules) {
        let Some(dropped) = value.remove(path) else { continue };
        if !says_something(&dropped) {
            continue;
        }
        let message = format!("{} is set by the server and is left out", path.join("."));
        let finding = Finding::warning("server-field", message).at(object.origin_of_fields(path));
        findings.push(finding.with_hint("remove it"));
    }
}

/// Whether there is anything but empty containers, empty text and zero in a value: controller-gen writes a whole status of them.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::List(items) => items.iter().any(says_something),
        Value::Map(entries) => entries.values().any(says_something),
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => true,
    }
}

/// Annotations of the model that this binary does not act on.
const NOT_BUILT: &[&str] = &["depends-on"];
/// Annotations that a user may write on an Application in Git, as on any other way.
const INTENTS: &[&str] = &["sync", "refresh", "approve", "abort"];
const PREFIX: &str = "lockstep.dev/";
const PHASES: &str = "must name phases: PreSync, Sync, PostSync, SyncFail, PreDelete, PostDelete";

/// A finding for each of our annotations that would have no effect, or that only the controller may write.
pub(crate) fn check_annotations(object: &Object, value: &mut Value, findings: &mut Vec<Finding>) {
    let annotations = value.at(&["metadata", "annotations"]).and_then(Value::as_map);
    let ours: Vec<(String, Value)> = annotations
        .into_iter()
        .flatten()
        .filter_map(|(name, text)| Some((name.strip_prefix(PREFIX)?.to_owned(), text.clone())))
        .collect();
    let is_application = object.gvk().group_kind().is("lockstep.dev", "Application");
    for (name, text) in ours {
        let full = format!("{PREFIX}{name}");
        let place = object.origin_of_fields(&["metadata", "annotations", &full]);
        if full == OWNER_ANNOTATION {
            value.remove(&["metadata", "annotations", &full]);
        }
        if let Some(finding) = check_annotation(&name, text.as_str().unwrap_or_default(), is_application) {
            findings.push(finding.at(place));
        }
    }
    findings.extend(check_tracking(object, value));
    findings.extend(check_foreign(object));
    findings.extend(check_foreign_wave(object));
    findings.extend(check_hook(object));
}

/// Whose an object is stands in the record: Argo CD's own word would make it take the object for its own.
fn check_tracking(object: &Object, value: &mut Value) -> Option<Finding> {
    let path = ["metadata", "annotations", ARGO_CD_TRACKING];
    let place = object.origin_of_fields(&path);
    value.remove(&path)?;
    if value.at(&path[..2]).is_some_and(Value::is_empty_container) {
        value.remove(&path[..2]);
    }
    let message = format!("annotation {ARGO_CD_TRACKING} is written by Argo CD and is left out");
    Some(Finding::warning("foreign-annotation", message).at(place).with_hint("remove it"))
}

/// What other tools' annotations ask for and nothing is done about, and what does not count beside another one.
fn check_foreign(object: &Object) -> Vec<Finding> {
    let finding = |annotation: &str, message: String| {
        let place = object.origin_of_fields(&["metadata", "annotations", annotation]);
        Finding::warning("foreign-annotation", message).at(place)
    };
    let idle = said(&object.value).into_iter().filter_map(|said| {
        let (annotation, text) = (said.annotation, said.text);
        match said.meaning {
            Some(Meaning::Nothing(hint)) => {
                let message = format!("annotation {annotation}: {text} has no effect here");
                Some(finding(annotation, message).with_hint(hint))
            }
            None => {
                let message = format!("annotation {annotation}: a word that is not known is ignored");
                Some(finding(annotation, message).with_text(text))
            }
            Some(_) => None,
        }
    });
    let overruled = overruled(&object.value).into_iter().map(|(said, by)| {
        let message =
            format!("annotation {} ({}) says otherwise than {by}, which counts", said.annotation, said.text);
        finding(said.annotation, message)
    });
    idle.chain(overruled).collect()
}

/// Argo CD's wave counts where ours is not named. It ignores what is no integer; here that is told.
fn check_foreign_wave(object: &Object) -> Option<Finding> {
    let annotation = |name| object.value.str_at(&["metadata", "annotations", name]);
    let theirs = annotation(Wave::ARGO_CD)?;
    let ours = annotation(Wave::ANNOTATION).and_then(Wave::parse);
    let message = match (Wave::parse(theirs), ours) {
        (None, _) => format!("annotation {} is no integer and is ignored", Wave::ARGO_CD),
        (Some(theirs), Some(ours)) if theirs != ours => {
            format!("annotation {} says otherwise than {}, which counts", Wave::ARGO_CD, Wave::ANNOTATION)
        }
        (Some(_), _) => return None,
    };
    let place = object.origin_of_fields(&["metadata", "annotations", Wave::ARGO_CD]);
    Some(Finding::warning("foreign-annotation", message).with_text(theirs).at(place))
}

fn check_annotation(name: &str, text: &str, is_application: bool) -> Option<Finding> {
    let full = format!("{PREFIX}{name}");
    let not_built = || {
        let message = format!("annotation {full}: not built yet, so that it would have no effect");
        Finding::error("not-built", message).with_hint("remove it")
    };
    match (name, text) {
        ("prune", "disabled" | "confirm" | "allowed" | "last") => None,
        ("prune", other) => Some(bad(&full, "must be disabled, confirm, allowed or last", other)),
        ("sync", text) if is_application || Manner::parse(text).is_some() => None,
        ("sync", other) => Some(bad(&full, "must be disabled, merge, if-not-present or replace", other)),
        ("hook", text) if all_words(text, |word| Phase::parse(word).is_some()) => None,
        ("hook-delete", text) if all_words(text, |word| parse_delete(word).is_some()) => None,
        ("hook-timeout", text) if parse_timeout(text).is_some() => None,
        ("hook-retries", text) if parse_retries(text).is_some() => None,
        ("hook-on", text) if HookOn::parse(text).is_some() => None,
        ("ignore-health", "true" | "false") => None,
        ("ignore-health", other) => Some(bad(&full, "must be true or false, in quotes", other)),
        ("hook", other) => Some(bad(&full, PHASES, other)),
        ("hook-delete", other) => {
            Some(bad(&full, "must name before-creation, succeeded, failed or never", other))
        }
        ("hook-retries", other) => Some(bad(&full, "must be a whole number up to 100, in quotes", other)),
        ("hook-on", other) => Some(bad(&full, "must be change or always", other)),
        ("hook-timeout", other) => Some(bad(&full, "must be a whole number of s, m or h", other)),
        ("wave", text) if Wave::parse(text).is_some() => None,
        ("wave", other) => Some(bad(&full, "must be an integer in quotes", other)),
        ("owner", _) => {
            let message = format!("annotation {full} is written by Lockstep and is replaced");
            Some(Finding::warning("owner-annotation", message).with_hint("remove it"))
        }
        // On our own CustomResourceDefinitions, which may be kept in Git like anything else.
        ("definition", _) => None,
        (name, _) if is_application && INTENTS.contains(&name) => None,
        (name, _) if NOT_BUILT.contains(&name) => Some(not_built()),
        _ => Some(Finding::error("unknown-annotation", format!("annotation {full} is not known"))),
    }
}

fn bad(annotation: &str, rule: &str, text: &str) -> Finding {
    Finding::error("bad-annotation", format!("annotation {annotation} {rule}")).with_text(text)
}

fn all_words(text: &str, is_one: impl Fn(&str) -> bool) -> bool {
    text.split(',').all(|word| is_one(word.trim()))
}

/// Of three annotations one counts.
fn check_hook(object: &Object) -> Option<Finding> {
    let said = |name: &&&str| object.value.str_at(&["metadata", "annotations", name]).is_some();
    let names = [HOOK_ANNOTATION, ARGO_CD_HOOK, HELM_HOOK];
    let mut names = names.iter().filter(said);
    let name = names.next()?;
    let place = object.origin_of_fields(&["metadata", "annotations", name]);
    let other = names.next()?;
    let message = format!("annotation {other} is ignored, {name} counts");
    Some(Finding::warning("foreign-annotation", message).at(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_annotations_are_known_refused_or_fine() {
        for (name, text, is_application, rule) in [
            ("prune", "disabled", false, None),
            ("prune", "allowed", false, None),
            ("prune", "confirm", false, None),
            ("prune", "no", false, Some("bad-annotation")),
            ("prune", "last", false, None),
            ("wave", "-1", false, None),
            ("wave", "first", false, Some("bad-annotation")),
            ("hook", "PreSync", false, None),
            ("hook", "PreSync,PostSync", false, None),
            ("hook", "Before", false, Some("bad-annotation")),
            ("hook-delete", "succeeded, failed", false, None),
            ("hook-delete", "now", false, Some("bad-annotation")),
            ("hook-timeout", "10m", false, None),
            ("hook-timeout", "soon", false, Some("bad-annotation")),
            ("hook", "PreDelete, PostDelete", false, None),
            ("hook-retries", "3", false, None),
            ("hook-retries", "-1", false, Some("bad-annotation")),
            ("hook-on", "always", false, None),
            ("hook-on", "never", false, Some("bad-annotation")),
            ("ignore-health", "true", false, None),
            ("ignore-health", "yes", false, Some("bad-annotation")),
            ("hook-run", "1", false, Some("unknown-annotation")),
            ("sync", "merge", false, None),
            ("sync", "now", false, Some("bad-annotation")),
            ("depends-on", "x", false, Some("not-built")),
            ("sync", "now", true, None),
            ("approve", "abc", true, None),
            ("approve", "abc", false, Some("unknown-annotation")),
            ("wave", "1", true, None),
            ("owner", "x", false, Some("owner-annotation")),
            ("definition", "5c0d2f1bdc74", false, None),
            ("waves", "1", false, Some("unknown-annotation")),
        ] {
            let found = check_annotation(name, text, is_application).map(|finding| finding.rule);
            assert_eq!(found, rule, "{name}: {text}");
        }
    }

    #[test]
    fn empty_status_of_generators_says_nothing() {
        for (json, says) in [
            (r#"{"acceptedNames":{"kind":"","plural":""},"conditions":[],"storedVersions":[]}"#, false),
            ("null", false),
            (r#"{"replicas":1}"#, true),
        ] {
            assert_eq!(says_something(&lockstep_core::from_json(json.as_bytes()).unwrap()), says, "{json}");
        }
    }
}
