//! Deleting objects, one or a collection.

mod finalizers;
mod grace;
mod options;
mod preconditions;

use std::sync::Arc;

use lockstep_core::Value;

use crate::admission::{self, Attributes, Operation};
use crate::answers::Ask;
use crate::call::{Call, Outcome, Shown};
use crate::chance::Chance;
use crate::convert::{convert, decode, settled};
use crate::entry::Entry;
use crate::failure::{Halt, success};
use crate::options::{DeleteOptions, ListOptions};
use crate::read;
use crate::shelf::{key, split};
use crate::state::{State, Write, WriteKind};
use finalizers::{finalizers, set_finalizers};
use grace::{Grace, grace, mark_deleted, shorten};
use options::options;
use preconditions::check_preconditions;

const JOBS_LEAVE_PODS: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to \
     remove them or set propagationPolicy=Orphan to suppress this warning";

/// Deletes one object.
pub(crate) fn delete(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let options = options(call)?;
    if call.served.is("batch", "jobs") && options.propagation.is_none() && options.orphan_dependents.is_none()
    {
        call.warn(JOBS_LEAVE_PODS);
    }
    let name = call.info.name.clone();
    let key = key(call.namespace(), &name);
    let Some(entry) = state.shelf(&call.served.shelf).and_then(|shelf| shelf.get(&key)).cloned() else {
        return Err(call.not_found().into());
    };
    let object = settled(&call.served, &entry);
    let deletion = decide(state, call, (&key, &entry, object), &options)?;
    answer(state, call, deletion, &options)
}

/// What a deletion comes to.
pub(crate) struct Deletion {
    /// The object as it is now, in the version in which it is stored.
    object: Value,
    pub(crate) writes: Vec<Write>,
    /// Whether it is gone.
    gone: bool,
}

fn answer(
    state: &State,
    call: &Call<'_>,
    deletion: Deletion,
    options: &DeleteOptions,
) -> Result<Outcome, Halt> {
    let served = &call.served;
    let code = if !deletion.gone && options.orphan_dependents == Some(false) { 202 } else { 200 };
    let writes = if options.dry_run { Vec::new() } else { deletion.writes };
    let resource = &served.resource;
    let shown = if !deletion.gone || returns_object(&resource.group, &resource.plural) {
        let ask = Ask { state, answers: call.answers };
        let object = convert(served, ask, deletion.object, &served.api_version)?;
        match writes.len().checked_sub(1) {
            None => Shown::Object(object),
            Some(last) => Shown::At(last, object),
        }
    } else {
        let uid = deletion.object.str_at(&["metadata", "uid"]).unwrap_or_default();
        Shown::Object(success(0, &call.info.name, &resource.group, &resource.plural, uid))
    };
    Ok(Outcome { code, writes, shown })
}

/// The kinds of which the deleted object is shown, not a `Status`.
fn returns_object(group: &str, plural: &str) -> bool {
    matches!(
        (group, plural),
        (
            "",
            "pods"
                | "services"
                | "persistentvolumes"
                | "persistentvolumeclaims"
                | "podtemplates"
                | "serviceaccounts"
                | "resourcequotas"
                | "namespaces"
        ) | ("resource.k8s.io", _)
            | (
                "storage.k8s.io",
                "volumeattachments"
                    | "storageclasses"
                    | "csidrivers"
                    | "csinodes"
                    | "volumeattributesclasses"
            )
    )
}

