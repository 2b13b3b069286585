//! What annotations of ours, and of the tools that objects came from, say about one object apart from its order.
//!
//! `docs/annotations.md` is the table for users; a test holds it to [`TABLE`].

use crate::manner::{MANNER_ANNOTATION, Manner};
use crate::value::Value;

/// The annotation by which an object says whether it may be deleted.
pub const PRUNE_ANNOTATION: &str = "lockstep.dev/prune";
/// The annotation by which the health of an object counts for nothing.
pub const IGNORE_HEALTH_ANNOTATION: &str = "lockstep.dev/ignore-health";
/// Argo CD's annotation of whose an object is.
pub const ARGO_CD_TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// What an annotation of another tool comes to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is never deleted.
    Stays,
    /// Its deletion waits for an approval.
    Confirmed,
    /// It is deleted only when everything that is desired is applied and healthy.
    Last,
    /// Its health counts for nothing.
    NoHealth,
    /// It is synced like this.
    Manner(Manner),
    /// It is deleted and made again where a change is forbidden to what is there.
    Force,
    /// Its fields may drift.
    MayDrift,
    /// It is so here in any case.
    Always,
    /// It has no effect here; what to do, or to know, instead.
    Nothing(&'static str),
}

/// One line of the table.
struct Row {
    annotation: &'static str,
    /// The value, or one of a list with commas.
    value: &'static str,
    meaning: Meaning,
}

const fn row(annotation: &'static str, value: &'static str, meaning: Meaning) -> Row {
    Row { annotation, value, meaning }
}

const OPTIONS: &str = "argocd.argoproj.io/sync-options";
const COMPARE: &str = "argocd.argoproj.io/compare-options";
const HEALTH: &str = "argocd.argoproj.io/ignore-healthcheck";
const KEEP: &str = "helm.sh/resource-policy";
const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
const DRIFT: &str = "helm.toolkit.fluxcd.io/driftDetection";

