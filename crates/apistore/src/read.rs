//! Reading objects: one, or a list.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use lockstep_core::Value;

use crate::answers::Ask;
use crate::call::{Call, Outcome, Shown};
use crate::convert::{decode, decode_all, settled};
use crate::entry::{Entry, head_length, kind_first};
use crate::failure::{Failure, Halt, quoted};
use crate::options::{ListOptions, Match, parse_version};
use crate::page::{Page, Token};
use crate::response::List;
use crate::selector::FieldSelector;
use crate::served::{Rules, Served};
use crate::shelf::{key, split};
use crate::state::State;

/// Shows one object.
pub(crate) fn get(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    if call.request.parameter("export").is_some_and(|value| !matches!(value, "false" | "0")) {
        let text = "the export parameter, deprecated since v1.14, is no longer supported";
        return Err(Failure::bad_request(text).into());
    }
    let version = call.request.parameter("resourceVersion").unwrap_or_default();
    let version = parse_version(version).map_err(Failure::unknown)?;
    if version > state.revision {
        return Err(Failure::too_new(version, state.revision).into());
    }
    let Some(entry) = state.entry(&call.served, call.namespace(), &call.info.name) else {
        return Err(call.not_found().into());
    };
    show(state, call, entry).map(Outcome::read)
}

/// An object as the request wants it.
pub(crate) fn show(state: &State, call: &Call<'_>, entry: &Entry) -> Result<Shown, Halt> {
    let served = &call.served;
    if is_shown_as_stored(served) {
        return Ok(Shown::Json(entry.object.clone()));
    }
    let ask = Ask { state, answers: call.answers };
    decode(served, ask, entry).map(Shown::Object)
}

/// Whether the bytes of the store are those of an answer: custom resources are what their definition makes of them now.
pub(crate) fn is_shown_as_stored(served: &Served) -> bool {
    !served.is_custom() && served.api_version == served.stored_version
}

/// Shows a list.
pub(crate) fn list(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let mut options = ListOptions::read(call.request, false)?;
    check_fields(&call.served, &options.fields)?;
    name_as_field(&call.info.name, &mut options.fields)?;
    let (_, list) = select(state, call, &options)?;
    Ok(Outcome::read(Shown::List(list)))
}

/// A name in the path counts as a field selector.
pub(crate) fn name_as_field(name: &str, fields: &mut FieldSelector) -> Result<(), Failure> {
    if name.is_empty() {
        return Ok(());
    }
    match fields.is_empty() {
        true => *fields = FieldSelector::one("metadata.name", name),
        false if fields.exact("metadata.name") == Some(name) => {}
        false => {
            return Err(Failure::bad_request("fieldSelector metadata.name doesn't match requested name"));
        }
    }
    Ok(())
}

/// Whether a kind knows the fields of a selector.
pub(crate) fn check_fields(served: &Served, fields: &FieldSelector) -> Result<(), Failure> {
    for field in fields.fields().filter(|field| !matches!(*field, "metadata.name" | "metadata.namespace")) {
        match &served.rules {
            Rules::BuiltIn(strategy) => {
                let known = (strategy.selectable)(&Value::Null);
                if known.iter().any(|(name, _)| *name == field) {
                    continue;
                }
                return Err(Failure::bad_request(match known.is_empty() {
                    true => format!(
                        "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                        quoted(field)
                    ),
                    false => format!("field label not supported: {field}"),
                }));
            }
            Rules::Custom(custom) => {
                let version = custom.version(&served.resource.version);
                if !version.is_some_and(|version| version.selectable.iter().any(|known| known == field)) {
                    return Err(Failure::bad_request(format!("field label not supported: {field}")));
                }
            }
        }
    }
    Ok(())
}

/// Which objects a list or watch is about.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) labels: crate::selector::LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object, whose namespace and name are in its key, is one of them.
    pub(crate) fn matches(&self, served: &Served, object_key: &str, entry: &Entry) -> bool {
        if !self.labels.is_empty() && !self.labels.matches(|key| entry.label(key)) {
            return false;
        }
        if self.fields.is_empty() {
            return true;
        }
        let (namespace, name) = split(object_key);
        let fields = match self.fields.is_of_metadata() {
            true => Vec::new(),
            false => selectable(served, &settled(served, entry)),
        };
        self.fields.matches(|field| match field {
            "metadata.name" => name.to_owned(),
            "metadata.namespace" => namespace.to_owned(),
            field => fields
                .iter()
                .find(|(name, _)| name == field)
                .map(|(_, value)| value.clone())
                .unwrap_or_default(),
        })
    }
}

/// The fields that a selector may name, with their values.
fn selectable(served: &Served, object: &Value) -> Vec<(String, String)> {
    match &served.rules {
        Rules::BuiltIn(strategy) => {
            (strategy.selectable)(object).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        }
        Rules::Custom(custom) => {
            let fields = custom
                .version(&served.resource.version)
                .map(|version| &*version.selectable)
                .unwrap_or_default();
            let value = |path: &String| {
                let keys: Vec<&str> = path.split('.').collect();
                let text = match object.at(&keys) {
                    Some(Value::String(text)) => text.to_string(),
                    Some(Value::Bool(flag)) => flag.to_string(),
                    Some(Value::Int(number)) => number.to_string(),
                    Some(Value::Uint(number)) => number.to_string(),
                    _ => String::new(),
                };
                (path.clone(), text)
            };
            fields.iter().map(value).collect()
        }
    }
}

