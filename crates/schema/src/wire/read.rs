//! JSON read into a Go type and written back.

use std::sync::Arc;

use lockstep_core::{Map, Value};

use super::base64;
use super::error::{Mistake, WireError};
use super::table::{Field, Form, LazyStruct, Omit, Struct, Type};

/// Whether a list or mapping without items is the same as none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nil {
    IsEmpty,
    /// Not yet, where a field has it that is always written.
    IsEmptyOnceStored,
    NotEmpty,
}

impl Nil {
    /// Whether what is read is, or will be, stored as protocol buffers.
    fn in_protobuf(self) -> bool {
        self != Self::NotEmpty
    }
}

/// One step on the way from the object to a value.
#[derive(Clone, Copy)]
pub(super) enum Step<'v> {
    Field(&'static Struct, &'static Field),
    Key(&'v str),
    Index(usize),
}

/// What became of a value: `None` where it was canonical already.
pub(super) type Canonical = Result<Option<Value>, WireError>;

/// The state of Go's decoder.
pub(super) struct Reader<'v> {
    steps: Vec<Step<'v>>,
    nil: Nil,
    unknown: Vec<String>,
    /// The first value of a wrong type: reading goes on behind it.
    saved: Option<WireError>,
}

/// The decoder names no more unknown fields than this.
const MOST_UNKNOWN: usize = 100;

