//! From the tree to a value, as go-yaml v2 decodes into `interface{}` and `sigs.k8s.io/yaml` then turns that into JSON.

mod scalar;

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_core::{Map, Value};

use crate::error::{Error, ErrorKind, Fault};
use crate::limits::Limits;
use crate::node::{Document, Node, NodeId, NodeKind};
use crate::resolve::Scalar;
use scalar::{Content, Key, is_common_key, json_number, scalar, unsupported};

pub(crate) use scalar::is_merge;

/// What a document stands for.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The value, with numbers by the int64-else-float64 rule: there is no `Uint` in it.
    pub value: Value,
    /// Keys that are written twice in one mapping. The last one counts.
    pub duplicates: Vec<Duplicate>,
    /// Keys without quotes that are booleans to YAML 1.1 and are written otherwise than JSON writes them: `y` becomes `true`.
    pub booleans: Vec<NodeId>,
}

/// A key that is written twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The key as JSON has it.
    pub key: Arc<str>,
    /// The node of the key that counts no more.
    pub first: NodeId,
    /// The node of the key that replaced it.
    pub second: NodeId,
}

/// Decodes a whole document.
pub fn decode(document: &Document, limits: &Limits) -> Result<Decoded, Error> {
    let mut decoder = Decoder {
        limits,
        duplicates: Vec::new(),
        booleans: Vec::new(),
        open_aliases: Vec::new(),
        count: 1,
        alias_count: 0,
        depth: 0,
        last_keys: Vec::new(),
    };
    let result = decoder.node(document.root()).and_then(|decoded| match decoded.taint {
        None => Ok(decoded.value),
        Some(fault) => Err(*fault),
    });
    let value = result.map_err(|fault| document.source().error(fault))?;
    let mut duplicates = decoder.duplicates;
    duplicates.sort_by_key(|duplicate| (duplicate.second, duplicate.first));
    duplicates.dedup(); // an anchored mapping is decoded once for each alias
    let mut booleans = decoder.booleans;
    booleans.sort();
    booleans.dedup();
    Ok(Decoded { value, duplicates, booleans })
}

/// The text of a mapping's key as JSON has it; `None` where JSON cannot have it.
pub(crate) fn key_text(node: Node<'_>) -> Option<Arc<str>> {
    let node = node.target().unwrap_or(node);
    match node.kind() {
        NodeKind::Scalar => Key::read(scalar(node).ok()?, node).text,
        _ => None,
    }
}

/// A value, and what is wrong with it in the eyes of JSON. Go finds that out after duplicates were dropped, so it is an error only
/// where the value survives.
struct Tainted {
    value: Value,
    taint: Option<Box<Fault>>,
}

impl From<Value> for Tainted {
    fn from(value: Value) -> Self {
        Self { value, taint: None }
    }
}

struct Decoder<'a> {
    limits: &'a Limits,
    duplicates: Vec<Duplicate>,
    booleans: Vec<NodeId>,
    /// The aliases that are being followed.
    open_aliases: Vec<NodeId>,
    count: usize,
    alias_count: usize,
    depth: u32,
    /// Keys of the mappings before, to share their text: lists of objects repeat the same few keys.
    last_keys: Vec<Arc<str>>,
}

/// A mapping in the making.
#[derive(Default)]
struct Filling {
    map: Map,
    /// Keys whose value JSON cannot have, and keys that it cannot have (those cannot be replaced).
    taints: Vec<(Option<Arc<str>>, Box<Fault>)>,
}

impl Filling {
    /// Sets a key, and tells whether it was there before.
    fn insert(&mut self, key: Arc<str>, decoded: Tainted) -> bool {
        if !self.taints.is_empty() {
            self.taints.retain(|(tainted, _)| tainted.as_ref() != Some(&key));
        }
        if let Some(fault) = decoded.taint {
            self.taints.push((Some(key.clone()), fault));
        }
        self.map.insert(key, decoded.value).is_some()
    }
}

/// The keys of a mapping that stand before one of them. Built only where a key is replaced.
fn keys_before(mapping: Node<'_>, key: Node<'_>) -> HashMap<Arc<str>, NodeId> {
    let before = mapping.entries().map(|(other, _)| other).take_while(|other| other.id() != key.id());
    before
        .filter(|other| !is_merge(*other))
        .filter_map(|other| Some((key_text(other)?, other.id())))
        .collect()
}

