//! Roles and bindings as they are asked: by who is bound.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lockstep_core::Value;

use super::rule::Rule;
use super::{Asked, What};

use crate::failure::{Failure, GroupResource, joined, quoted};
use crate::shelf::split;
use crate::user::User;

const GROUP: &str = "rbac.authorization.k8s.io";

/// All roles and bindings of a cluster, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    /// By `namespace/name`, or by name alone for those of the cluster.
    roles: BTreeMap<Box<str>, Arc<[Rule]>>,
    /// By namespace; those of the cluster under the empty name.
    bindings: HashMap<Box<str>, Bindings>,
}

#[derive(Clone, Debug, Default)]
struct Bindings {
    by_name: BTreeMap<Arc<str>, Arc<Binding>>,
    /// The names of the bindings by who is bound.
    by_subject: HashMap<Box<str>, BTreeSet<Arc<str>>>,
}

#[derive(Debug)]
struct Binding {
    namespace: Box<str>,
    name: Arc<str>,
    role_kind: Box<str>,
    role_name: Box<str>,
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    /// What it is found by: `u:` and the name of a user, which an account has too, or `g:` and that of a group.
    key: Box<str>,
    /// As the reason of an answer names it.
    text: Box<str>,
}

/// What is decided, and in the words of the server why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    pub(crate) reason: String,
}

/// A rule that holds for a user, or the role that is not there to say it.
type Found<'r> = Result<(&'r Binding, &'r Subject, &'r Rule), MissingRole<'r>>;

/// A role that a binding names and that is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MissingRole<'r> {
    kind: &'r str,
    name: &'r str,
}

impl MissingRole<'_> {
    /// As the authorizer tells it, by the kind.
    pub(crate) fn text(self) -> String {
        let resource = GroupResource::new(GROUP, &self.kind.to_ascii_lowercase());
        self.failure(&resource).message().to_owned()
    }

    /// As a request for a resource tells it: by that resource, whatever it looked for.
    pub(crate) fn failure(self, resource: &GroupResource) -> Failure {
        match self.kind {
            "Role" | "ClusterRole" => Failure::not_found(resource, self.name),
            kind => Failure::unknown(format!("unsupported role reference kind: {}", quoted(kind))),
        }
    }
}

impl Rights {
    /// Follows a change of a shelf: `object` is what is now there.
    pub(crate) fn follow(&mut self, shelf: &str, key: &str, object: Option<&Value>) {
        let Some(plural) = shelf.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/')) else { return };
        match (plural, object) {
            ("roles" | "clusterroles", Some(role)) => {
                self.roles.insert(key.into(), Rule::all(role).into());
            }
            ("roles" | "clusterroles", None) => {
                self.roles.remove(key);
            }
            ("rolebindings" | "clusterrolebindings", object) => {
                let (namespace, name) = split(key);
                let bindings = self.bindings.entry(namespace.into()).or_default();
                bindings.remove(name);
                if let Some(object) = object {
                    bindings.insert(Binding::read(namespace, name, object));
                }
            }
            _ => {}
        }
    }

    /// Whether a user may do something.
    pub(crate) fn decide(&self, user: &User, verb: &str, what: &What<'_>) -> Verdict {
        if is_master(user) {
            return Verdict { allowed: true, reason: String::new() };
        }
        let namespace = match what {
            What::Resource(Asked { namespace, .. }) => namespace,
            What::Path(_) => "",
        };
        let mut errors = Vec::new();
        let allowed = self.visit(user, namespace, &mut |found| match found {
            Ok((binding, subject, rule)) => {
                rule.allows(verb, what).then(|| format!("RBAC: allowed by {}", binding.text(subject)))
            }
            Err(missing) => {
                errors.push(missing.text());
                None
            }
        });
        match (allowed, errors.is_empty()) {
            (Some(reason), _) => Verdict { allowed: true, reason },
            (None, true) => Verdict { allowed: false, reason: String::new() },
            (None, false) => Verdict { allowed: false, reason: format!("rbac: RBAC: {}", joined(&errors)) },
        }
    }