type Found = Vec<(Arc<str>, Arc<Entry>)>;

/// The objects that a list is about, and the list.
pub(crate) fn select(state: &State, call: &Call<'_>, options: &ListOptions) -> Result<(Found, List), Halt> {
    let filter = Filter { labels: options.labels.clone(), fields: options.fields.clone() };
    let namespace = list_namespace(call, &filter);
    let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    let page = page(state, options)?;
    let start = page.start.as_deref().unwrap_or_default();
    let first = format!("{}{start}", &prefix[..prefix_cut(call, &prefix)]);
    let mut found: Found = Vec::new();
    let (mut more, mut rest) = (None, 0u64);
    let mut take = |key: &Arc<str>, entry: &Arc<Entry>| {
        // Where a part is full, whatever comes next makes another part, wanted or not.
        let full = options.limit > 0 && found.len() as u64 >= options.limit;
        if full {
            rest += 1;
            if more.is_none() {
                more = found.last().map(|(key, _)| key.clone());
            }
            // How many more there are is told only where all of them are wanted.
            return if filter.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        }
        if filter.matches(&call.served, key, entry) {
            found.push((key.clone(), entry.clone()));
        }
        ControlFlow::Continue(())
    };
    match (state.shelf(&call.served.shelf), page.past) {
        (None, _) => {}
        (Some(shelf), false) => {
            let _all = shelf.range_from(&prefix, &first).try_for_each(|(key, entry)| take(key, entry));
        }
        (Some(shelf), true) => match shelf.at(page.revision, &prefix) {
            Some(objects) => {
                let from = (Bound::Included(&*first), Bound::Unbounded);
                let _all = objects.range::<str, _>(from).try_for_each(|(key, entry)| take(key, entry));
            }
            None => return Err(page.expired(options).into()),
        },
    }
    let mut list = made(state, call, &found)?;
    list.resource_version = page.shown.to_string();
    if let Some(last) = more {
        let start = format!("/{}\0", &last[prefix_cut(call, &prefix)..]);
        list.continue_token = Token { revision: page.shown_token(), start }.encode();
        list.remaining = filter.is_empty().then_some(rest);
    }
    Ok((found, list))
}

/// How much of keys continue tokens leave out: the namespace of the path.
fn prefix_cut(call: &Call<'_>, prefix: &str) -> usize {
    if call.namespace().is_empty() { 0 } else { prefix.len() }
}

/// The namespace of the path, or that which the selector names.
fn list_namespace<'c>(call: &Call<'c>, filter: &'c Filter) -> &'c str {
    match call.namespace() {
        "" if call.served.resource.namespaced => {
            filter.fields.exact("metadata.namespace").unwrap_or_default()
        }
        namespace => namespace,
    }
}

/// In which version, and from where on, a list is shown.
fn page(state: &State, options: &ListOptions) -> Result<Page, Failure> {
    let current = state.revision;
    if !options.continue_token.is_empty() {
        let token = Token::decode(&options.continue_token)
            .map_err(|error| Failure::bad_request(format!("invalid continue token: {error}")))?;
        if !matches!(&*options.resource_version, "" | "0") {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        return Ok(Page::after(&token, current));
    }
    let version = parse_version(&options.resource_version)
        .map_err(|error| Failure::bad_request(format!("invalid resource version: {error}")))?;
    if version > current {
        return Err(Failure::too_new(version, current));
    }
    let exact = options.version_match == Match::Exact
        || (options.version_match == Match::Unset && options.limit > 0 && version > 0);
    Ok(match exact {
        true => Page::at(version, current),
        false => Page::now(current),
    })
}

/// A list of objects in the version of the request.
fn made(state: &State, call: &Call<'_>, found: &Found) -> Result<List, Halt> {
    let served = &call.served;
    let items: Vec<Arc<[u8]>> = match is_shown_as_stored(served) {
        true => found.iter().map(|(_, entry)| entry.object.clone()).collect(),
        false => {
            let ask = Ask { state, answers: call.answers };
            let objects = decode_all(served, ask, &mut found.iter().map(|(_, entry)| &**entry))?;
            objects.iter().map(|object| kind_first(object).into()).collect()
        }
    };
    let mut kind = served.gvk.clone();
    kind.kind = list_kind(served).into();
    let skip = match served.is_custom() {
        true => 1,
        false => head_length(&served.gvk.kind, &served.api_version),
    };
    Ok(List {
        kind,
        resource_version: String::new(),
        continue_token: String::new(),
        remaining: None,
        skip,
        items,
    })
}

fn list_kind(served: &Served) -> String {
    match &served.rules {
        Rules::Custom(custom) => custom.list_kind.clone(),
        Rules::BuiltIn(_) => format!("{}List", served.gvk.kind),
    }
}

/// The key of the object that a request names.
pub(crate) fn key_of(call: &Call<'_>) -> Arc<str> {
    key(call.namespace(), &call.info.name)
}
