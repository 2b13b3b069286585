//! Hiding what Secrets hold from everything that people see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockstep_core::{FieldPath, Map, ObjectKey, PathElement, Value, from_json};
use schema::{Found, step};

/// What stands for a secret value.
const REDACTED: &str = "<redacted>";
/// What stands for a secret value that is no longer the one before it.
const REDACTED_CHANGED: &str = "<redacted: changed>";
/// kubectl's copy of a whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Shorter values occur in other texts by chance: they are hidden only where they are the whole text.
const SHORTEST_PART: usize = 4;
/// Shorter lines of a value of several lines are not looked for.
const SHORTEST_LINE: usize = 8;

/// Where in an object a value is, as far as secrecy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Outside of every Secret.
    Plain,
    /// A Secret itself, also as an item of a list or inside another object.
    Secret,
    /// `metadata` of a Secret.
    Metadata,
    /// `metadata.annotations` of a Secret.
    Annotations,
    /// Any other place inside a Secret.
    Inside,
    /// A value that is not shown.
    Hidden,
}

/// What must not be shown of one or two versions of an object.
pub(crate) struct Redaction<'a> {
    roots: [Option<&'a Value>; 2],
    is_secret: bool,
    /// The values that Secrets hold, in the forms in which they might be repeated.
    values: Vec<String>,
}

impl<'a> Redaction<'a> {
    /// For two versions of the object of a name.
    pub(crate) fn of(key: &ObjectKey, old: Option<&'a Value>, new: Option<&'a Value>) -> Self {
        let is_secret = key.is("", "Secret");
        let roots = [old, new];
        let mut values = Vec::new();
        for root in roots.into_iter().flatten() {
            collect_values(root, is_secret, &mut values);
        }
        values.sort_unstable();
        values.dedup();
        Self { roots, is_secret, values }
    }

    /// The zone of the object itself.
    pub(crate) fn root(&self) -> Zone {
        if self.is_secret || self.roots.into_iter().flatten().any(is_secret) {
            Zone::Secret
        } else {
            Zone::Plain
        }
    }

    /// The zone of a child: of the field `name`, or of an item.
    pub(crate) fn enter(zone: Zone, name: Option<&str>, versions: [Option<&Value>; 2]) -> Zone {
        let entered = match (zone, name) {
            (Zone::Plain, _) => Zone::Plain,
            (Zone::Hidden, _) | (Zone::Secret, Some("data" | "stringData")) => Zone::Hidden,
            (Zone::Secret, Some("metadata")) => Zone::Metadata,
            (Zone::Metadata, Some("annotations")) => Zone::Annotations,
            (Zone::Annotations, Some(LAST_APPLIED)) => Zone::Hidden,
            // The text of an annotation is looked into by more rules than other texts are.
            (Zone::Annotations, Some(_)) => Zone::Annotations,
            _ => Zone::Inside,
        };
        let nested = matches!(entered, Zone::Plain | Zone::Inside);
        if nested && versions.into_iter().flatten().any(is_secret) { Zone::Secret } else { entered }
    }

    /// Two versions of the value at a path, as they may be shown.
    pub(crate) fn pair(
        &self,
        path: &[PathElement],
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        let (mut zone, mut versions) = (self.root(), self.roots);
        for element in path {
            versions = versions.map(|version| version.and_then(|value| follow(value, element)));
            let name = match element {
                PathElement::Field(name) => Some(&**name),
                _ => None,
            };
            zone = Self::enter(zone, name, versions);
        }
        self.pair_in(zone, old, new)
    }

    /// Two versions of a value of a zone, as they may be shown.
    pub(crate) fn pair_in(
        &self,
        zone: Zone,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        let (shown_old, shown_new) =
            (old.map(|old| self.shown(zone, old)), new.map(|new| self.shown(zone, new)));
        if old != new && shown_old.is_some() && shown_old == shown_new {
            return (shown_old, Some(REDACTED_CHANGED.into()));
        }
        (shown_old, shown_new)
    }

    /// A value of a zone as it may be shown. The names of a Secret's entries are no secret.
    fn shown(&self, zone: Zone, value: &Value) -> Value {
        match value {
            Value::Map(entries) => {
                let shown = entries.iter().map(|(name, value)| {
                    let zone = Self::enter(zone, Some(name), [Some(value), None]);
                    (name.clone(), self.shown(zone, value))
                });
                Value::map(shown.collect::<Map>())
            }
            _ if zone == Zone::Hidden => REDACTED.into(),
            Value::List(items) => Value::list(
                items
                    .iter()
                    .map(|item| self.shown(Self::enter(zone, None, [Some(item), None]), item))
                    .collect(),
            ),
            Value::String(text) if self.repeats(zone, text) => REDACTED.into(),
            other => other.clone(),
        }
    }