    /// All rules that hold for a user in a namespace, and what could not be found out, in the words of `tell`.
    pub(crate) fn rules(
        &self,
        user: &User,
        namespace: &str,
        tell: impl Fn(MissingRole<'_>) -> String,
    ) -> (Vec<&Rule>, Option<String>) {
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        self.visit::<()>(user, namespace, &mut |found| {
            match found {
                Ok((_, _, rule)) => rules.push(rule),
                Err(missing) => errors.push(tell(missing)),
            }
            None
        });
        (rules, (!errors.is_empty()).then(|| joined(&errors)))
    }

    /// The rules of the role that a binding in a namespace names.
    pub(crate) fn role<'r>(
        &'r self,
        kind: &'r str,
        name: &'r str,
        namespace: &str,
    ) -> Result<&'r [Rule], MissingRole<'r>> {
        let found = match kind {
            "Role" => self.roles.get(&*format!("{namespace}/{name}")),
            "ClusterRole" => self.roles.get(name),
            _ => None,
        };
        found.map(|rules| &**rules).ok_or(MissingRole { kind, name })
    }

    /// Shows every rule that holds for a user, until one gives an answer.
    fn visit<'r, T>(
        &'r self,
        user: &User,
        namespace: &str,
        look: &mut dyn FnMut(Found<'r>) -> Option<T>,
    ) -> Option<T> {
        let mut places = vec![""];
        if !namespace.is_empty() {
            places.push(namespace);
        }
        for bindings in places.into_iter().filter_map(|place| self.bindings.get(place)) {
            for (binding, subject) in bindings.of(user) {
                match self.role(&binding.role_kind, &binding.role_name, &binding.namespace) {
                    Ok(rules) => {
                        for rule in rules {
                            if let Some(answer) = look(Ok((binding, subject, rule))) {
                                return Some(answer);
                            }
                        }
                    }
                    Err(missing) => {
                        if let Some(answer) = look(Err(missing)) {
                            return Some(answer);
                        }
                    }
                }
            }
        }
        None
    }
}

/// Whether a user may do everything, whatever the roles say.
pub(crate) fn is_master(user: &User) -> bool {
    user.groups.iter().any(|group| group == "system:masters")
}

impl Bindings {
    fn insert(&mut self, binding: Binding) {
        for subject in &binding.subjects {
            self.by_subject.entry(subject.key.clone()).or_default().insert(binding.name.clone());
        }
        self.by_name.insert(binding.name.clone(), Arc::new(binding));
    }

    fn remove(&mut self, name: &str) {
        let Some(binding) = self.by_name.remove(name) else { return };
        for subject in &binding.subjects {
            if let Some(names) = self.by_subject.get_mut(&subject.key) {
                names.remove(name);
                if names.is_empty() {
                    self.by_subject.remove(&subject.key);
                }
            }
        }
    }

    /// The bindings of a user by name, each with the first subject that the user is.
    fn of(&self, user: &User) -> Vec<(&Binding, &Subject)> {
        let keys: Vec<String> = std::iter::once(format!("u:{}", user.name))
            .chain(user.groups.iter().map(|group| format!("g:{group}")))
            .collect();
        let names: BTreeSet<&Arc<str>> =
            keys.iter().filter_map(|key| self.by_subject.get(&**key)).flatten().collect();
        let pair = |name: &Arc<str>| {
            let binding = self.by_name.get(name)?;
            let subject =
                binding.subjects.iter().find(|subject| keys.iter().any(|key| **key == *subject.key))?;
            Some((&**binding, subject))
        };
        names.into_iter().filter_map(pair).collect()
    }
}

impl Binding {
    fn read(namespace: &str, name: &str, object: &Value) -> Self {
        let subjects = object.get("subjects").and_then(Value::as_list).unwrap_or_default();
        let role = |key| object.str_at(&["roleRef", key]).unwrap_or_default().into();
        Self {
            namespace: namespace.into(),
            name: name.into(),
            role_kind: role("kind"),
            role_name: role("name"),
            subjects: subjects.iter().filter_map(|subject| Subject::read(subject, namespace)).collect(),
        }
    }

