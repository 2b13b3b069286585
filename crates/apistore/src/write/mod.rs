//! Writes: what a new or changed object has to go through before it is stored.

mod create;
mod patch;
mod update;

use lockstep_core::Value;
use schema::Write as FieldWrite;

use crate::answers::Ask;
use crate::call::{Call, Outcome, Shown};
use crate::convert::{convert, decode, to_store};
use crate::entry::{Entry, kind_first};
use crate::failure::{Failure, Halt};
use crate::managed::Writer;
use crate::options::WriteOptions;
use crate::state::{State, Write, WriteKind};

pub(crate) use create::create;
pub(crate) use patch::{Patched, patch};
pub(crate) use update::{Rewrite, View, check_name, rewrite, update};

/// Who writes, for field management.
pub(crate) fn writer<'a>(
    ask: Ask<'a>,
    served: &'a crate::served::Served,
    subresource: &'a str,
    (options, now): (&'a WriteOptions, lockstep_core::Timestamp),
) -> Writer<'a> {
    Writer { ask, served, subresource, write: FieldWrite { manager: &options.field_manager, now } }
}

/// The object must be of the namespace that the path names; where it names none, it is.
pub(crate) fn settle_namespace(object: &mut Value, namespace: &str) -> Result<(), Failure> {
    let said = object.str_at(&["metadata", "namespace"]).unwrap_or_default();
    match (said, namespace) {
        (said, namespace) if said == namespace => Ok(()),
        ("", namespace) => {
            object.set(&["metadata", "namespace"], namespace.into());
            Ok(())
        }
        (_, "") => {
            object.remove(&["metadata", "namespace"]);
            Ok(())
        }
        _ => Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
    }
}

/// Takes away what only the server sets.
pub(crate) fn wipe_system_fields(object: &mut Value) {
    for field in ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        object.remove(&["metadata", field]);
    }
}

/// The outcome of a write of an object that is in the working version of its resource.
pub(crate) fn stored(
    state: &State,
    call: &Call<'_>,
    object: Value,
    (key, code): (std::sync::Arc<str>, u16),
) -> Result<Outcome, Halt> {
    let ask = Ask { state, answers: call.answers };
    let served = &call.served;
    let same = served.api_version == served.stored_version;
    let before = (!same && !served.is_custom()).then(|| object.clone());
    let to_store = to_store(served, ask, object)?;
    let shown = match before {
        Some(object) => Shown::At(0, convert(served, ask, object, &served.api_version)?),
        None if same => Shown::Written(0),
        // It is told what was stored, not what was sent.
        None => Shown::At(0, decode(served, ask, &Entry::of(&to_store, 0))?),
    };
    let live =
        state.shelf(&served.shelf).and_then(|shelf| shelf.get(&key)).map_or(0, |entry| entry.object.len());
    // What is far from the limit need not be written to know it.
    if (call.request.body.len() + live) * 2 > MOST_STORED {
        check_stored_size(kind_first(&to_store).len())?;
    }
    let change = if call.raw { WriteKind::PutRaw(to_store) } else { WriteKind::Put(to_store) };
    let write = Write { shelf: served.shelf.clone(), key, change };
    Ok(Outcome { code, writes: vec![write], shown })
}

/// How many bytes the storage of a real server takes in one request, and how many its client sends at all.
const MOST_STORED: usize = 3 << 19;
const MOST_SENT: usize = 2 << 20;

/// The storage's own words. It holds most objects as protocol buffers, which are somewhat smaller than the JSON here.
fn check_stored_size(size: usize) -> Result<(), Failure> {
    match size {
        MOST_SENT.. => Err(Failure::unknown(format!(
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max ({size} vs. {MOST_SENT})"
        ))),
        MOST_STORED.. => Err(Failure::unknown("etcdserver: request is too large")),
        _ => Ok(()),
    }
}

/// The outcome of a write that only seemed to be one: the object as it would have been.
pub(crate) fn only_shown(state: &State, call: &Call<'_>, object: Value, code: u16) -> Result<Outcome, Halt> {
    let ask = Ask { state, answers: call.answers };
    let object = convert(&call.served, ask, object, &call.served.api_version)?;
    Ok(Outcome::with(code, Shown::Object(object)))
}
