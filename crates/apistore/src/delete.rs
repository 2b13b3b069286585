//! Deleting objects, one or a collection.

use std::sync::Arc;

use lockstep_core::{Gvk, Timestamp, Value};

use crate::admission::{self, Attributes, Operation};
use crate::answers::Ask;
use crate::body::{self, Format};
use crate::call::{Call, Outcome, Shown};
use crate::convert::{convert, decode, settled};
use crate::entry::Entry;
use crate::failure::{Failure, Halt, success};
use crate::options::{DeleteOptions, ListOptions, Propagation};
use crate::read;
use crate::shelf::{key, split};
use crate::state::{State, Write, WriteKind};

const ORPHAN: &str = "orphan";
const JOBS_LEAVE_PODS: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to \
     remove them or set propagationPolicy=Orphan to suppress this warning";
const FOREGROUND: &str = "foregroundDeletion";

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

/// The options, from the body where there is one.
fn options(call: &mut Call<'_>) -> Result<DeleteOptions, Failure> {
    let body = call.request.body.clone();
    body::check_size(&body)?;
    if body.is_empty() {
        return DeleteOptions::read(call.request, None);
    }
    let format = match body::media_type(&call.request.content_type) {
        "application/json" => Format::Json,
        "application/yaml" => Format::Yaml,
        "application/vnd.kubernetes.protobuf" => Format::Protobuf,
        _ => {
            return Err(Failure::unsupported_media_type(&[
                "application/json",
                "application/yaml",
                "application/vnd.kubernetes.protobuf",
            ]));
        }
    };
    let parsed = match format {
        Format::Protobuf => body::parse_message(&body, &Gvk::new("", "v1", "DeleteOptions"))?,
        format => body::parse(&body, format).map_err(|error| {
            Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
        })?,
    };
    let kind = parsed.value.str_at(&["kind"]).unwrap_or("DeleteOptions");
    if kind != "DeleteOptions" {
        let version = parsed.value.str_at(&["apiVersion"]).unwrap_or("v1");
        let short = version.rsplit('/').next().unwrap_or(version);
        return Err(Failure::bad_request(format!(
            "no kind {} is registered for version {} in scheme {}",
            crate::failure::quoted(kind),
            crate::failure::quoted(if short == version { short } else { version }),
            crate::failure::quoted("pkg/runtime/scheme.go:111"),
        )));
    }
    DeleteOptions::read(call.request, Some(&parsed.value))
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
    let same = *crate::entry::encode(&object) == *entry.object;
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

/// The object must be as the client says that it is.
fn check_preconditions(call: &Call<'_>, object: &Value, options: &DeleteOptions) -> Result<(), Failure> {
    let text = |key| object.str_at(&["metadata", key]).unwrap_or_default();
    let own =
        OWN_WORDS.iter().find(|(group, plural, _)| call.served.is(group, plural)).map(|(_, _, words)| *words);
    let wanted = [
        ("UID", options.uid.as_deref(), text("uid"), "The object might have been deleted and then recreated"),
        (
            "ResourceVersion",
            options.resource_version.as_deref(),
            text("resourceVersion"),
            "The object might have been modified",
        ),
    ];
    for (what, wanted, found, perhaps) in wanted {
        let Some(wanted) = wanted.filter(|wanted| *wanted != found) else { continue };
        return Err(match own {
            Some(words) => {
                let why =
                    format!("{words}: {what} in precondition: {wanted}, {what} in object meta: {found}");
                Failure::conflict(&call.resource(), text("name"), &why)
            }
            // The server names the kind where it should name the resource.
            None => {
                let why = format!(
                    "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). {perhaps}"
                );
                Failure::conflict(&call.served.group_kind(), text("name"), &why)
            }
        });
    }
    Ok(())
}

/// The resources whose deletion has words of its own for a precondition that fails.
const OWN_WORDS: [(&str, &str, &str); 2] = [
    ("", "namespaces", "Precondition failed"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "precondition failed"),
];

/// How much time an object gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grace {
    /// None: its kind knows no grace, or it is over.
    None,
    /// It is being deleted already, and that is not to be faster.
    Pending,
    Seconds(i64),
}

