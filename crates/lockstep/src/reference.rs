//! What a user calls an object.

use std::sync::Arc;

use cluster::{Catalog, Lookup, Resource};

use crate::hint::advised;

/// `KIND/NAME`, or `NAME` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    /// As kubectl takes it: any case, plural, short name, with or without its group.
    pub(crate) kind: Option<&'a str>,
    /// The object's name.
    pub(crate) name: &'a str,
}

impl<'a> Reference<'a> {
    /// Reads what was typed.
    pub(crate) fn parse(text: &'a str) -> anyhow::Result<Self> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (Some(kind), name),
            None => (None, text),
        };
        let wrong = match (kind, name) {
            (Some(""), _) => "nothing stands before the slash",
            (_, "") => "the name is empty",
            (_, name) if name.contains('/') => "there is more than one slash in it",
            _ => return Ok(Self { kind, name }),
        };
        let hint = "write KIND/NAME, for example deploy/web; -n chooses the namespace";
        Err(advised(format!("'{text}' names no object: {wrong}"), hint))
    }
}

/// Finds a kind among what the cluster serves.
pub(crate) fn resource(catalog: &Catalog, kind: &str) -> anyhow::Result<Arc<Resource>> {
    let (what, hint) = match catalog.by_name(kind) {
        Lookup::Served(resource) => return Ok(resource),
        Lookup::NotServed => (
            format!("the cluster does not know the kind {kind}"),
            "kubectl api-resources lists the kinds and their short names",
        ),
        Lookup::GroupFailing(reason) => (
            format!("the kind {kind} cannot be looked up: {reason}"),
            "kubectl get apiservices shows which part of the API does not answer",
        ),
    };
    Err(advised(what, hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::hint;

    #[test]
    fn an_object_is_named_by_kind_and_name_or_by_its_name() {
        let good = |text| Reference::parse(text).unwrap();
        assert_eq!(good("cm/a"), Reference { kind: Some("cm"), name: "a" });
        assert_eq!(good("deploy.apps/a"), Reference { kind: Some("deploy.apps"), name: "a" });
        assert_eq!(good("system:a"), Reference { kind: None, name: "system:a" });
        for (text, expected) in [
            ("cm/a/b", "'cm/a/b' names no object: there is more than one slash in it"),
            ("cm/", "'cm/' names no object: the name is empty"),
            ("/a", "'/a' names no object: nothing stands before the slash"),
            ("", "'' names no object: the name is empty"),
        ] {
            let error = Reference::parse(text).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(hint(&error).is_some_and(|hint| hint.contains("KIND/NAME")));
        }
    }
}
