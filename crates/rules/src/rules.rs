//! All rules of a schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::{Map, Value};
use schema::{At, Correlated, FieldError, Structural};

use crate::cost::BUDGET;
use crate::field_name::{can_escape, escape};
use crate::rule::{OUT_OF_BUDGET, Rule, Site, Uncompiled};
use crate::types::Type;

/// The rules of a structural schema, at any depth, compiled once.
#[derive(Clone, Debug)]
pub struct Rules {
    node: Option<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    schema: Value,
    /// With the fields of every object, for the roots of objects.
    full: Value,
    rules: Vec<Result<Rule, String>>,
    items: Option<Box<Node>>,
    properties: BTreeMap<Arc<str>, Node>,
    additional: Option<Box<Node>>,
}

/// The name of the type of the value of a rule; the server makes one up for each.
const SELF: &str = "selfType";

impl Rules {
    /// Compiles the rules of the schema of a whole object. One that does not compile is an error of every object: the server
    /// refuses such a definition before, see [`crate::definition_errors`].
    pub fn new(schema: &Value) -> Self {
        Self { node: Node::new(schema, true, Type::declared(schema, true, SELF).as_ref()) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.node.is_none()
    }

    /// What is wrong with a new object, or with the new state of an old one. Rules that compare with the old state are only
    /// checked on an update; of others a mistake in a part that is as it was is let through. The rules of one call have a budget
    /// of 10,000,000 units of cost, each 1,000,000.
    pub fn validate(&self, new: &Value, old: Option<&Value>, at: &At) -> Vec<FieldError> {
        let Some(node) = &self.node else { return Vec::new() };
        let correlated = old.map(|old| Correlated::new(Structural(&node.schema), new, old));
        let ratchet = Ratchet { current: correlated, nearest: None, root: true };
        let mut run = Run { errors: Vec::new(), budget: BUDGET };
        run.visit(node, Part { new, old, ratchet }, at);
        run.errors
    }
}

impl Node {
    /// `None` where there are no rules at or below.
    fn new(schema: &Value, root: bool, of: Option<&Type>) -> Option<Self> {
        let own = schema.get("x-kubernetes-validations").and_then(Value::as_list).unwrap_or_default();
        let rules: Vec<_> = own.iter().filter_map(|rule| compiled(rule, of, schema).transpose()).collect();
        let inner = |schema: &Value, of: Option<&Type>| Self::new(schema, embedded(schema), of);
        let (item, fields) = match of {
            Some(Type::List(item) | Type::Map(_, item)) => (Some(&**item), None),
            Some(Type::Object(object)) => (None, Some(&object.fields)),
            _ => (None, None),
        };
        let mut properties = BTreeMap::new();
        for (name, schema) in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
            // Fields whose type expressions do not see have no rules; those whose name they cannot say do.
            let node = match can_escape(name) {
                true => {
                    fields.and_then(|fields| fields.get(&escape(name))).and_then(|of| inner(schema, Some(of)))
                }
                false => inner(schema, Type::declared(schema, embedded(schema), SELF).as_ref()),
            };
            properties.extend(node.map(|node| (name.clone(), node)));
        }
        let items = schema.get("items").and_then(|schema| inner(schema, item)).map(Box::new);
        let additional = schema.get("additionalProperties").filter(|schema| schema.as_map().is_some());
        let additional = additional.and_then(|schema| inner(schema, item)).map(Box::new);
        let empty = rules.is_empty() && properties.is_empty() && items.is_none() && additional.is_none();
        let full = if root { with_object_fields(schema) } else { schema.clone() };
        (!empty).then(|| Self { schema: schema.clone(), full, rules, items, properties, additional })
    }
}

pub(crate) fn embedded(schema: &Value) -> bool {
    schema.get("x-kubernetes-embedded-resource").and_then(Value::as_bool) == Some(true)
}

