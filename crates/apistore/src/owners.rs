//! `ownerReferences` that are there twice.

use lockstep_core::Value;

use crate::call::Call;

/// When duplicates are looked for, which the warning names.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    Request,
    AfterAdmission,
}

/// Removes references that are there twice, and warns of them.
pub(crate) fn dedup(call: &mut Call<'_>, object: &mut Value, moment: Moment) {
    let Some(references) = object.at(&["metadata", "ownerReferences"]).and_then(Value::as_list) else {
        return;
    };
    let (mut kept, mut twice): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    for reference in references {
        match kept.contains(reference) {
            true => twice.push(reference.str_at(&["uid"]).unwrap_or_default().to_owned()),
            false => kept.push(reference.clone()),
        }
    }
    if twice.is_empty() {
        return;
    }
    object.set(&["metadata", "ownerReferences"], Value::list(kept));
    let uids = twice.join(", ");
    call.warn(match moment {
        Moment::Request => format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {uids}"
        ),
        Moment::AfterAdmission => format!(
            ".metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {uids}"
        ),
    });
}
