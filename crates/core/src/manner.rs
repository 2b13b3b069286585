//! How one object is synced, where it says so itself.

use crate::foreign::{Meaning, said};
use crate::value::Value;

/// How one object is synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manner {
    /// Applied; at its first apply the fields that the tools before wrote are taken over, so that those which Git does not have go.
    #[default]
    Applied,
    /// Applied without taking anything over: what others set and Git does not name stays.
    Merged,
    /// Made where it is not there, and left alone where it is.
    Once,
    /// Applied, and whatever Git does not name goes, whoever set it.
    Replaced,
    /// Left alone, whether it is there or not.
    Untouched,
}

/// The annotation by which an object says how it is synced. (On an Application it asks for a sync.)
pub const MANNER_ANNOTATION: &str = "lockstep.dev/sync";

impl Manner {
    /// Parses what our annotation says.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "disabled" => Some(Self::Untouched),
            "merge" => Some(Self::Merged),
            "if-not-present" => Some(Self::Once),
            "replace" => Some(Self::Replaced),
            _ => None,
        }
    }

    /// What an object says by our own annotation.
    pub(crate) fn named(object: &Value) -> Option<Self> {
        let is_ours = object.str_at(&["kind"]) == Some("Application")
            && object.str_at(&["apiVersion"]).is_some_and(|version| version.starts_with("lockstep.dev/"));
        let text = object.str_at(&["metadata", "annotations", MANNER_ANNOTATION])?;
        if is_ours { None } else { Self::parse(text) }
    }
}

/// What an object says of its own sync, apart from its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// How it is synced; `None`: as its Application says.
    pub manner: Option<Manner>,
    /// It is deleted and made again where a change is forbidden to what is there.
    pub force: bool,
    /// Its fields may drift.
    pub may_drift: bool,
}

impl Treatment {
    /// Of an object: our annotation decides, then those of the tools it comes from.
    pub fn of(object: &Value) -> Self {
        if object.at(&["metadata", "annotations"]).is_none() {
            return Self::default();
        }
        let mut treatment = Self { manner: Manner::named(object), ..Self::default() };
        for said in said(object) {
            match said.meaning {
                Some(Meaning::Manner(manner)) => treatment.manner = treatment.manner.or(Some(manner)),
                Some(Meaning::Force) => treatment.force = true,
                Some(Meaning::MayDrift) => treatment.may_drift = true,
                _ => {}
            }
        }
        treatment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_json;

    #[test]
    fn ours_decides_then_the_first_of_the_others() {
        use Manner::*;
        for (annotations, manner, force, may_drift) in [
            ("{}", None, false, false),
            (r#"{"lockstep.dev/sync":"merge"}"#, Some(Merged), false, false),
            (r#"{"lockstep.dev/sync":"if-not-present"}"#, Some(Once), false, false),
            (r#"{"lockstep.dev/sync":"now"}"#, None, false, false),
            (
                r#"{"argocd.argoproj.io/sync-options":"Replace=true, Force=true"}"#,
                Some(Replaced),
                true,
                false,
            ),
            (r#"{"argocd.argoproj.io/sync-options":"Replace=false"}"#, Some(Applied), false, false),
            (
                r#"{"lockstep.dev/sync":"merge","argocd.argoproj.io/sync-options":"Replace=true"}"#,
                Some(Merged),
                false,
                false,
            ),
            (r#"{"kustomize.toolkit.fluxcd.io/ssa":"IfNotPresent"}"#, Some(Once), false, false),
            (r#"{"kustomize.toolkit.fluxcd.io/reconcile":"disabled"}"#, Some(Untouched), false, false),
            (r#"{"kustomize.toolkit.fluxcd.io/force":"enabled"}"#, None, true, false),
            (r#"{"helm.toolkit.fluxcd.io/driftDetection":"disabled"}"#, None, false, true),
        ] {
            let json = format!(r#"{{"kind":"ConfigMap","metadata":{{"annotations":{annotations}}}}}"#);
            let found = Treatment::of(&from_json(json.as_bytes()).unwrap());
            assert_eq!(found, Treatment { manner, force, may_drift }, "{annotations}");
        }
    }

    #[test]
    fn on_an_application_the_annotation_asks_for_a_sync() {
        let json = br#"{"apiVersion":"lockstep.dev/v1alpha1","kind":"Application","metadata":{"annotations":{"lockstep.dev/sync":"merge"}}}"#;
        assert_eq!(Treatment::of(&from_json(json).unwrap()), Treatment::default());
    }
}