/// Everything of others that means something for one object, apart from its order. Of two that disagree the first one counts.
const TABLE: &[Row] = &[
    row(OPTIONS, "Prune=false", Meaning::Stays),
    row(OPTIONS, "Delete=false", Meaning::Stays),
    row(KEEP, "keep", Meaning::Stays),
    row(PRUNE, "disabled", Meaning::Stays),
    row(OPTIONS, "Prune=confirm", Meaning::Confirmed),
    row(OPTIONS, "Delete=confirm", Meaning::Confirmed),
    row(OPTIONS, "PruneLast=true", Meaning::Last),
    row(HEALTH, "true", Meaning::NoHealth),
    row(OPTIONS, "Replace=true", Meaning::Manner(Manner::Replaced)),
    row(OPTIONS, "Replace=false", Meaning::Manner(Manner::Applied)),
    row(OPTIONS, "ClientSideApplyMigration=false", Meaning::Manner(Manner::Merged)),
    row(RECONCILE, "disabled", Meaning::Manner(Manner::Untouched)),
    row(SSA, "Ignore", Meaning::Manner(Manner::Untouched)),
    row(SSA, "IfNotPresent", Meaning::Manner(Manner::Once)),
    row(SSA, "Merge", Meaning::Manner(Manner::Merged)),
    row(SSA, "Override", Meaning::Manner(Manner::Applied)),
    row(OPTIONS, "Force=true", Meaning::Force),
    row(FORCE, "enabled", Meaning::Force),
    row(DRIFT, "disabled", Meaning::MayDrift),
    row(OPTIONS, "Prune=true", Meaning::Always),
    row(OPTIONS, "Delete=true", Meaning::Always),
    row(OPTIONS, "PruneLast=false", Meaning::Always),
    row(OPTIONS, "Force=false", Meaning::Always),
    row(OPTIONS, "ServerSideApply=true", Meaning::Always),
    row(OPTIONS, "ClientSideApplyMigration=true", Meaning::Always),
    row(OPTIONS, "SkipDryRunOnMissingResource=true", Meaning::Always),
    row(OPTIONS, "SkipDryRunOnMissingResource=false", Meaning::Always),
    row(OPTIONS, "RespectIgnoreDifferences=true", Meaning::Always),
    row(OPTIONS, "ApplyOutOfSyncOnly=true", Meaning::Always),
    row(OPTIONS, "FailOnSharedResource=true", Meaning::Always),
    row(OPTIONS, "Validate=true", Meaning::Always),
    row(OPTIONS, "CreateNamespace=false", Meaning::Always),
    row(COMPARE, "ServerSideDiff=true", Meaning::Always),
    row(COMPARE, "IncludeMutationWebhook=true", Meaning::Always),
    row(HEALTH, "false", Meaning::Always),
    row(PRUNE, "enabled", Meaning::Always),
    row(RECONCILE, "enabled", Meaning::Always),
    row(FORCE, "disabled", Meaning::Always),
    row(DRIFT, "enabled", Meaning::Always),
    row(
        OPTIONS,
        "CreateNamespace=true",
        Meaning::Nothing("set spec.sync.createNamespace of the Application"),
    ),
    row(OPTIONS, "ServerSideApply=false", Meaning::Nothing("everything is applied by the server")),
    row(
        OPTIONS,
        "Validate=false",
        Meaning::Nothing("the API server checks what is applied; correct the object"),
    ),
    row(OPTIONS, "RespectIgnoreDifferences=false", Meaning::Nothing("what is ignored is not applied either")),
    row(OPTIONS, "ApplyOutOfSyncOnly=false", Meaning::Nothing("only what differs is applied")),
    row(OPTIONS, "FailOnSharedResource=false", Meaning::Nothing("an object belongs to one Application only")),
    row(
        OPTIONS,
        "PrunePropagationPolicy=foreground",
        Meaning::Nothing("set spec.sync.propagation of the Application"),
    ),
    row(
        OPTIONS,
        "PrunePropagationPolicy=background",
        Meaning::Nothing("set spec.sync.propagation of the Application"),
    ),
    row(
        OPTIONS,
        "PrunePropagationPolicy=orphan",
        Meaning::Nothing("set spec.sync.propagation of the Application"),
    ),
    row(
        COMPARE,
        "IgnoreExtraneous",
        Meaning::Nothing("lockstep.dev/prune: disabled lets it stay when it has left Git"),
    ),
    row(
        COMPARE,
        "ServerSideDiff=false",
        Meaning::Nothing("live is compared with what the server made of the last apply"),
    ),
    row(
        COMPARE,
        "IncludeMutationWebhook=false",
        Meaning::Nothing("what webhooks made of the last apply is no drift"),
    ),
];

/// The annotations of the table. Those of a list of words with commas first.
const ANNOTATIONS: &[&str] = &[OPTIONS, COMPARE, HEALTH, KEEP, PRUNE, RECONCILE, SSA, FORCE, DRIFT];
const LISTS: usize = 2;

/// What another tool's annotation says on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// The annotation.
    pub annotation: &'static str,
    /// Its value, or one word of it.
    pub text: &'a str,
    /// What that comes to; `None` where the word is not known.
    pub meaning: Option<Meaning>,
    rank: usize,
}

/// Everything that other tools' annotations say on an object, the one that counts before one that disagrees.
pub fn said(object: &Value) -> Vec<Said<'_>> {
    let annotations = object.at(&["metadata", "annotations"]);
    let Some(annotations) = annotations.filter(|annotations| !annotations.is_empty_container()) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (index, annotation) in ANNOTATIONS.iter().copied().enumerate() {
        let Some(text) = annotations.str_at(&[annotation]) else { continue };
        let words: Vec<&str> = if index < LISTS { text.split(',').collect() } else { vec![text] };
        for text in words.into_iter().map(str::trim).filter(|word| !word.is_empty()) {
            let rank = TABLE.iter().position(|row| row.annotation == annotation && row.value == text);
            let meaning = rank.map(|rank| TABLE[rank].meaning);
            all.push(Said { annotation, text, meaning, rank: rank.unwrap_or(usize::MAX) });
        }
    }
    all.sort_by_key(|said| said.rank);
    all
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.str_at(&["metadata", "annotations", name])
}

