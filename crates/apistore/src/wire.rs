//! Objects as the server's own types read them: what they do not know is gone, and defaults are there.

use lockstep_core::{Gvk, Value};
use schema::{Wire, WireError};

use crate::failure::Failure;
use crate::served::{Rules, Served};

/// Makes the object what the server would have read, with defaults, and names the fields that it does not know. The error is
/// Go's: a value of another type than the field.
pub(crate) fn read(served: &Served, kind: &Gvk, object: &mut Value) -> Result<Vec<String>, WireError> {
    match &served.rules {
        Rules::Custom(custom) if *kind == served.gvk => {
            let mut unknown = read_metadata(object)?;
            let version = &kind.api.version;
            custom.drop_nulls(object, version);
            custom.default(object, version);
            unknown.extend(custom.prune(object, version));
            unknown.extend(custom.read_embedded(object, version)?);
            Ok(unknown)
        }
        _ => {
            let unknown =
                keeping_no_managers(object, |object| as_read(Wire::of(kind).map(Wire::as_sent), object))?;
            if kind.kind == served.gvk.kind {
                default(served, object);
            }
            Ok(unknown)
        }
    }
}

/// What the server has made of an object, as it writes it. Whether what it then reads of that is something else.
pub(crate) fn tidy(served: &Served, object: &mut Value) -> bool {
    object.remove(&["metadata", "selfLink"]);
    if served.is("", "services") {
        // A real server keeps what it does not show.
        kinds::as_read(object);
    }
    if served.is_custom() {
        return false;
    }
    let before = object.clone();
    if canonical(&served.stored, object).is_err() {
        *object = before;
    }
    let Some(adds) = Adds::of(served) else { return false };
    let stored = object.clone();
    default(served, object);
    adds == Adds::Once && *object != stored
}

/// What reading adds to objects of a kind that is not stored: all others have their defaults before they get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adds {
    /// What every write loses: the kind of claim templates.
    Always,
    /// What comes of things that are reset or made when an object is created.
    Once,
}

impl Adds {
    fn of(served: &Served) -> Option<Self> {
        match (&*served.resource.group, &*served.resource.plural) {
            ("apps", "statefulsets") => Some(Self::Always),
            ("", "persistentvolumeclaims") | ("batch", "jobs") => Some(Self::Once),
            _ => None,
        }
    }
}

/// The object as the type of a built-in kind reads it once it is stored.
pub(crate) fn canonical(kind: &Gvk, object: &mut Value) -> Result<Vec<String>, WireError> {
    keeping_no_managers(object, |object| as_read(Wire::of(kind), object))
}

/// That somebody wants no managers is kept: an empty list of them is not none.
fn keeping_no_managers(
    object: &mut Value,
    read: impl FnOnce(&mut Value) -> Result<Vec<String>, WireError>,
) -> Result<Vec<String>, WireError> {
    let managers = object.at(&["metadata", "managedFields"]);
    let resets = managers.and_then(Value::as_list).is_some_and(<[Value]>::is_empty);
    let unknown = read(object)?;
    if resets {
        object.set(&["metadata", "managedFields"], Value::list(Vec::new()));
    }
    Ok(unknown)
}

fn as_read(wire: Option<Wire>, object: &mut Value) -> Result<Vec<String>, WireError> {
    let Some(wire) = wire else { return Ok(Vec::new()) };
    let read = wire.read(std::mem::take(object))?;
    *object = read.value;
    Ok(read.unknown)
}

/// `metadata` of custom resources is read as that of all objects.
fn read_metadata(object: &mut Value) -> Result<Vec<String>, WireError> {
    let (Some(wire), Some(metadata)) = (Wire::object_meta(), object.get("metadata").cloned()) else {
        return Ok(Vec::new());
    };
    let read = wire.read(metadata)?;
    object.set(&["metadata"], read.value);
    Ok(read.unknown)
}

/// Fills in the defaults of an object that the server itself has made of others, in the version of the request.
pub(crate) fn default(served: &Served, object: &mut Value) {
    match &served.rules {
        Rules::BuiltIn(strategy) => (strategy.default)(object),
        Rules::Custom(custom) => custom.default(object, &served.gvk.api.version),
    }
}

/// What admission has made, as the server's own types read it, with defaults.
pub(crate) fn settle(served: &Served, object: &mut Value) -> Result<(), Failure> {
    settle_applied(served, object).map(drop).map_err(|error| Failure::unknown(error.to_string()))
}

/// What an apply has made, as the server's own types read it, with defaults. Whether it is stored as something else: the
/// `metadata` of custom resources is, as the apply has it.
pub(crate) fn settle_applied(served: &Served, object: &mut Value) -> Result<bool, WireError> {
    match &served.rules {
        Rules::BuiltIn(_) => read(served, &served.gvk, object).map(|_| false),
        Rules::Custom(custom) => {
            let applied = object.get("metadata").cloned();
            read_metadata(object)?;
            let raw = object.get("metadata") != applied.as_ref();
            custom.default(object, &served.gvk.api.version);
            Ok(raw)
        }
    }
}
