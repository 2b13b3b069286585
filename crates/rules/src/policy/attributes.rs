//! What a request is about.

use lockstep_core::{Map, Value};

/// One of the resources that an object can be had from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind of its objects; of a further endpoint, the kind of what that holds.
    pub kind: String,
    /// The plural: `deployments`.
    pub plural: String,
}

/// The other resources that show the same objects as that of a request, for policies that are about one of them.
pub trait Equivalents {
    /// Those resources, in the server's order.
    fn others(&self) -> Vec<Resource>;

    /// An object of the request as another resource has it.
    ///
    /// # Errors
    /// Why it cannot be converted, in the server's words.
    fn convert(&self, object: &Value, to: &Resource) -> Result<Value, String>;

    /// An object of another resource as that of the request has it.
    ///
    /// # Errors
    /// As [`Equivalents::convert`].
    fn convert_back(&self, object: &Value) -> Result<Value, String>;
}

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
    /// The resource of the request, where a policy looks at it as at another.
    pub asked: Option<&'a Resource>,
}

fn mapping(entries: &[(&str, Value)]) -> Value {
    Value::map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect::<Map>())
}

/// A kind and a resource as expressions see them.
fn named([group, version, kind, resource]: [&str; 4]) -> (Value, Value) {
    let with = |key: &str, text: &str| {
        mapping(&[("group", group.into()), ("version", version.into()), (key, text.into())])
    };
    (with("kind", kind), with("resource", resource))
}

impl Attributes<'_> {
    /// The resource of the request.
    pub(super) fn own(&self) -> Resource {
        Resource {
            group: self.group.into(),
            version: self.version.into(),
            kind: self.kind.into(),
            plural: self.resource.into(),
        }
    }

    /// The request as expressions see it.
    pub(super) fn request(&self) -> Value {
        let (kind, resource) = named([self.group, self.version, self.kind, self.resource]);
        let (asked_kind, asked_resource) = match self.asked {
            Some(asked) => named([&asked.group, &asked.version, &asked.kind, &asked.plural]),
            None => (kind.clone(), resource.clone()),
        };
        let mut request = mapping(&[
            ("uid", "".into()),
            ("kind", kind),
            ("resource", resource),
            ("requestKind", asked_kind),
            ("requestResource", asked_resource),
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