fn grace(call: &Call<'_>, object: &Value, options: &DeleteOptions) -> Grace {
    if !call.served.is("", "pods") {
        return Grace::None;
    }
    let wanted = options.grace.map(|seconds| if seconds < 0 { 1 } else { seconds });
    if object.at(&["metadata", "deletionTimestamp"]).is_some() {
        let left = object.int_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        return match wanted {
            _ if left == 0 => Grace::None,
            Some(seconds) if seconds < left => Grace::Seconds(seconds),
            _ => Grace::Pending,
        };
    }
    let of_pod = object.int_at(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(0);
    let unscheduled = object.str_at(&["spec", "nodeName"]).is_none_or(str::is_empty);
    let over = matches!(object.str_at(&["status", "phase"]), Some("Failed" | "Succeeded"));
    let seconds = if unscheduled || over { 0 } else { wanted.unwrap_or(of_pod) };
    Grace::Seconds(if seconds < 0 { 1 } else { seconds })
}

/// Sets when an object with grace is to be gone.
fn shorten(object: &mut Value, seconds: i64, now: Timestamp) {
    let deleted = object.str_at(&["metadata", "deletionTimestamp"]).and_then(Timestamp::parse);
    let (time, seconds) = match deleted {
        Some(Timestamp(time)) => {
            let before = object.int_at(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
            let time = time - before + seconds;
            match time < now.0 {
                true => (now.0, seconds.min(1)),
                false => (time, seconds),
            }
        }
        None => {
            raise_generation(object);
            (now.0 + seconds, seconds)
        }
    };
    object.set(&["metadata", "deletionTimestamp"], Timestamp(time).to_string().into());
    object.set(&["metadata", "deletionGracePeriodSeconds"], seconds.into());
}

fn raise_generation(object: &mut Value) {
    if let Some(generation) = object.int_at(&["metadata", "generation"]).filter(|generation| *generation > 0)
    {
        object.set(&["metadata", "generation"], (generation + 1).into());
    }
}

/// Marks an object that finalizers still hold.
fn mark_deleted(object: &mut Value, now: Timestamp) {
    let before = object.str_at(&["metadata", "deletionTimestamp"]).and_then(Timestamp::parse);
    if before.is_none() {
        raise_generation(object);
    }
    if before.is_none_or(|before| before > now) {
        object.set(&["metadata", "deletionTimestamp"], now.to_string().into());
    }
    object.set(&["metadata", "deletionGracePeriodSeconds"], 0.into());
}

/// A namespace goes only once its controllers have said that it is empty.
fn holds_namespace(object: &Value) -> bool {
    let finalizers = object.at(&["spec", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    !finalizers.is_empty()
}

/// The finalizers that an object has once its deletion was asked for.
fn finalizers(call: &Call<'_>, object: &Value, options: &DeleteOptions) -> Vec<String> {
    let list = object.at(&["metadata", "finalizers"]).and_then(Value::as_list).unwrap_or_default();
    let before: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    // Events and namespaces' contents are not for the garbage collector.
    if !collects(call) {
        return before;
    }
    let own = [ORPHAN, FOREGROUND];
    let said = before.iter().find(|name| own.contains(&&***name)).map(String::as_str);
    let wanted = match (options.orphan_dependents, options.propagation) {
        (Some(true), _) | (_, Some(Propagation::Orphan)) => Some(ORPHAN),
        (Some(false), _) | (_, Some(Propagation::Background)) => None,
        (_, Some(Propagation::Foreground)) => Some(FOREGROUND),
        (None, None) => said.or_else(|| orphans(call).then_some(ORPHAN)),
    };
    let mut after: Vec<String> = before.iter().filter(|name| !own.contains(&&***name)).cloned().collect();
    after.extend(wanted.map(str::to_owned));
    let same = after.len() == before.len() && after.iter().all(|name| before.contains(name));
    if same { before } else { after }
}

/// The kinds whose dependents stay where nobody says what is to become of them, for old clients' sake.
fn orphans(call: &Call<'_>) -> bool {
    call.served.is("batch", "jobs") || call.served.is("", "replicationcontrollers")
}

/// Whether the garbage collector looks after a kind's dependents.
fn collects(call: &Call<'_>) -> bool {
    !matches!((&*call.served.resource.group, &*call.served.resource.plural), ("" | "events.k8s.io", "events"))
}

fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    match finalizers.is_empty() {
        true => _ = object.remove(&["metadata", "finalizers"]),
        false => {
            let list = finalizers.iter().map(|name| Value::from(&**name)).collect();
            object.set(&["metadata", "finalizers"], Value::list(list));
        }
    }
}

/// Deletes what a list would show.
pub(crate) fn delete_collection(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let list = ListOptions::read(call.request, false)?;
    read::check_fields(&call.served, &list.fields)?;
    let options = options(call)?;
    let (found, list) = read::select(state, call, &list)?;
    let mut writes = Vec::new();
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
            chance: call.chance,
            warnings: Vec::new(),
        };
        let object = settled(&call.served, &entry);
        let deletion = decide(state, &mut one, (&key, &entry, object), &options)?;
        let warnings = std::mem::take(&mut one.warnings);
        warnings.into_iter().for_each(|text| call.warn(text));
        writes.extend(deletion.writes);
    }
    if options.dry_run {
        writes.clear();
    }
    Ok(Outcome { code: 200, writes, shown: Shown::List(list) })
}