/// The fields that expressions see of every object, whatever its schema says.
fn with_object_fields(schema: &Value) -> Value {
    let text = || Value::map(Map::from([("type".into(), "string".into())]));
    let mut full = schema.clone();
    full.set(&["properties", "apiVersion"], text());
    full.set(&["properties", "kind"], text());
    full.set(&["properties", "metadata", "type"], "object".into());
    full.set(&["properties", "metadata", "properties", "name"], text());
    full.set(&["properties", "metadata", "properties", "generateName"], text());
    full
}

fn compiled(rule: &Value, of: Option<&Type>, schema: &Value) -> Result<Option<Rule>, String> {
    let of = of.ok_or("failed to convert to declType for CEL validation rules")?;
    Rule::new(rule, of, schema).map_err(|errors| {
        errors
            .into_iter()
            .map(|(Uncompiled::Rule(text) | Uncompiled::Message(text))| text)
            .collect::<Vec<_>>()
            .join("; ")
    })
}

#[derive(Clone, Copy)]
struct Ratchet<'a> {
    current: Option<Correlated<'a>>,
    nearest: Option<Correlated<'a>>,
    root: bool,
}

impl<'a> Ratchet<'a> {
    fn unchanged(self) -> bool {
        self.current.or(self.nearest).is_some_and(Correlated::is_equal)
    }

    fn step(self, next: impl Fn(Correlated<'a>) -> Option<Correlated<'a>>) -> Self {
        match self.current {
            None => Self { root: false, ..self },
            Some(current) => Self { current: next(current), nearest: Some(current), root: false },
        }
    }

    fn key(self, name: &str) -> Self {
        if self.root && matches!(name, "apiVersion" | "kind") {
            return Self { current: None, nearest: None, root: false };
        }
        self.step(|current| current.key(name))
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    new: &'a Value,
    old: Option<&'a Value>,
    ratchet: Ratchet<'a>,
}

struct Run {
    errors: Vec<FieldError>,
    budget: i64,
}

impl Run {
    fn visit(&mut self, node: &Node, part: Part<'_>, at: &At) {
        if matches!(part.new, Value::Null) || self.budget < 0 {
            return;
        }
        self.rules(node, part, at);
        match part.new {
            Value::Map(entries) => self.entries(node, entries, part, at),
            Value::List(items) => {
                let Some(inner) = &node.items else { return };
                for (index, new) in items.iter().enumerate() {
                    let old = part.old.and_then(|old| {
                        Correlated::new(Structural(&node.schema), part.new, old).old_item(new)
                    });
                    let ratchet = part.ratchet.step(|current| current.index(index));
                    self.visit(inner, Part { new, old, ratchet }, &at.index(index));
                }
            }
            _ => {}
        }
    }

    fn entries(&mut self, node: &Node, entries: &Map, part: Part<'_>, at: &At) {
        for (name, new) in entries {
            let inner =
                Part { new, old: part.old.and_then(|old| old.get(name)), ratchet: part.ratchet.key(name) };
            if let Some(additional) = &node.additional {
                self.visit(additional, inner, &at.key(name));
            }
            if let Some(property) = node.properties.get(name) {
                self.visit(property, inner, &at.field(name));
            }
        }
    }

    fn rules(&mut self, node: &Node, part: Part<'_>, at: &At) {
        let site = Site {
            schema: &node.schema,
            full: &node.full,
            value: part.new,
            old: part.old.filter(|old| !matches!(old, Value::Null)),
            unchanged: part.ratchet.unchanged(),
            at,
        };
        if !node.rules.is_empty() && self.budget == 0 {
            self.errors.push(site.error(None, OUT_OF_BUDGET.into()));
            self.budget = -1;
            return;
        }
        for rule in &node.rules {
            match rule {
                Err(text) => self.errors.push(site.error(None, format!("rule compile error: {text}"))),
                Ok(rule) => {
                    let (errors, left) = rule.apply(&site, self.budget);
                    self.errors.extend(errors);
                    self.budget = left;
                    if left < 0 {
                        return;
                    }
                }
            }
        }
    }
}