impl<'v> Reader<'v> {
    pub(super) fn new(within: &[Step<'static>], nil: Nil) -> Self {
        Self { steps: within.to_vec(), nil, unknown: Vec::new(), saved: None }
    }

    pub(super) fn into_unknown(self) -> Vec<String> {
        self.unknown
    }

    /// Reads what a body or a part with a syntax of its own holds.
    pub(super) fn whole(&mut self, of: &'static LazyStruct, value: &'v Value) -> Canonical {
        let canonical = match value {
            Value::Map(entries) => self.structure(of, entries)?.map(Value::map),
            Value::Null => Some(of.zero()),
            other => {
                let wanted = of.name.to_owned();
                self.saved = Some(self.mistaken(kind_of(other).into(), wanted, "struct"));
                None
            }
        };
        match self.saved.take() {
            Some(error) => Err(error),
            None => Ok(canonical),
        }
    }

    pub(super) fn value(&mut self, of: &'static Type, value: &'v Value) -> Canonical {
        match (&of.form, value) {
            (Form::Selfmade(selfmade), value) => selfmade.read(self, value),
            (Form::Pointer(of), value) if !matches!(value, Value::Null) => self.value(of, value),
            (Form::Pointer(_) | Form::List(_) | Form::Map(..) | Form::Bytes, Value::Null) => Ok(None),
            // Null changes nothing about what cannot be without a value.
            (_, Value::Null) => Ok(Some(of.zero())),
            (Form::String, Value::String(_)) | (Form::Bool, Value::Bool(_)) => Ok(None),
            (Form::Float, Value::Int(_) | Value::Uint(_) | Value::Float(_)) => Ok(None),
            (Form::Int(bits), Value::Int(number)) if *bits == 64 || i32::try_from(*number).is_ok() => {
                Ok(None)
            }
            (Form::Int(_), Value::Int(_) | Value::Uint(_) | Value::Float(_)) => {
                Ok(self.refuse(format!("number {}", literal(value)), of))
            }
            (Form::Bytes, Value::String(text)) => Ok(self.bytes(text)),
            (Form::Bytes, Value::List(items)) => Ok(self.byte_list(items)),
            (Form::List(item), Value::List(items)) => self.items(item, items),
            (Form::Map(_, entry), Value::Map(entries)) => self.entries(entry, entries),
            (Form::Struct(of), Value::Map(entries)) => Ok(self.structure(of, entries)?.map(Value::map)),
            _ => Ok(self.refuse(kind_of(value).into(), of)),
        }
    }

    fn bytes(&mut self, text: &str) -> Option<Value> {
        match base64::canonical(text) {
            Ok(canonical) => canonical.map(Value::from),
            Err(place) => {
                let text = format!("illegal base64 data at input byte {place}");
                self.save(WireError(Mistake::Syntax(text)));
                None
            }
        }
    }

    /// A list of numbers is read as bytes, too.
    fn byte_list(&mut self, items: &[Value]) -> Option<Value> {
        let mut bytes = Vec::with_capacity(items.len());
        for item in items {
            let number = match item {
                Value::Null => Some(0),
                Value::Int(number) => u8::try_from(*number).ok(),
                _ => None,
            };
            bytes.push(number.unwrap_or_default());
            if number.is_none() {
                let found = match item {
                    Value::Int(_) | Value::Uint(_) | Value::Float(_) => format!("number {}", literal(item)),
                    other => kind_of(other).into(),
                };
                let error = self.mistaken(found, "uint8".into(), "uint8");
                self.save(error);
            }
        }
        Some(base64::written(&bytes).into())
    }

    fn items(&mut self, of: &'static Type, items: &'v Arc<Vec<Value>>) -> Canonical {
        if items.is_empty() {
            return Ok(self.nil.in_protobuf().then_some(Value::Null));
        }
        let mut changed: Option<Vec<Value>> = None;
        for (index, item) in items.iter().enumerate() {
            self.steps.push(Step::Index(index));
            let canonical = self.value(of, item)?;
            self.steps.pop();
            if let Some(canonical) = canonical
                && let Some(place) = changed.get_or_insert_with(|| items.to_vec()).get_mut(index)
            {
                *place = canonical;
            }
        }
        Ok(changed.map(Value::list))
    }

    fn entries(&mut self, of: &'static Type, entries: &'v Arc<Map>) -> Canonical {
        if entries.is_empty() {
            return Ok(self.nil.in_protobuf().then_some(Value::Null));
        }
        let mut changed: Option<Map> = None;
        for (name, entry) in entries.iter() {
            self.steps.push(Step::Key(name));
            let canonical = self.value(of, entry)?;
            self.steps.pop();
            if let Some(canonical) = self.never_absent(of, canonical.as_ref().unwrap_or(entry)).or(canonical)
            {
                changed.get_or_insert_with(|| Map::clone(entries)).insert(name.clone(), canonical);
            }
        }
        Ok(changed.map(Value::map))
    }

    /// Protocol buffers have no absent bytes and no absent list in a mapping.
    fn never_absent(&self, of: &Type, entry: &Value) -> Option<Value> {
        match (&of.form, entry, self.nil.in_protobuf()) {
            (Form::Bytes, Value::Null, true) => Some("".into()),
            (Form::List(_), Value::Null, true) => Some(Value::list(Vec::new())),
            _ => None,
        }
    }

    /// Protocol buffers hold apiVersion and kind for the whole object only.
    fn is_lost(&self, field: &Field) -> bool {
        self.nil.in_protobuf() && field.embedded == Some("TypeMeta") && self.steps.len() > 1
    }

    fn stays_empty(&self, field: &Field, value: &Value) -> bool {
        let empty = matches!(value, Value::List(items) if items.is_empty());
        empty && self.nil == Nil::IsEmptyOnceStored && field.omit == Omit::Never
    }

    fn structure(&mut self, of: &'static Struct, entries: &'v Arc<Map>) -> Result<Option<Map>, WireError> {
        let mut changed: Option<Map> = None;
        let mut known = 0;
        for (name, value) in entries.iter() {
            let Some(field) = of.field(name) else {
                self.unknown(name);
                changed.get_or_insert_with(|| Map::clone(entries)).remove(name);
                continue;
            };
            known += usize::from(field.unset.is_some());
            self.steps.push(Step::Field(of, field));
            let canonical = self.value(&field.of, value)?.filter(|_| !self.stays_empty(field, value));
            let lost = self.is_lost(field);
            self.steps.pop();
            if lost || left_out(field, value, canonical.as_ref(), self.nil) {
                changed.get_or_insert_with(|| Map::clone(entries)).remove(name);
            } else if let Some(canonical) = canonical {
                changed.get_or_insert_with(|| Map::clone(entries)).insert(name.clone(), canonical);
            }
        }
        if known < of.required.len() {
            let all = changed.get_or_insert_with(|| Map::clone(entries));
            for field in of.required.iter().filter_map(|at| of.fields.get(*at)) {
                if let Some(unset) = field.unset.as_ref().filter(|_| !all.contains_key(&field.name)) {
                    all.insert(field.name.clone(), unset.clone());
                }
            }
        }
        Ok(changed)
    }

    fn unknown(&mut self, name: &str) {
        if self.unknown.len() < MOST_UNKNOWN {
            let mut path = String::new();
            for step in &self.steps {
                match step {
                    Step::Index(index) => path.push_str(&format!("[{index}]")),
                    Step::Key(name) => push_key(&mut path, name),
                    Step::Field(_, field) => push_key(&mut path, &field.name),
                }
            }
            push_key(&mut path, name);
            self.unknown.push(path);
        }
    }

    fn refuse(&mut self, found: String, of: &Type) -> Option<Value> {
        let error = self.mistaken(found, of.go_name(), of.go_kind());
        self.save(error);
        None
    }

    fn save(&mut self, error: WireError) {
        self.saved.get_or_insert(error);
    }

    /// A value of a wrong type, at this place.
    pub(super) fn mistaken(&self, found: String, wanted: String, kind: &'static str) -> WireError {
        let (owner, path) = self.place();
        WireError(Mistake::Type { found, owner, path, wanted, kind })
    }

    /// The struct that holds this place, and the Go decoder's path to it, which names fields only.
    pub(super) fn place(&self) -> (&'static str, Vec<String>) {
        let (mut owner, mut path) = ("", Vec::new());
        for step in &self.steps {
            if let Step::Field(of, field) = step {
                owner = of.bare_name();
                path.extend(field.embedded.map(str::to_owned));
                path.push(field.name.to_string());
            }
        }
        (owner, path)
    }

    /// A reader of a part that is decoded by itself: what it does not know is not told.
    pub(super) fn apart(&self) -> Self {
        Self::new(&[], self.nil)
    }
}

fn push_key(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

fn left_out(field: &Field, read: &Value, canonical: Option<&Value>, nil: Nil) -> bool {
    let value = match (&field.of.form, nil.in_protobuf()) {
        // A pointer is there where something was written, even what is written back as null: the time before all times. JSON
        // in the store is read once more, which makes an end of it.
        (Form::Pointer(_), true) => read,
        _ => canonical.unwrap_or(read),
    };
    match field.omit {
        Omit::Never => false,
        Omit::Empty => field.of.is_empty(value),
        Omit::Zero => field.of.is_empty(value) || *value == field.of.zero(),
    }
}

/// What Go calls a JSON value.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

/// A number as it stood in the text, but for floats that can be written in several ways.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        _ => String::new(),
    }
}