    fn text(&self, subject: &Subject) -> String {
        let (kind, name) = match &*self.namespace {
            "" => ("ClusterRoleBinding", self.name.to_string()),
            namespace => ("RoleBinding", format!("{}/{namespace}", self.name)),
        };
        format!(
            "{kind} {} of {} {} to {}",
            quoted(&name),
            self.role_kind,
            quoted(&self.role_name),
            subject.text
        )
    }
}

impl Subject {
    /// `None` for one that is nobody.
    fn read(value: &Value, namespace: &str) -> Option<Self> {
        let text = |key| value.str_at(&[key]).unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        let (key, shown) = match kind {
            "User" => (format!("u:{name}"), name.to_owned()),
            "Group" => (format!("g:{name}"), name.to_owned()),
            "ServiceAccount" => {
                let namespace = if text("namespace").is_empty() { namespace } else { text("namespace") };
                if namespace.is_empty() {
                    return None;
                }
                (format!("u:system:serviceaccount:{namespace}:{name}"), format!("{name}/{namespace}"))
            }
            _ => return None,
        };
        Some(Self { key: key.into(), text: format!("{kind} {}", quoted(&shown)).into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn rights() -> Rights {
        let mut rights = Rights::default();
        let mut put = |plural: &str, key: &str, json: &str| {
            let shelf = format!("{GROUP}/{plural}");
            rights.follow(&shelf, key, Some(&from_json(json.as_bytes()).unwrap()));
        };
        put("clusterroles", "view", r#"{"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}"#);
        put(
            "rolebindings",
            "a/b",
            r#"{"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"ServiceAccount","name":"s"}]}"#,
        );
        put(
            "clusterrolebindings",
            "gone",
            r#"{"roleRef":{"kind":"ClusterRole","name":"gone"},"subjects":[{"kind":"Group","name":"g"}]}"#,
        );
        rights
    }

    fn pods(namespace: &str) -> What<'_> {
        What::Resource(Asked { group: "", resource: "pods", subresource: "", namespace, name: "" })
    }

    #[test]
    fn who_is_bound_may_do_what_the_role_says_where_it_is_bound() {
        let mut rights = rights();
        let account = User::service_account("a", "s");
        let verdict = rights.decide(&account, "get", &pods("a"));
        assert!(verdict.allowed);
        assert_eq!(
            verdict.reason,
            r#"RBAC: allowed by RoleBinding "b/a" of ClusterRole "view" to ServiceAccount "s/a""#
        );
        assert!(!rights.decide(&account, "get", &pods("other")).allowed);
        assert!(!rights.decide(&account, "list", &pods("a")).allowed);
        rights.follow("rbac.authorization.k8s.io/rolebindings", "a/b", None);
        assert!(!rights.decide(&account, "get", &pods("a")).allowed);
    }

    #[test]
    fn roles_that_are_not_there_are_told() {
        let verdict = rights().decide(&User::of("x", &["g"]), "get", &pods(""));
        assert_eq!(verdict.reason, r#"rbac: RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#);
        assert!(!verdict.allowed);
    }

    #[test]
    fn an_answer_does_not_look_at_the_bindings_of_others() {
        let mut rights = rights();
        for index in 0..10_000 {
            let json = format!(
                r#"{{"roleRef":{{"kind":"ClusterRole","name":"view"}},"subjects":[{{"kind":"User","name":"{index}"}}]}}"#
            );
            let shelf = format!("{GROUP}/clusterrolebindings");
            rights.follow(&shelf, &format!("b{index}"), Some(&from_json(json.as_bytes()).unwrap()));
        }
        let all = &rights.bindings[""];
        assert_eq!(all.of(&User::of("77", &[])).len(), 1);
        assert!(rights.decide(&User::of("77", &[]), "get", &pods("x")).allowed);
    }
}