    /// A path as it may be shown: items are named by values, which might repeat a secret one.
    pub(crate) fn path(&self, path: FieldPath) -> FieldPath {
        if self.values.is_empty() {
            return path;
        }
        let shown = path.0.into_iter().map(|element| match element {
            PathElement::Item(value) => PathElement::Item(self.shown(Zone::Inside, &value)),
            PathElement::Key(fields) => {
                let shown = |(name, value)| (name, self.shown(Zone::Inside, &value));
                PathElement::Key(fields.into_iter().map(shown).collect())
            }
            other => other,
        });
        FieldPath(shown.collect())
    }

    /// Whether a text repeats what a Secret holds.
    fn repeats(&self, zone: Zone, text: &str) -> bool {
        let holds =
            |value: &String| text == value || (value.len() >= SHORTEST_PART && text.contains(&**value));
        let of_secret = zone == Zone::Annotations;
        if self.values.iter().any(holds) || (of_secret && is_opaque_copy(text)) {
            return true;
        }
        let may_be_json = text.contains('{') && text.contains("ata");
        may_be_json && from_json(text.as_bytes()).is_ok_and(|value| holds_secret(&value, of_secret))
    }
}

fn follow<'v>(value: &'v Value, element: &PathElement) -> Option<&'v Value> {
    match step(value, element) {
        Found::One(child) => Some(child),
        Found::Absent | Found::Ambiguous => None,
    }
}

fn is_secret(value: &Value) -> bool {
    value.str_at(&["kind"]) == Some("Secret")
}

/// Whether an annotation of a Secret may be a copy of it that cannot be looked into: YAML, or compressed (Rancher's
/// `objectset.rio.cattle.io/applied` is gzip in base64).
fn is_opaque_copy(text: &str) -> bool {
    let is_yaml = |line: &str| matches!(line.trim(), "data:" | "stringData:");
    text.starts_with("H4sI") || text.lines().any(is_yaml)
}

/// Whether a document holds a Secret, or, where it belongs to one, anything named `data` or `stringData`.
fn holds_secret(value: &Value, of_secret: bool) -> bool {
    match value {
        Value::Map(entries) => {
            let has_data = entries.contains_key("data") || entries.contains_key("stringData");
            (has_data && (of_secret || is_secret(value)))
                || entries.values().any(|value| holds_secret(value, of_secret))
        }
        Value::List(items) => items.iter().any(|item| holds_secret(item, of_secret)),
        // A copy of an object that has a copy in an annotation.
        Value::String(text) if text.starts_with(['{', '[']) => {
            from_json(text.as_bytes()).is_ok_and(|value| holds_secret(&value, of_secret))
        }
        _ => false,
    }
}

/// Collects what the Secrets in a value hold, encoded and decoded.
fn collect_values(value: &Value, known_secret: bool, values: &mut Vec<String>) {
    if known_secret || is_secret(value) {
        for field in ["data", "stringData"] {
            value.get(field).into_iter().for_each(|data| collect_texts(data, values));
        }
    }
    match value {
        Value::Map(entries) => entries.values().for_each(|value| collect_values(value, false, values)),
        Value::List(items) => items.iter().for_each(|item| collect_values(item, false, values)),
        _ => {}
    }
}

