//! Intents: what a user asks of the controller through annotations and finalizers of an Application.

use lockstep_core::{GroupKind, Selection, Value};

use crate::status::{Handled, cut};

/// A new value asks for one sync; whatever the mode except Notify. What follows [`ONLY`] in it are the objects that it is for.
pub const SYNC_ANNOTATION: &str = "lockstep.dev/sync";
/// A new value asks to look the revisions up afresh, at once.
pub const REFRESH_ANNOTATION: &str = "lockstep.dev/refresh";
/// A new value ends what is under way: nothing more is done until there is a newer revision, or a sync is asked for.
pub const ABORT_ANNOTATION: &str = "lockstep.dev/abort";
/// The digest of (revision, sorted deletions with uid) of a plan: its deletions are allowed.
pub const APPROVE_ANNOTATION: &str = "lockstep.dev/approve";
/// The finalizer that holds an Application until its pruned objects are gone.
pub const PRUNE_FINALIZER: &str = "lockstep.dev/prune";

/// In the value of [`SYNC_ANNOTATION`], before the objects that the sync is for: `Deployment.apps/web,ConfigMap/a`.
pub const ONLY: &str = "; only=";

/// So many characters of an annotation's value count.
const LONGEST: usize = 256;

/// The values of the intents' annotations; empty ones count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intents {
    /// Of [`SYNC_ANNOTATION`].
    pub sync: Option<String>,
    /// The objects that it is for.
    pub only: Selection,
    /// Of [`REFRESH_ANNOTATION`].
    pub refresh: Option<String>,
    /// Of [`ABORT_ANNOTATION`].
    pub abort: Option<String>,
    /// Of [`APPROVE_ANNOTATION`].
    pub approve: Option<String>,
}

/// Which of the intents are new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// The value to remember once the sync was made.
    pub sync: Option<String>,
    /// The objects that it is for.
    pub only: Selection,
    /// The value to remember once the revisions were looked up.
    pub refresh: Option<String>,
    /// The value to remember once what was under way is ended.
    pub abort: Option<String>,
    /// The approved digest. It stays while the annotation is there: it binds to one plan, and no other has its digest.
    pub approve: Option<String>,
}

impl Intents {
    /// Reads the annotations of an Application.
    pub fn read(application: &Value) -> Self {
        let value = |name| {
            let text = application.str_at(&["metadata", "annotations", name])?.trim();
            (!text.is_empty()).then(|| cut(text, LONGEST))
        };
        let asked = application.str_at(&["metadata", "annotations", SYNC_ANNOTATION]).unwrap_or_default();
        Self {
            sync: value(SYNC_ANNOTATION),
            only: selected(asked),
            refresh: value(REFRESH_ANNOTATION),
            abort: value(ABORT_ANNOTATION),
            approve: value(APPROVE_ANNOTATION),
        }
    }

    /// What is asked for and was not acted on. Removing an annotation asks for nothing.
    pub fn since(&self, handled: &Handled) -> Requests {
        let new = |now: &Option<String>, before: &Option<String>| now.clone().filter(|_| now != before);
        let sync = new(&self.sync, &handled.sync);
        Requests {
            only: if sync.is_some() { self.only.clone() } else { Selection::default() },
            sync,
            refresh: new(&self.refresh, &handled.refresh),
            abort: new(&self.abort, &handled.abort),
            approve: self.approve.clone(),
        }
    }
}

/// The objects that a sync is asked for; where only some are meant and none can be read, nobody.
fn selected(asked: &str) -> Selection {
    let Some((_, text)) = asked.split_once(ONLY) else { return Selection::default() };
    let selection = Selection::parse(text);
    if selection.is_all() { Selection::new([(GroupKind::new("", ""), "".into())]) } else { selection }
}

/// Whether an object has a finalizer.
pub fn has_finalizer(object: &Value, name: &str) -> bool {
    let all = object.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    all.iter().any(|finalizer| finalizer.as_str() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn intents(annotations: &str) -> Intents {
        let json = format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#);
        Intents::read(&from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn only_new_values_are_requests() {
        let handled = Handled { sync: Some("1".into()), ..Handled::default() };
        let some = |text: &str| Some(text.to_owned());
        for (annotations, sync, refresh) in [
            ("{}", None, None),
            (r#"{"lockstep.dev/sync":"1"}"#, None, None),
            (r#"{"lockstep.dev/sync":"2"}"#, some("2"), None),
            (r#"{"lockstep.dev/sync":" ","lockstep.dev/refresh":"x"}"#, None, some("x")),
        ] {
            let requests = intents(annotations).since(&handled);
            assert_eq!((requests.sync, requests.refresh), (sync, refresh), "{annotations}");
        }
    }

    #[test]
    fn a_sync_may_be_for_some_objects_and_never_for_all_by_mistake() {
        let key = lockstep_core::ObjectKey::new("", "ConfigMap", "n", "a");
        let of = |text: &str, handled: &str| {
            let handled = Handled { sync: Some(handled.to_owned()), ..Handled::default() };
            intents(&format!(r#"{{"lockstep.dev/sync":"{text}"}}"#)).since(&handled).only
        };
        assert!(of("now", "").is_all());
        let some = of("now; only=ConfigMap/a", "");
        assert!(some.contains(&key) && !some.is_all());
        assert!(!of("now; only=rubbish", "").contains(&key));
        assert!(of("now; only=ConfigMap/a", "now; only=ConfigMap/a").is_all(), "it was acted on");
    }

    #[test]
    fn an_approval_lasts_as_long_as_its_annotation() {
        let requests = |annotations| intents(annotations).since(&Handled::default());
        let approved = Some("d".to_owned());
        assert_eq!(requests(r#"{"lockstep.dev/approve":"d"}"#).approve, approved);
        assert_eq!(requests("{}").approve, None);
    }

    #[test]
    fn finalizers_are_found_by_name() {
        let object = from_json(br#"{"metadata":{"finalizers":["a",1,"lockstep.dev/prune"]}}"#).unwrap();
        assert!(has_finalizer(&object, PRUNE_FINALIZER));
        assert!(!has_finalizer(&object, "b"));
    }
}