/// What deleting an object comes to.
///
/// `object` is the object as it is, or as it becomes just before.
pub(crate) fn decide(
    state: &State,
    call: &mut Call<'_>,
    (key, entry, mut object): (&Arc<str>, &Arc<Entry>, Value),
    options: &DeleteOptions,
) -> Result<Deletion, Halt> {
    check_preconditions(call, &object, options)?;
    let unchanged = |object: Value| Deletion { object, writes: Vec::new(), gone: false };
    let grace = grace(call, &object, options);
    if grace == Grace::Pending {
        return Ok(unchanged(object));
    }
    admit(state, call, entry, options)?;
    if let Grace::Seconds(seconds) = grace {
        shorten(&mut object, seconds, call.time());
    }
    let finalizers = finalizers(call, &object, options);
    set_finalizers(&mut object, &finalizers);
    let put = |object: &Value| {
        let change = WriteKind::Put(object.clone());
        Write { shelf: call.served.shelf.clone(), key: key.clone(), change }
    };
    let graceful = matches!(grace, Grace::Seconds(_));
    let deleted = object.at(&["metadata", "deletionTimestamp"]).is_some();
    if call.served.is("apiextensions.k8s.io", "customresourcedefinitions") && !deleted {
        crate::custom::mark_deleted(&mut object, call.time());
        return Ok(changed(entry, object, put));
    }
    if call.served.is("", "namespaces") && (!deleted || holds_namespace(&object)) {
        if !deleted {
            object.set(&["metadata", "deletionTimestamp"], call.time().to_string().into());
            object.set(&["status", "phase"], "Terminating".into());
        }
        return Ok(changed(entry, object, put));
    }
    if !finalizers.is_empty() {
        if !graceful {
            mark_deleted(&mut object, call.time());
        }
        return Ok(changed(entry, object, put));
    }
    match grace {
        Grace::Seconds(seconds) if seconds > 0 => Ok(changed(entry, object, put)),
        _ => {
            let change = WriteKind::Remove(object.clone());
            let gone = Write { shelf: call.served.shelf.clone(), key: key.clone(), change };
            // What knows grace is first marked, then deleted.
            let marked = graceful.then(|| put(&object));
            Ok(Deletion { object, writes: marked.into_iter().chain([gone]).collect(), gone: true })
        }
    }
}

/// An object that stays for now; it is only written where that changes it.
fn changed(entry: &Entry, object: Value, put: impl FnOnce(&Value) -> Write) -> Deletion {
    let same = *crate::entry::kind_first(&object) == *entry.object;
    let writes = if same { Vec::new() } else { vec![put(&object)] };
    Deletion { object, writes, gone: false }
}

fn admit(
    state: &State,
    call: &mut Call<'_>,
    entry: &Arc<Entry>,
    options: &DeleteOptions,
) -> Result<(), Halt> {
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let old = decode(&served, ask, entry)?;
    let value = options.value();
    let name = call.info.name.clone();
    let attributes = Attributes {
        ask,
        operation: Operation::Delete,
        name: &name,
        subresource: &call.info.subresource,
        dry_run: options.dry_run,
        options: &value,
    };
    admission::mutate(call, attributes, Value::Null, Some(&old))?;
    admission::validate(call, attributes, None, Some(&old))
}

/// A namespace goes only once its controllers have said that it is empty.
fn holds_namespace(object: &Value) -> bool {
    let finalizers = object.at(&["spec", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    !finalizers.is_empty()
}

/// Deletes what a list would show.
pub(crate) fn delete_collection(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let list = ListOptions::read(call.request, false)?;
    read::check_fields(&call.served, &list.fields)?;
    let options = options(call)?;
    let (found, list) = read::select(state, call, &list)?;
    let (mut writes, mut needed) = (Vec::new(), Vec::new());
    for (key, entry) in found {
        let name = split(&key).1.to_owned();
        let info = crate::info::Info { name, ..call.info.clone() };
        let mut one = Call {
            request: call.request,
            answers: call.answers,
            now: call.now,
            info: &info,
            served: call.served.clone(),
            user: call.user.clone(),
            // One of its own: how much of it each takes may change from round to round.
            chance: Chance::new(call.chance.next()),
            warnings: Vec::new(),
            raw: false,
        };
        let object = settled(&call.served, &entry);
        match decide(state, &mut one, (&key, &entry, object), &options) {
            Ok(deletion) => writes.extend(deletion.writes),
            // All are asked for at once.
            Err(Halt::Need(demands)) => needed.extend(demands),
            Err(failed) => return Err(failed),
        }
        let warnings = std::mem::take(&mut one.warnings);
        warnings.into_iter().for_each(|text| call.warn(text));
    }
    if !needed.is_empty() {
        return Err(Halt::Need(needed));
    }
    if options.dry_run {
        writes.clear();
    }
    Ok(Outcome { code: 200, writes, shown: Shown::List(list) })
}
