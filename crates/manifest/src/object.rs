//! One object and its places.

use std::sync::Arc;

use goyaml::{Document, Node, NodeId, NodeKind, Style};
use lockstep_core::{ApiVersion, Gvk, ObjectKey, Origin, PathElement, Value};

/// An object as it was written.
#[derive(Clone, Debug)]
pub struct Object {
    /// The object. `apiVersion`, `kind` and `metadata.name` are there, are text and are not empty.
    pub value: Value,
    /// Where it begins.
    pub origin: Origin,
    positions: Option<Positions>,
}

/// The tree behind an object, shared by all objects of its document: 28 bytes a node and the file's text.
#[derive(Clone, Debug)]
struct Positions {
    document: Arc<Document>,
    root: NodeId,
}

impl Object {
    pub(crate) fn new(value: Value, origin: Origin, document: &Arc<Document>, root: NodeId) -> Self {
        Self { value, origin, positions: Some(Positions { document: document.clone(), root }) }
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        let text = |key| self.value.str_at(&[key]).unwrap_or_default();
        let api = ApiVersion::parse(text("apiVersion"));
        let api = api.unwrap_or_else(|| ApiVersion { group: "".into(), version: "".into() });
        Gvk { api, kind: text("kind").into() }
    }

    /// The name of the object; the namespace is empty where none is written.
    pub fn key(&self) -> ObjectKey {
        let Gvk { api, kind } = self.gvk();
        let text = |key| self.value.str_at(&["metadata", key]).unwrap_or_default().into();
        ObjectKey { group: api.group, kind, namespace: text("namespace"), name: text("name") }
    }

    /// Where a field is written: its value where that is on one line, else its key. Of a field that is not written, where the
    /// nearest field above it is. Of an object whose positions were dropped, where the object is.
    pub fn origin_of(&self, path: &[PathElement]) -> Origin {
        self.origin_by(path, |step| step.place)
    }

    /// Where the name of a field is written; as [`Object::origin_of`] where the last element of the path is no field, or not there.
    pub fn origin_of_name(&self, path: &[PathElement]) -> Origin {
        self.origin_by(path, |step| step.name)
    }

    fn origin_by<'a>(&'a self, path: &[PathElement], choose: impl Fn(Step<'a>) -> Node<'a>) -> Origin {
        let Some(positions) = &self.positions else { return self.origin.clone() };
        let mut node = positions.document.node(positions.root);
        let mut last = None;
        for (index, element) in path.iter().enumerate() {
            let Some(step) = step(node, element) else { break };
            node = step.value;
            last = Some(if index + 1 == path.len() { choose(step) } else { step.place });
        }
        last.map_or_else(|| self.origin.clone(), |node| origin(&self.origin.file, node))
    }

    /// [`Object::origin_of`] for a chain of field names.
    pub fn origin_of_fields(&self, names: &[&str]) -> Origin {
        let path: Vec<PathElement> = names.iter().map(|name| PathElement::Field((*name).into())).collect();
        self.origin_of(&path)
    }

    /// Forgets the places, and lets go of the file's text and tree.
    pub fn drop_positions(&mut self) {
        self.positions = None;
    }
}

/// Where a node begins.
pub(crate) fn origin(file: &Arc<str>, node: Node<'_>) -> Origin {
    let position = node.position();
    Origin::new(file.clone(), position.line, position.column)
}

/// Of an entry, the node that shows the reader best where it is.
pub(crate) fn place_of<'a>(key: Node<'a>, value: Node<'a>) -> Node<'a> {
    let multiline = matches!(value.style(), Style::Block | Style::Literal | Style::Folded);
    let written = value.span().start < value.span().end;
    if multiline || !written { key } else { value }
}

/// The child that a path element names.
struct Step<'a> {
    /// What is called so; the child where it is an item.
    name: Node<'a>,
    /// What shows the reader best where it is.
    place: Node<'a>,
    value: Node<'a>,
}

impl<'a> Step<'a> {
    fn item(value: Node<'a>) -> Self {
        Self { name: value, place: value, value }
    }
}

fn step<'a>(node: Node<'a>, element: &PathElement) -> Option<Step<'a>> {
    let mut items = node.resolved().children();
    match element {
        PathElement::Field(name) => {
            let (key, value) = node.entry(name)?;
            Some(Step { name: key, place: place_of(key, value), value })
        }
        PathElement::Index(index) => node.item(*index).map(Step::item),
        PathElement::Key(fields) => {
            let is_it = |item: &Node<'_>| {
                fields.iter().all(|(name, wanted)| {
                    item.entry(name).is_some_and(|(_, value)| is_text_of(value.resolved(), wanted))
                })
            };
            items.find(is_it).map(Step::item)
        }
        PathElement::Item(wanted) => items.find(|item| is_text_of(item.resolved(), wanted)).map(Step::item),
    }
}

/// Whether a scalar is written as a value is printed: enough to find a port or a name.
fn is_text_of(node: Node<'_>, value: &Value) -> bool {
    let wanted = match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return false,
    };
    node.kind() == NodeKind::Scalar && node.text() == wanted
}
