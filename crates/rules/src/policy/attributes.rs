//! What a request is about.

use lockstep_core::{Map, Value};

/// A request to write or delete an object, as admission sees it.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// The group of the resource; empty for the core.
    pub group: &'a str,
    /// The version of the request.
    pub version: &'a str,
    /// The kind of the object.
    pub kind: &'a str,
    /// The resource: `deployments`.
    pub resource: &'a str,
    /// The subresource; may be empty.
    pub subresource: &'a str,
    /// The name of the object; empty where the server makes one up.
    pub name: &'a str,
    /// The namespace; empty for what is in none.
    pub namespace: &'a str,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'a str,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
    /// Who asks, as in a TokenReview: `username`, `uid`, `groups`, `extra`.
    pub user: &'a Value,
    /// The options of the request: a CreateOptions and so on.
    pub options: &'a Value,
    /// The new object; `None` on a deletion.
    pub object: Option<&'a Value>,
    /// The old object; `None` on a creation.
    pub old_object: Option<&'a Value>,
    /// The Namespace of the object; `None` for what is in none.
    pub namespace_object: Option<&'a Value>,
}

fn mapping(entries: &[(&str, Value)]) -> Value {
    Value::map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect::<Map>())
}

impl Attributes<'_> {
    /// The request as expressions see it.
    pub(super) fn request(&self) -> Value {
        let kind = mapping(&[
            ("group", self.group.into()),
            ("version", self.version.into()),
            ("kind", self.kind.into()),
        ]);
        let resource = mapping(&[
            ("group", self.group.into()),
            ("version", self.version.into()),
            ("resource", self.resource.into()),
        ]);
        let mut request = mapping(&[
            ("uid", "".into()),
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("requestKind", kind),
            ("requestResource", resource),
            ("operation", self.operation.into()),
            ("userInfo", self.user.clone()),
            ("object", Value::Null),
            ("oldObject", Value::Null),
            ("dryRun", self.dry_run.into()),
            ("options", self.options.clone()),
        ]);
        for (key, text) in [
            ("name", self.name),
            ("namespace", self.namespace),
            ("subResource", self.subresource),
            ("requestSubResource", self.subresource),
        ] {
            if !text.is_empty() {
                request.set(&[key], text.into());
            }
        }
        request
    }

    /// The namespace whose labels and object count: a Namespace is in none.
    pub(super) fn own_namespace(&self) -> Option<&Value> {
        let is_namespace = self.group.is_empty() && self.kind == "Namespace";
        self.namespace_object.filter(|_| !is_namespace)
    }
}
