//! Who owns what: controllers take over what matches their selector and has no controller, and let go what no longer matches.

use lockstep_core::Value;

use crate::client::{Context, Refused};
use crate::kind::Kind;
use crate::object::{controlled_by, is_deleting, items, namespace, object, text, uid};
use crate::selector::selects;

/// The objects of `kind` that `owner` controls, after taking over and letting go.
pub(crate) fn claim(cx: &mut Context<'_>, kind: Kind, owner: &Value) -> Result<Vec<Value>, Refused> {
    let selector = owner.at(&["spec", "selector"]).cloned();
    let fits = |object: &Value| selects(selector.as_ref(), object.at(&["metadata", "labels"]));
    let view = cx.view;
    let mut claimed = Vec::new();
    for object in view.controlled(kind, uid(owner)) {
        match fits(object) || is_deleting(object) {
            true => claimed.push(object.clone()),
            false => release(cx, kind, object, uid(owner))?,
        }
    }
    if is_deleting(owner) {
        return Ok(claimed);
    }
    for object in view.loose(kind, namespace(owner)).into_iter().filter(|object| fits(object)) {
        claimed.push(adopt(cx, kind, object, owner)?);
    }
    Ok(claimed)
}

fn adopt(cx: &mut Context<'_>, kind: Kind, object: &Value, owner: &Value) -> Result<Value, Refused> {
    let mut references = items(object, &["metadata", "ownerReferences"]).to_vec();
    references.push(controlled_by(owner));
    patch(cx, kind, object, references)
}

fn release(cx: &mut Context<'_>, kind: Kind, object: &Value, owner: &str) -> Result<(), Refused> {
    let references = items(object, &["metadata", "ownerReferences"]).iter();
    let kept = references.filter(|reference| text(reference, &["uid"]) != owner).cloned().collect();
    patch(cx, kind, object, kept).map(drop)
}

fn patch(cx: &mut Context<'_>, kind: Kind, object: &Value, references: Vec<Value>) -> Result<Value, Refused> {
    let references = if references.is_empty() { Value::Null } else { Value::list(references) };
    let patch = object! {
        "metadata": object! {"uid": uid(object), "ownerReferences": references},
    };
    cx.merge(kind, object, &patch)
}