fn means(object: &Value, wanted: &[Meaning]) -> bool {
    said(object).iter().any(|said| said.meaning.is_some_and(|meaning| wanted.contains(&meaning)))
}

/// Whether an object stays when Git does not have it any more. Where ours says anything, it decides.
pub fn is_never_pruned(object: &Value) -> bool {
    if let Some(ours) = annotation(object, PRUNE_ANNOTATION) {
        return ours == "disabled";
    }
    match Manner::named(object) {
        Some(Manner::Untouched) => true,
        Some(_) => means(object, &[Meaning::Stays]),
        None => means(object, &[Meaning::Stays, Meaning::Manner(Manner::Untouched)]),
    }
}

/// Whether the deletion of an object waits for an approval.
pub fn is_pruned_when_confirmed(object: &Value) -> bool {
    match annotation(object, PRUNE_ANNOTATION) {
        Some(ours) => ours == "confirm",
        None => means(object, &[Meaning::Confirmed]),
    }
}

/// Whether an object is deleted only when everything that is desired is applied and healthy.
pub fn is_pruned_last(object: &Value) -> bool {
    match annotation(object, PRUNE_ANNOTATION) {
        Some(ours) => ours == "last",
        None => means(object, &[Meaning::Last]),
    }
}

/// Whether the health of an object counts for nothing.
pub fn ignores_health(object: &Value) -> bool {
    match annotation(object, IGNORE_HEALTH_ANNOTATION) {
        Some(ours) => ours == "true",
        // Asked of every object at every look at its Application: the whole table would be too much.
        None => annotation(object, HEALTH) == Some("true"),
    }
}

