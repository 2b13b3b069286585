//! The table of Go types.

use std::sync::{Arc, LazyLock};

use lockstep_core::{Gvk, Value};

use super::selfmade::Selfmade;

/// Written by `cargo xtask openapi`; `tests/kubeone/wire` says how it is to be read.
static TEXT: &str = include_str!("../../data/wire.tsv");

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of(TEXT));

/// Kinds and structs, in the order of their names.
pub(super) struct Table {
    kinds: Vec<(&'static str, &'static str)>,
    structs: Vec<(&'static str, LazyStruct)>,
}

/// A struct that is read when it is first needed: a constant for all that.
pub(super) type LazyStruct = LazyLock<Struct, Box<dyn FnOnce() -> Struct + Send>>;

/// A Go struct.
pub(super) struct Struct {
    /// `v1.PodSpec`
    pub(super) name: &'static str,
    /// In the order of names; those of embedded structs in their place.
    pub(super) fields: Vec<Field>,
    /// What of them is written although it is not set.
    pub(super) required: Vec<usize>,
}

pub(super) struct Field {
    pub(super) name: Arc<str>,
    /// Its number in protocol buffers, behind those of the embedded structs around it; none for what they do not have.
    pub(super) number: Vec<u32>,
    /// The field of the embedded struct that it belongs to.
    pub(super) embedded: Option<&'static str>,
    pub(super) omit: Omit,
    pub(super) of: Type,
    /// What is written where it is not set.
    pub(super) unset: Option<Value>,
}

/// When a field is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Omit {
    Never,
    /// When empty, which structs never are.
    Empty,
    /// When it has its zero value, or is empty.
    Zero,
}

pub(super) struct Type {
    /// The name that it has in Go besides its form: `v1.Protocol`.
    pub(super) name: Option<&'static str>,
    /// Whether it is a list that is a message of its own in protocol buffers.
    pub(super) is_message: bool,
    pub(super) form: Form,
}

