//! How the fields of a built-in kind are patched: `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`.

use lockstep_core::Value;

use crate::definitions::{Definitions, Schema};
use crate::shape::TypeRef;

/// The definition of a value, as far as patches look at it. Where nothing is known, nothing is merged.
#[derive(Clone, Copy)]
pub(crate) struct PatchMeta<'s> {
    definitions: &'s Definitions,
    source: Option<&'s Value>,
}

/// How a mapping under a key is patched.
pub(crate) struct FieldMeta<'s> {
    /// Empty, `merge` or `replace`.
    pub(crate) strategy: &'s str,
    pub(crate) inner: PatchMeta<'s>,
}

/// How a list under a key is patched.
pub(crate) struct ListMeta<'s> {
    /// Empty, `merge` or `replace`.
    pub(crate) strategy: &'s str,
    /// The merge key; empty for lists of scalars.
    pub(crate) key: &'s str,
    pub(crate) items: PatchMeta<'s>,
}

impl<'s> PatchMeta<'s> {
    pub(crate) fn of(schema: &'s Schema) -> Self {
        let source = match &schema.root {
            TypeRef::Named(name, _) => schema.definitions.source(name),
            _ => None,
        };
        Self { definitions: &schema.definitions, source }
    }

    pub(crate) fn field(self, key: &str) -> FieldMeta<'s> {
        let member = self.member(key);
        FieldMeta { strategy: strategy(member), inner: self.resolve(member) }
    }

    pub(crate) fn list(self, key: &str) -> ListMeta<'s> {
        let member = self.member(key);
        let merge_key = member.and_then(|member| member.str_at(&["x-kubernetes-patch-merge-key"]));
        let items = self.resolve(member.and_then(|member| member.get("items")));
        ListMeta { strategy: strategy(member), key: merge_key.unwrap_or_default(), items }
    }

    fn member(self, key: &str) -> Option<&'s Value> {
        let source = self.source?;
        source.at(&["properties", key]).or_else(|| source.get("additionalProperties"))
    }

    fn resolve(self, source: Option<&'s Value>) -> Self {
        let first = source.and_then(|source| source.get("allOf")?.as_list()?.first());
        let source = first.or(source);
        let name = source.and_then(|source| source.str_at(&["$ref"])?.rsplit('/').next());
        let source = match name {
            Some(name) => self.definitions.source(name),
            None => source,
        };
        Self { source, ..self }
    }
}

/// The strategy but for `retainKeys`, which only tells clients to send the directive.
fn strategy(member: Option<&Value>) -> &str {
    let text = member.and_then(|member| member.str_at(&["x-kubernetes-patch-strategy"])).unwrap_or_default();
    text.split(',').find(|strategy| *strategy != "retainKeys").unwrap_or_default()
}