/// What is said on an object and does not count, with the annotation that does.
pub fn overruled(object: &Value) -> Vec<(Said<'_>, &'static str)> {
    let all = said(object);
    let prune = annotation(object, PRUNE_ANNOTATION);
    let health = annotation(object, IGNORE_HEALTH_ANNOTATION);
    let manner = Manner::named(object);
    let first = all.iter().find(|said| matches!(said.meaning, Some(Meaning::Manner(_)))).copied();
    let by = |said: &Said<'_>| match said.meaning? {
        Meaning::Stays => prune.filter(|ours| *ours != "disabled").map(|_| PRUNE_ANNOTATION),
        Meaning::Confirmed => prune.filter(|ours| *ours != "confirm").map(|_| PRUNE_ANNOTATION),
        Meaning::Last => prune.filter(|ours| *ours != "last").map(|_| PRUNE_ANNOTATION),
        Meaning::NoHealth => health.filter(|ours| *ours != "true").map(|_| IGNORE_HEALTH_ANNOTATION),
        Meaning::Manner(theirs) => match (manner, first) {
            (Some(ours), _) => (ours != theirs).then_some(MANNER_ANNOTATION),
            (None, Some(first)) => (first.meaning != said.meaning).then_some(first.annotation),
            (None, None) => None,
        },
        Meaning::Force | Meaning::MayDrift | Meaning::Always | Meaning::Nothing(_) => None,
    };
    all.iter().filter_map(|said| Some((*said, by(said)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_json;

    fn object(annotations: &str) -> Value {
        from_json(format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn three_tongues_say_what_stays_what_goes_last_and_whose_health_counts() {
        for (annotations, expected) in [
            ("{}", (false, false, false, false)),
            (r#"{"lockstep.dev/prune":"disabled"}"#, (true, false, false, false)),
            (r#"{"lockstep.dev/prune":"last"}"#, (false, false, true, false)),
            (r#"{"lockstep.dev/prune":"confirm"}"#, (false, true, false, false)),
            (r#"{"lockstep.dev/sync":"disabled"}"#, (true, false, false, false)),
            (r#"{"argocd.argoproj.io/sync-options":"Prune=false"}"#, (true, false, false, false)),
            (r#"{"argocd.argoproj.io/sync-options":"Delete=confirm"}"#, (false, true, false, false)),
            (
                r#"{"argocd.argoproj.io/sync-options":"Replace=true, PruneLast=true"}"#,
                (false, false, true, false),
            ),
            (
                r#"{"argocd.argoproj.io/sync-options":"Delete=false,PruneLast=true"}"#,
                (true, false, true, false),
            ),
            (r#"{"helm.sh/resource-policy":"keep"}"#, (true, false, false, false)),
            (r#"{"kustomize.toolkit.fluxcd.io/prune":"disabled"}"#, (true, false, false, false)),
            (r#"{"kustomize.toolkit.fluxcd.io/reconcile":"disabled"}"#, (true, false, false, false)),
            (
                r#"{"helm.sh/resource-policy":"keep","lockstep.dev/prune":"allowed"}"#,
                (false, false, false, false),
            ),
            (r#"{"argocd.argoproj.io/ignore-healthcheck":"true"}"#, (false, false, false, true)),
            (
                r#"{"argocd.argoproj.io/ignore-healthcheck":"true","lockstep.dev/ignore-health":"false"}"#,
                (false, false, false, false),
            ),
        ] {
            let object = object(annotations);
            let found = (
                is_never_pruned(&object),
                is_pruned_when_confirmed(&object),
                is_pruned_last(&object),
                ignores_health(&object),
            );
            assert_eq!(found, expected, "{annotations}");
        }
    }

    #[test]
    fn what_does_not_count_is_known_with_what_does() {
        for (annotations, expected) in [
            (r#"{"helm.sh/resource-policy":"keep"}"#, &[][..]),
            (r#"{"helm.sh/resource-policy":"keep","lockstep.dev/prune":"disabled"}"#, &[]),
            (
                r#"{"helm.sh/resource-policy":"keep","lockstep.dev/prune":"allowed"}"#,
                &[("keep", PRUNE_ANNOTATION)],
            ),
            (
                r#"{"argocd.argoproj.io/sync-options":"PruneLast=true,Replace=true","lockstep.dev/sync":"merge"}"#,
                &[("Replace=true", MANNER_ANNOTATION)],
            ),
            (
                r#"{"argocd.argoproj.io/sync-options":"Replace=true","kustomize.toolkit.fluxcd.io/ssa":"Merge"}"#,
                &[("Merge", OPTIONS)],
            ),
            (
                r#"{"argocd.argoproj.io/ignore-healthcheck":"true","lockstep.dev/ignore-health":"false"}"#,
                &[("true", IGNORE_HEALTH_ANNOTATION)],
            ),
        ] {
            let object = object(annotations);
            let found: Vec<_> = overruled(&object).into_iter().map(|(said, by)| (said.text, by)).collect();
            assert_eq!(found, expected, "{annotations}");
        }
    }

    #[test]
    fn words_that_nobody_knows_are_told_from_those_without_effect() {
        let object = object(
            r#"{"argocd.argoproj.io/sync-options":"Validate=false, ServerSideApply=true,Dance=true"}"#,
        );
        let found: Vec<_> = said(&object).into_iter().map(|said| (said.text, said.meaning)).collect();
        assert!(matches!(found[1], ("Validate=false", Some(Meaning::Nothing(_)))), "{found:?}");
        assert_eq!(found[0], ("ServerSideApply=true", Some(Meaning::Always)));
        assert_eq!(found[2], ("Dance=true", None));
    }

    #[test]
    fn every_line_of_the_table_is_in_the_docs() {
        let docs = include_str!("../../../docs/annotations.md");
        for row in TABLE {
            let (name, value) = (row.annotation, row.value);
            let prefix = value.split('=').next().unwrap_or(value);
            assert!(docs.contains(name), "{name}");
            assert!(docs.contains(value) || docs.contains(prefix), "{name}: {value}");
        }
    }
}
