//! The order of lists that a strategic merge patch merged.

use lockstep_core::Value;

use crate::go_text;
use crate::patch_error::PatchError;
use crate::strategic::{Kind, Patched, no_merge_key, wrong_type};

/// In which order the items of a merged list are to be.
pub(crate) struct Order<'a> {
    /// The order that the patch wants for its items.
    pub(crate) patch: &'a [Value],
    /// The order in which the server had its own.
    pub(crate) server: &'a [Value],
    /// The merge key; empty for lists of scalars.
    pub(crate) key: &'a str,
    pub(crate) kind: Kind,
}

impl Order<'_> {
    /// By what an item is known.
    fn identity<'v>(&self, item: &'v Value) -> Option<&'v Value> {
        match self.kind {
            Kind::Map => item.get(self.key),
            Kind::Scalar => Some(item),
        }
    }

    fn index(&self, order: &[Value], item: &Value) -> Option<usize> {
        let identity = self.identity(item);
        order.iter().position(|other| self.identity(other) == identity)
    }

    fn check(&self, items: &[Value]) -> Patched<()> {
        for item in items.iter().filter(|_| self.kind == Kind::Map) {
            let entries = item.as_map().ok_or_else(|| wrong_type("map[string]interface {}", item))?;
            if !entries.contains_key(self.key) {
                return Err(no_merge_key(item, self.key));
            }
        }
        Ok(())
    }
}

/// The items of the patch in its order among the server's in theirs: a server's item comes first only where both were there
/// before, and it was in front.
pub(crate) fn ordered(items: Vec<Value>, order: &Order<'_>) -> Patched<Vec<Value>> {
    order.check(&items)?;
    order.check(order.patch)?;
    let (mut patch, mut server): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| order.index(order.patch, item).is_some());
    patch.sort_by_key(|item| (is_delete(item), order.index(order.patch, item)));
    server.sort_by_key(|item| {
        let index = order.index(order.server, item);
        (is_delete(item), index.is_none(), index)
    });
    let mut merged = Vec::with_capacity(patch.len() + server.len());
    let (mut patch, mut server) = (patch.into_iter().peekable(), server.into_iter().peekable());
    loop {
        let server_first = match (server.peek(), patch.peek()) {
            (None, None) => return Ok(merged),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(other)) => {
                match (order.index(order.server, own), order.index(order.server, other)) {
                    (Some(own), Some(other)) => own < other,
                    _ => false,
                }
            }
        };
        merged.extend(if server_first { server.next() } else { patch.next() });
    }
}

fn is_delete(item: &Value) -> bool {
    item.str_at(&["$patch"]) == Some("delete")
}

/// The items of a patch must be in the order that its directive names, though not all that it names need be there.
pub(crate) fn check_order(items: &[Value], order: &[Value], (key, directive): (&str, &str)) -> Patched<()> {
    if items.is_empty() || order.is_empty() {
        return Ok(());
    }
    let identity = |item: &Value| -> Patched<Value> {
        if key.is_empty() {
            return Ok(item.clone());
        }
        let entries = item.as_map().ok_or_else(|| wrong_type("map[string]interface {}", item))?;
        entries.get(key).cloned().ok_or_else(|| no_merge_key(item, key))
    };
    let mut named = order.iter();
    'items: for item in items.iter().filter(|item| item.get("$patch").is_none()) {
        for other in named.by_ref() {
            if identity(item)? == identity(other)? {
                continue 'items;
            }
        }
        let text = |items: &[Value]| go_text::plain(&Value::list(items.to_vec()));
        return Err(PatchError::Failed(format!(
            "The order in patch list:\n{}\n doesn't match {directive} list:\n{}\n",
            text(items),
            text(order)
        )));
    }
    Ok(())
}
