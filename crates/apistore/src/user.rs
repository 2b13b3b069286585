//! Who asks.

use std::collections::BTreeMap;

use lockstep_core::{Map, Value};

/// An authenticated user, as `user.Info` of k8s.io/apiserver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Such as `system:serviceaccount:default:builder`.
    pub name: String,
    /// Stable over renames; may be empty.
    pub uid: String,
    /// Such as `system:masters`.
    pub groups: Vec<String>,
    /// What authenticators add.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The user that may do everything, as the API server is to itself.
    pub fn system() -> Self {
        Self::of("system:apiserver", &["system:masters", "system:authenticated"])
    }

    /// A user of some groups.
    pub fn of(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        Self { name: name.to_owned(), groups, ..Self::default() }
    }

    /// The ServiceAccount `name` of `namespace`, in its groups.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        let group = format!("system:serviceaccounts:{namespace}");
        let groups = ["system:serviceaccounts", &group, "system:authenticated"];
        Self::of(&format!("system:serviceaccount:{namespace}:{name}"), &groups)
    }

    /// One as reviews show it.
    pub fn of_info(info: &Value) -> Self {
        let texts = |value: &Value| -> Vec<String> {
            let items = value.as_list().unwrap_or_default().iter();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let text = |key: &str| info.str_at(&[key]).unwrap_or_default().to_owned();
        let extra = info.get("extra").and_then(Value::as_map);
        Self {
            name: text("username"),
            uid: text("uid"),
            groups: info.get("groups").map(texts).unwrap_or_default(),
            extra: extra.into_iter().flatten().map(|(key, value)| (key.to_string(), texts(value))).collect(),
        }
    }

    /// As reviews show one: `UserInfo` of k8s.io/api/authentication. What is empty is left out.
    pub fn info(&self) -> Value {
        let list = |texts: &[String]| Value::list(texts.iter().map(|text| Value::from(&**text)).collect());
        let mut value = Value::map(Map::new());
        for (key, text) in [("username", &self.name), ("uid", &self.uid)] {
            if !text.is_empty() {
                value.set(&[key], text.clone().into());
            }
        }
        if !self.groups.is_empty() {
            value.set(&["groups"], list(&self.groups));
        }
        for (key, values) in &self.extra {
            value.set(&["extra", key], list(values));
        }
        value
    }
}