fn collect_texts(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Map(entries) => entries.values().for_each(|value| collect_texts(value, values)),
        Value::List(items) => items.iter().for_each(|item| collect_texts(item, values)),
        Value::String(text) if !text.trim().is_empty() => {
            let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let forms = [Some(text.to_string()), Some(STANDARD.encode(text.as_bytes())), decoded];
            for form in forms.into_iter().flatten() {
                // One line of a file may be the secret in it.
                let lines = form.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
                let whole = [form.trim()].into_iter().filter(|whole| !whole.is_empty());
                values.extend(whole.chain(lines).map(str::to_owned));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    fn shown(kind: &str, json: &str) -> String {
        let object = value(json);
        let redaction = Redaction::of(&ObjectKey::new("", kind, "n", "x"), Some(&object), None);
        let shown = redaction.pair(&[], Some(&object), None).0.unwrap();
        String::from_utf8(lockstep_core::to_json(&shown)).unwrap()
    }

    #[test]
    fn secrets_keep_their_names_and_lose_their_values() {
        for (kind, object, want) in [
            (
                "Secret",
                r#"{"data":{"a":"eA==","b":null}}"#,
                r#"{"data":{"a":"<redacted>","b":"<redacted>"}}"#,
            ),
            ("Secret", r#"{"stringData":{"a":{"b":["x"]}}}"#, r#"{"stringData":{"a":{"b":"<redacted>"}}}"#),
            ("Secret", r#"{"data":"broken"}"#, r#"{"data":"<redacted>"}"#),
            ("Secret", r#"{"immutable":true,"type":"Opaque"}"#, r#"{"immutable":true,"type":"Opaque"}"#),
            ("ConfigMap", r#"{"data":{"a":"eA=="}}"#, r#"{"data":{"a":"eA=="}}"#),
            (
                "List",
                r#"{"items":[{"data":{"a":"long"},"kind":"Secret"},{"data":{"a":"x"},"kind":"ConfigMap"}]}"#,
                r#"{"items":[{"data":{"a":"<redacted>"},"kind":"Secret"},{"data":{"a":"x"},"kind":"ConfigMap"}]}"#,
            ),
        ] {
            assert_eq!(shown(kind, object), want, "{object}");
        }
    }

    #[test]
    fn texts_that_repeat_a_secret_are_hidden() {
        let annotated = |text: &str, hidden: bool| {
            let mut object = value(r#"{"data":{"a":"aHVudGVyMg==","s":"eA=="}}"#);
            object.set(&["metadata", "annotations", "note"], text.into());
            let json = String::from_utf8(lockstep_core::to_json(&object)).unwrap();
            assert_eq!(shown("Secret", &json).contains(r#""note":"<redacted>""#), hidden, "{text}");
        };
        annotated("the password is hunter2.", true);
        annotated("aHVudGVyMg==", true);
        annotated("x", true);
        annotated("extra", false);
        annotated("hello", false);
        annotated(r#"{"data":{"old":"b2xk"}}"#, true);
        annotated(r#"[{"spec":{"stringData":{}}}]"#, true);
        annotated(r#"{"database":"x1"}"#, false);
        annotated("kind: Secret\ndata:\n  old: b2xk\n", true);
        annotated("H4sIAAAAAAAA/6pWSkksSVSyUqgtBQQAAP//", true);
        annotated("where: data: is", false);
        annotated("{data", false);
    }

    #[test]
    fn one_line_of_a_secret_file_is_hidden() {
        let object =
            value(r#"{"stringData":{"f":"user=x\npassword=hunter2\n"},"note":"see password=hunter2"}"#);
        let redaction = Redaction::of(&ObjectKey::new("", "Secret", "n", "x"), Some(&object), None);
        let path = [PathElement::Field("note".into())];
        assert_eq!(redaction.pair(&path, object.get("note"), None).0, Some(REDACTED.into()));
        let path =
            FieldPath(vec![PathElement::Item("password=hunter2".into()), PathElement::Item("user".into())]);
        assert_eq!(redaction.path(path).to_string(), r#"[="<redacted>"][=user]"#);
    }

    #[test]
    fn copies_of_whole_secrets_are_hidden_wherever_they_are() {
        let copy = r#"{\"kind\":\"Secret\",\"data\":{\"a\":\"b2xk\"}}"#;
        let object = format!(r#"{{"metadata":{{"annotations":{{"note":"{copy}"}}}}}}"#);
        assert_eq!(shown("ConfigMap", &object), r#"{"metadata":{"annotations":{"note":"<redacted>"}}}"#);
        let twice = value(r#"{"x":"{\"kind\":\"Secret\",\"data\":{}}"}"#);
        let mut nested = value("{}");
        nested.set(&["note"], String::from_utf8(lockstep_core::to_json(&twice)).unwrap().into());
        let nested = String::from_utf8(lockstep_core::to_json(&nested)).unwrap();
        assert_eq!(shown("ConfigMap", &nested), r#"{"note":"<redacted>"}"#);
        let object = format!(r#"{{"metadata":{{"annotations":{{"{LAST_APPLIED}":"anything"}}}}}}"#);
        assert!(shown("Secret", &object).contains(r#"configuration":"<redacted>""#));
        assert!(shown("ConfigMap", &object).contains(r#"configuration":"anything""#));
    }

    #[test]
    fn sameness_is_told_and_nothing_else() {
        let (old, new) = (value(r#"{"data":{"a":"eA==","b":"eQ=="}}"#), value(r#"{"data":{"a":"eg=="}}"#));
        let redaction = Redaction::of(&ObjectKey::new("", "Secret", "n", "x"), Some(&old), Some(&new));
        let at = |name: &str| {
            let path = [PathElement::Field("data".into()), PathElement::Field(name.into())];
            let pair = redaction.pair(&path, old.at(&["data", name]), new.at(&["data", name]));
            [pair.0, pair.1].map(|value| value.and_then(|value| value.as_str().map(str::to_owned)))
        };
        assert_eq!(at("a"), [Some(REDACTED.to_owned()), Some(REDACTED_CHANGED.to_owned())]);
        assert_eq!(at("b"), [Some(REDACTED.to_owned()), None]);
    }
}
