//! From the tree to a value, as go-yaml v2 decodes into `interface{}` and `sigs.k8s.io/yaml` then turns that into JSON.

use std::sync::Arc;

use gostd::strconv;
use lockstep_core::{Map, Value};

use crate::base64;
use crate::error::{Error, ErrorKind, Fault};
use crate::limits::Limits;
use crate::node::{Document, Node, NodeId, NodeKind, Style};
use crate::resolve::{PREFIX, Scalar, resolve};

/// What a document stands for.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The value, with numbers by the int64-else-float64 rule: there is no `Uint` in it.
    pub value: Value,
    /// Keys that are written twice in one mapping. The last one counts.
    pub duplicates: Vec<Duplicate>,
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
    Ok(Decoded { value, duplicates })
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

/// A scalar, or text that is not what is written.
enum Content {
    Resolved(Scalar),
    Binary(String),
}

struct Decoder<'a> {
    limits: &'a Limits,
    duplicates: Vec<Duplicate>,
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
        for (key, value) in mapping.entries() {
            if is_merge(key) {
                self.merge(value, filling)?;
                continue;
            }
            let text = self.key(key)?;
            let decoded = self.node(value)?;
            match text {
                Ok(text) => self.insert(mapping, key, text, decoded, filling),
                Err(taint) => filling.taints.push((None, taint)),
            }
        }
        Ok(())
    }

    fn insert(
        &mut self,
        mapping: Node<'_>,
        key: Node<'_>,
        text: Arc<str>,
        decoded: Tainted,
        filling: &mut Filling,
    ) {
        if !filling.taints.is_empty() {
            filling.taints.retain(|(tainted, _)| tainted.as_ref() != Some(&text));
        }
        if let Some(fault) = decoded.taint {
            filling.taints.push((Some(text.clone()), fault));
        }
        if filling.map.insert(text.clone(), decoded.value).is_some() {
            // It was written before in this mapping, or it came from a merge, which is not worth a word.
            let earlier =
                mapping.entries().map(|(other, _)| other).take_while(|other| other.id() != key.id());
            let earlier =
                earlier.filter(|other| !is_merge(*other) && key_text(*other).as_ref() == Some(&text));
            if let Some(first) = earlier.last() {
                self.duplicates.push(Duplicate { key: text, first: first.id(), second: key.id() });
            }
        }
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

/// Whether a key is `<<` without quotes, or with the merge tag.
pub(crate) fn is_merge(node: Node<'_>) -> bool {
    node.kind() == NodeKind::Scalar
        && node.text() == "<<"
        && match node.tag() {
            None => node.style() == Style::Plain,
            Some(tag) => tag == "!" || tag.strip_prefix(PREFIX) == Some("merge"),
        }
}

/// Whether a key is plainly text: the first letter tells for most.
fn is_common_key(node: Node<'_>) -> bool {
    node.style() != Style::Plain || matches!(resolve(node.text(), true), Scalar::Text | Scalar::Timestamp)
}

/// A mapping's key on its way to JSON.
struct Key {
    text: Option<Arc<str>>,
    kind: &'static str,
}

impl Key {
    fn read(content: Content, node: Node<'_>) -> Self {
        let (text, kind): (Option<Arc<str>>, _) = match content {
            Content::Binary(text) => (Some(text.into()), "string"),
            Content::Resolved(scalar) => match scalar {
                Scalar::Null => (None, "null"),
                Scalar::Bool(flag) => (Some(if flag { "true" } else { "false" }.into()), "bool"),
                Scalar::Int(number) => (Some(number.to_string().into()), "int"),
                Scalar::Uint(_) => (None, "uint64"),
                Scalar::Float(number) => (Some(float_key(number).into()), "float64"),
                Scalar::Timestamp | Scalar::Text => (Some(node.text().into()), "string"),
            },
        };
        Self { text, kind }
    }
}

/// sigs yaml prints float keys in single precision.
fn float_key(number: f64) -> String {
    match strconv::format_general_32(number).as_str() {
        "+Inf" => ".inf".into(),
        "-Inf" => "-.inf".into(),
        "NaN" => ".nan".into(),
        text => text.into(),
    }
}

/// What a scalar stands for, with its tag and its quotes considered.
fn scalar(node: Node<'_>) -> Result<Content, Fault> {
    let text = node.text();
    let resolved = |scalar| Ok(Content::Resolved(scalar));
    let Some(tag) = node.tag() else {
        return resolved(if node.style() == Style::Plain { resolve(text, true) } else { Scalar::Text });
    };
    match tag.strip_prefix(PREFIX) {
        Some("binary") => match base64::decode(text) {
            Some(bytes) => Ok(Content::Binary(go_string(&bytes))),
            None => Err(fault(ErrorKind::Value, node, "!!binary value contains invalid base64 data")),
        },
        Some(short @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
            let found = resolve(text, short == "timestamp");
            match (short, found) {
                #[allow(clippy::cast_precision_loss)] // !!float says so
                ("float", Scalar::Int(number)) => resolved(Scalar::Float(number as f64)),
                _ if found.tag() == short => resolved(found),
                _ => {
                    let message = format!("cannot decode !!{} as a !!{short}", found.tag());
                    Err(fault(ErrorKind::Value, node, message))
                }
            }
        }
        _ => resolved(Scalar::Text),
    }
}

/// A Go string on its way through `encoding/json`: every byte that is no UTF-8 becomes U+FFFD.
fn go_string(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    text
}

/// A float as it comes out of JSON again: an integer where `encoding/json` prints one that fits, else itself.
pub(crate) fn json_number(number: f64) -> Option<Value> {
    let text = strconv::format_json(number)?;
    Some(match text.bytes().any(|b| matches!(b, b'.' | b'e')) {
        true => Value::Float(number),
        false => strconv::parse_int(&text, 10).map_or(Value::Float(number), Value::Int),
    })
}

fn unsupported(node: Node<'_>, number: f64) -> Fault {
    fault(ErrorKind::Value, node, format!("json: unsupported value: {}", strconv::format_general(number)))
}

fn fault(kind: ErrorKind, node: Node<'_>, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Fault::new(kind, node.span().start as usize, message)
}