pub(super) enum Form {
    String,
    Bool,
    /// With its bits.
    Int(u8),
    Float,
    Bytes,
    Pointer(Box<Type>),
    List(Box<Type>),
    /// With the Go type of its keys, which are strings.
    Map(&'static str, Box<Type>),
    Struct(&'static LazyStruct),
    Selfmade(Selfmade),
}

impl Table {
    fn of(text: &'static str) -> Self {
        let (mut kinds, mut structs) = (Vec::new(), Vec::new());
        for line in text.lines() {
            match line.split_once('\t') {
                Some(("kind", kind)) => kinds.extend(kind.split_once('\t')),
                Some((name, columns)) => {
                    structs.push((name, LazyStruct::new(Box::new(|| Struct::of(columns)))))
                }
                None => {}
            }
        }
        Self { kinds, structs }
    }

    pub(super) fn kind(&'static self, kind: &Gvk) -> Option<&'static LazyStruct> {
        let key = format!("{}/{}/{}", kind.api.group, kind.api.version, kind.kind);
        let found = self.kinds.binary_search_by(|(kind, _)| (*kind).cmp(&key)).ok()?;
        self.named(self.kinds.get(found)?.1)
    }

    pub(super) fn named(&'static self, name: &str) -> Option<&'static LazyStruct> {
        let found = self.structs.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        Some(&self.structs.get(found)?.1)
    }
}

impl Struct {
    fn of(columns: &'static str) -> Self {
        let mut columns = columns.split('\t');
        let name = columns.next().unwrap_or_default();
        let mut fields: Vec<Field> = columns.filter_map(Field::of).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let required =
            (0..fields.len()).filter(|at| fields.get(*at).is_some_and(|field| field.unset.is_some()));
        Self { name, required: required.collect(), fields }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        let found = self.fields.binary_search_by(|field| (*field.name).cmp(name)).ok()?;
        self.fields.get(found)
    }

    /// The struct of which nothing is set.
    pub(super) fn zero(&self) -> Value {
        let unset = |field: &Field| Some((field.name.clone(), field.unset.clone()?));
        Value::map(self.fields.iter().filter_map(unset).collect())
    }

    /// Its name without the package.
    pub(super) fn bare_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

impl Field {
    fn of(column: &'static str) -> Option<Self> {
        let mut words = column.split(' ');
        let (name, flags, expression) = (words.next()?, words.next()?, words.next()?);
        let (flags, number) = flags.split_at(flags.find(|c: char| c.is_ascii_digit()).unwrap_or(flags.len()));
        let omit = match flags {
            "-" => Omit::Never,
            "e" => Omit::Empty,
            _ => Omit::Zero,
        };
        let of = Type::of(expression)?;
        let unset = match (omit, &of.form) {
            (Omit::Never, _) | (Omit::Empty, Form::Struct(_) | Form::Selfmade(_)) => Some(of.zero()),
            _ => None,
        };
        let number = number.split('.').filter_map(|number| number.parse().ok()).collect();
        Some(Self { name: name.into(), number, embedded: words.next(), omit, of, unset })
    }
}

impl Type {
    fn of(expression: &'static str) -> Option<Self> {
        let (name, expression) = match expression.strip_prefix('<') {
            Some(rest) => rest.split_once('>').map(|(name, rest)| (Some(name), rest))?,
            None => (None, expression),
        };
        let (is_message, expression) = match expression.strip_prefix('~') {
            Some(rest) => (true, rest),
            None => (false, expression),
        };
        Some(Self { name, is_message, form: Form::of(expression)? })
    }

    /// A value of which nothing is set, as it is written.
    pub(super) fn zero(&self) -> Value {
        match &self.form {
            Form::String => Value::string(""),
            Form::Bool => false.into(),
            Form::Int(_) | Form::Float => 0.into(),
            Form::Bytes | Form::Pointer(_) | Form::List(_) | Form::Map(..) => Value::Null,
            Form::Struct(of) => of.zero(),
            Form::Selfmade(selfmade) => selfmade.zero(),
        }
    }

    /// Whether `omitempty` leaves a value out.
    pub(super) fn is_empty(&self, value: &Value) -> bool {
        match (&self.form, value) {
            (Form::Struct(_) | Form::Selfmade(_), _) => false,
            // What a pointer leads to is not looked at.
            (Form::Pointer(_), value) => matches!(value, Value::Null),
            (_, Value::Null | Value::Bool(false) | Value::Int(0)) => true,
            (Form::String | Form::Bytes, Value::String(text)) => text.is_empty(),
            (Form::List(_), Value::List(items)) => items.is_empty(),
            (Form::Map(..), Value::Map(entries)) => entries.is_empty(),
            (Form::Float, Value::Float(number)) => *number == 0.0,
            _ => false,
        }
    }

    /// What kind of type it is in Go.
    pub(super) fn go_kind(&self) -> &'static str {
        match &self.form {
            Form::String => "string",
            Form::Bool => "bool",
            Form::Int(32) => "int32",
            Form::Int(_) => "int64",
            Form::Float => "float64",
            Form::Bytes | Form::List(_) => "slice",
            Form::Pointer(of) => of.go_kind(),
            Form::Map(..) => "map",
            Form::Struct(_) | Form::Selfmade(_) => "struct",
        }
    }

    /// As Go prints it.
    pub(super) fn go_name(&self) -> String {
        if let Some(name) = self.name {
            return name.into();
        }
        match &self.form {
            Form::String => "string".into(),
            Form::Bool => "bool".into(),
            Form::Int(bits) => format!("int{bits}"),
            Form::Float => "float64".into(),
            Form::Bytes => "[]uint8".into(),
            Form::Pointer(of) => format!("*{}", of.go_name()),
            Form::List(of) => format!("[]{}", of.go_name()),
            Form::Map(key, of) => format!("map[{key}]{}", of.go_name()),
            Form::Struct(of) => of.name.into(),
            Form::Selfmade(selfmade) => selfmade.go_name().into(),
        }
    }
}

impl Form {
    fn of(expression: &'static str) -> Option<Self> {
        let boxed = |expression| Type::of(expression).map(Box::new);
        if let Some(rest) = expression.strip_prefix('*') {
            return Some(Self::Pointer(boxed(rest)?));
        }
        if let Some(rest) = expression.strip_prefix("[]") {
            return Some(Self::List(boxed(rest)?));
        }
        if let Some(rest) = expression.strip_prefix('{') {
            let (key, rest) = rest.split_once('}')?;
            return Some(Self::Map(key, boxed(rest)?));
        }
        if let Some(name) = expression.strip_prefix('@') {
            return TABLE.named(name).map(Self::Struct);
        }
        if let Some(name) = expression.strip_prefix('!') {
            return Selfmade::of(name).map(Self::Selfmade);
        }
        match expression {
            "s" => Some(Self::String),
            "b" => Some(Self::Bool),
            "i32" => Some(Self::Int(32)),
            "i64" => Some(Self::Int(64)),
            "f64" => Some(Self::Float),
            "y" => Some(Self::Bytes),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_table_is_understood() {
        assert!(TABLE.kinds.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TABLE.structs.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TABLE.kinds.iter().all(|(_, name)| TABLE.named(name).is_some()));
        let columns = |name| TEXT.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('\t'));
        for (name, of) in &TABLE.structs {
            assert_eq!(of.fields.len(), columns(*name).unwrap().split('\t').count() - 1, "{name}");
        }
    }

    #[test]
    fn what_is_written_unset_follows_the_tags() {
        let check = |name: &str, want: &str| {
            let zero = TABLE.named(name).unwrap().zero();
            assert_eq!(String::from_utf8(lockstep_core::to_json(&zero)).unwrap(), want, "{name}");
        };
        check("apis/meta/v1.ObjectMeta", "{}");
        check("core/v1.Container", r#"{"name":"","resources":{}}"#);
        check("core/v1.PodSpec", r#"{"containers":null}"#);
        check("core/v1.ResourceFieldSelector", r#"{"divisor":"0","resource":""}"#);
        check("core/v1.ServicePort", r#"{"port":0,"targetPort":0}"#);
    }
}