impl Decoder<'_> {
    fn node(&mut self, node: Node<'_>) -> Result<Tainted, Fault> {
        self.step(node)?;
        match node.kind() {
            NodeKind::Scalar => self.scalar_value(node),
            NodeKind::Alias => self.through_alias(node, |decoder, target| decoder.node(target)),
            NodeKind::Sequence => self.nest(node, |decoder| decoder.sequence(node)),
            NodeKind::Mapping => self.nest(node, |decoder| {
                let mut filling = Filling::default();
                decoder.fill(node, &mut filling)?;
                let taint = filling.taints.into_iter().next().map(|(_, fault)| fault);
                Ok(Tainted { value: Value::map(filling.map), taint })
            }),
        }
    }

    /// Counts a node. The ratio of nodes behind aliases is bounded as in go-yaml, their number by our own limit.
    fn step(&mut self, node: Node<'_>) -> Result<(), Fault> {
        self.count += 1;
        if !self.open_aliases.is_empty() {
            self.alias_count += 1;
            if self.alias_count > 100 && self.count > 1000 && self.is_excessive() {
                return Err(fault(ErrorKind::Limit, node, "document contains excessive aliasing"));
            }
        }
        if self.count > self.limits.nodes {
            let message = format!("the document has more than {} nodes, aliases included", self.limits.nodes);
            return Err(fault(ErrorKind::Limit, node, message));
        }
        Ok(())
    }

    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    fn is_excessive(&self) -> bool {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        let count = self.count as f64;
        // 99 % of the nodes of small documents may come from aliases, 10 % of those of large ones.
        let allowed = 0.99 - 0.89 * ((count.clamp(LOW, HIGH) - LOW) / (HIGH - LOW));
        self.alias_count as f64 / count > allowed
    }

    fn nest<T>(
        &mut self,
        node: Node<'_>,
        inner: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth >= self.limits.depth {
            let message =
                format!("collections nest deeper than {} levels, aliases included", self.limits.depth);
            return Err(fault(ErrorKind::Limit, node, message));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn through_alias<'n, T>(
        &mut self,
        alias: Node<'n>,
        inner: impl FnOnce(&mut Self, Node<'n>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.open_aliases.contains(&alias.id()) {
            return Err(fault(ErrorKind::Value, alias, "an anchor's value contains itself"));
        }
        let Some(target) = alias.target() else {
            return Err(fault(ErrorKind::Value, alias, "an alias without an anchor"));
        };
        self.open_aliases.push(alias.id());
        let result = self.nest(alias, |decoder| inner(decoder, target));
        self.open_aliases.pop();
        result
    }

    fn scalar_value(&mut self, node: Node<'_>) -> Result<Tainted, Fault> {
        Ok(match scalar(node)? {
            Content::Binary(text) => Value::string(text).into(),
            Content::Resolved(Scalar::Null) => Value::Null.into(),
            Content::Resolved(Scalar::Bool(flag)) => Value::Bool(flag).into(),
            Content::Resolved(Scalar::Int(number)) => Value::Int(number).into(),
            #[allow(clippy::cast_precision_loss)] // int64 else float64
            Content::Resolved(Scalar::Uint(number)) => Value::Float(number as f64).into(),
            Content::Resolved(Scalar::Float(number)) => match json_number(number) {
                Some(value) => value.into(),
                None => Tainted { value: Value::Null, taint: Some(Box::new(unsupported(node, number))) },
            },
            Content::Resolved(Scalar::Timestamp | Scalar::Text) => Value::string(node.text()).into(),
        })
    }

    fn sequence(&mut self, node: Node<'_>) -> Result<Tainted, Fault> {
        let mut items = Vec::with_capacity(node.len());
        let mut taint = None;
        for child in node.children() {
            let item = self.node(child)?;
            items.push(item.value);
            taint = taint.or(item.taint);
        }
        Ok(Tainted { value: Value::list(items), taint })
    }

    /// Adds a mapping's entries to a map in the order in which they are written. A merge overrides what stands before it and is
    /// overridden by what follows.
    fn fill(&mut self, mapping: Node<'_>, filling: &mut Filling) -> Result<(), Fault> {
        let mut written = None;
        for (key, value) in mapping.entries() {
            if is_merge(key) {
                self.merge(value, filling)?;
                continue;
            }
            let text = self.key(key)?;
            let decoded = self.node(value)?;
            match text {
                Ok(text) if filling.insert(text.clone(), decoded) => {
                    // Another key of this mapping was replaced, or what a merge brought, which is not worth a word.
                    let written = written.get_or_insert_with(|| keys_before(mapping, key));
                    if let Some(first) = written.insert(text.clone(), key.id()) {
                        self.duplicates.push(Duplicate { key: text, first, second: key.id() });
                    }
                }
                Ok(text) => {
                    if let Some(written) = &mut written {
                        written.insert(text, key.id());
                    }
                }
                Err(taint) => filling.taints.push((None, taint)),
            }
        }
        Ok(())
    }

    /// The outer result is Go's decoder, the inner one its way to JSON.
    fn key(&mut self, node: Node<'_>) -> Result<Result<Arc<str>, Box<Fault>>, Fault> {
        self.step(node)?;
        match node.kind() {
            NodeKind::Alias => self.through_alias(node, |decoder, target| decoder.key(target)),
            NodeKind::Scalar if node.tag().is_none() && is_common_key(node) => {
                Ok(Ok(self.shared(node.text())))
            }
            NodeKind::Scalar => {
                let key = Key::read(scalar(node)?, node);
                let renamed = key.text.as_deref().is_some_and(|text| text != node.text());
                if key.kind == "bool" && node.tag().is_none() && renamed {
                    self.booleans.push(node.id());
                }
                Ok(key.text.ok_or_else(|| {
                    let message = format!("unsupported map key of type: {}", key.kind);
                    Box::new(fault(ErrorKind::Value, node, message))
                }))
            }
            NodeKind::Sequence | NodeKind::Mapping => {
                let kind = if node.kind() == NodeKind::Mapping { "mapping" } else { "list" };
                Err(fault(ErrorKind::Value, node, format!("invalid map key: a {kind}")))
            }
        }
    }

    /// The text of a key, shared with an equal key of a mapping before where there was one.
    fn shared(&mut self, text: &str) -> Arc<str> {
        const SLOTS: usize = 256;
        if self.last_keys.is_empty() {
            self.last_keys.resize_with(SLOTS, || Arc::from(""));
        }
        let hash = text.bytes().fold(text.len(), |hash, b| hash.wrapping_mul(31).wrapping_add(b.into()));
        let slot = &mut self.last_keys[(hash ^ hash >> 8) % SLOTS];
        if **slot != *text {
            *slot = Arc::from(text);
        }
        slot.clone()
    }

    fn merge(&mut self, value: Node<'_>, filling: &mut Filling) -> Result<(), Fault> {
        const WANTED: &str = "map merge requires map or sequence of maps as the value";
        let is_mapping = |node: Node<'_>| node.target().unwrap_or(node).kind() == NodeKind::Mapping;
        match value.kind() {
            NodeKind::Mapping | NodeKind::Alias if is_mapping(value) => self.merge_one(value, filling),
            NodeKind::Sequence => {
                // From the back, as earlier ones take precedence.
                let items: Vec<Node<'_>> = value.children().collect();
                items.into_iter().rev().try_for_each(|item| match is_mapping(item) {
                    true => self.merge_one(item, filling),
                    false => Err(fault(ErrorKind::Value, item, WANTED)),
                })
            }
            _ => Err(fault(ErrorKind::Value, value, WANTED)),
        }
    }

    fn merge_one(&mut self, node: Node<'_>, filling: &mut Filling) -> Result<(), Fault> {
        self.step(node)?;
        match node.kind() {
            NodeKind::Alias => self.through_alias(node, |decoder, target| decoder.merge_one(target, filling)),
            _ => self.nest(node, |decoder| decoder.fill(node, filling)),
        }
    }
}

fn fault(kind: ErrorKind, node: Node<'_>, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(kind, node.span().start as usize, message)
}
