//! The tree of one document.

use std::sync::Arc;

use crate::source::{Position, Source, Span};
use crate::token::Text;

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// A collection by indentation.
    Block,
    /// `[…]` or `{…}`
    Flow,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A leaf.
    Scalar,
    /// A list.
    Sequence,
    /// Keys and values; the children alternate.
    Mapping,
    /// A reference to another node.
    Alias,
}

/// Names a node of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

const NONE: u32 = u32::MAX;

/// One node: 28 bytes, since a large file has millions of them.
#[derive(Clone, Debug)]
pub(crate) struct NodeData {
    pub(crate) kind: NodeKind,
    pub(crate) style: Style,
    unescaped: bool,
    /// An index into the document's tags plus one; 0 for none.
    pub(crate) tag: u16,
    pub(crate) span: Span,
    /// A scalar's text; a collection's first child; an alias's target.
    first: u32,
    /// A scalar's length; a collection's number of children.
    count: u32,
    next: u32,
}

impl NodeData {
    pub(crate) fn new(kind: NodeKind, style: Style, tag: u16, span: Span) -> Self {
        Self { kind, style, unescaped: false, tag, span, first: NONE, count: 0, next: NONE }
    }

    pub(crate) fn with_text(mut self, text: Text) -> Self {
        (self.first, self.count, self.unescaped) = (text.start, text.len, text.unescaped);
        self
    }

    pub(crate) fn with_target(mut self, target: NodeId) -> Self {
        self.first = target.0;
        self
    }
}

/// The nodes of one document and the text they point into.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) source: Arc<Source>,
    pub(crate) nodes: Vec<NodeData>,
    /// The text of scalars that differ from what is written.
    pub(crate) unescaped: String,
    pub(crate) tags: Vec<Box<str>>,
    pub(crate) root: NodeId,
}

impl Document {
    /// The node at the top.
    pub fn root(&self) -> Node<'_> {
        self.node(self.root)
    }

    /// A node of this document by its id.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node { document: self, id }
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// How many nodes there are; aliases count once.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the document has only its root, with nothing written.
    pub fn is_empty(&self) -> bool {
        let root = self.root();
        self.nodes.len() == 1
            && root.kind() == NodeKind::Scalar
            && root.tag().is_none()
            && root.span().start == root.span().end
    }

    pub(crate) fn push(&mut self, node: NodeData) -> NodeId {
        #[allow(clippy::cast_possible_truncation)]
        // a node takes at least a byte of a file below 4 GiB, save one a token
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    /// Adds a child behind `last`, the parent's last child so far.
    pub(crate) fn append(&mut self, parent: NodeId, last: Option<NodeId>, child: NodeId) {
        match last {
            Some(last) => self.nodes[last.0 as usize].next = child.0,
            None => self.nodes[parent.0 as usize].first = child.0,
        }
        self.nodes[parent.0 as usize].count += 1;
    }

    pub(crate) fn set_end(&mut self, id: NodeId, end: u32) {
        self.nodes[id.0 as usize].span.end = end;
    }
}

/// A node of a [`Document`], cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    document: &'a Document,
    id: NodeId,
}

impl<'a> Node<'a> {
    fn data(self) -> &'a NodeData {
        &self.document.nodes[self.id.0 as usize]
    }

    /// The name of this node.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// What it is.
    pub fn kind(self) -> NodeKind {
        self.data().kind
    }

    /// How it is written.
    pub fn style(self) -> Style {
        self.data().style
    }

    /// Its tag with the handle resolved, for example `tag:yaml.org,2002:str` or `!x`.
    pub fn tag(self) -> Option<&'a str> {
        let tag = usize::from(self.data().tag).checked_sub(1)?;
        self.document.tags.get(tag).map(AsRef::as_ref)
    }

    /// Where it is written, quotes and brackets included, without its anchor and tag.
    pub fn span(self) -> Span {
        self.data().span
    }

    /// Where it begins, for people.
    pub fn position(self) -> Position {
        self.document.source.position(self.data().span.start)
    }

    /// The text of a scalar after escapes and folding; empty for other nodes.
    pub fn text(self) -> &'a str {
        let data = self.data();
        if data.kind != NodeKind::Scalar || data.count == 0 {
            return "";
        }
        let range = data.first as usize..(data.first + data.count) as usize;
        match data.unescaped {
            true => &self.document.unescaped[range],
            false => &self.document.source.text()[range],
        }
    }

    /// The node that an alias stands for.
    pub fn target(self) -> Option<Node<'a>> {
        let data = self.data();
        (data.kind == NodeKind::Alias).then(|| self.document.node(NodeId(data.first)))
    }

    /// The items of a sequence, or the keys and values of a mapping in turn.
    pub fn children(self) -> Children<'a> {
        let data = self.data();
        let has = matches!(data.kind, NodeKind::Sequence | NodeKind::Mapping);
        Children { document: self.document, next: if has { data.first } else { NONE } }
    }

    /// The number of [`Node::children`].
    pub fn len(self) -> usize {
        match self.kind() {
            NodeKind::Sequence | NodeKind::Mapping => self.data().count as usize,
            _ => 0,
        }
    }

    /// Whether it has no children.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The keys and values of a mapping.
    pub fn entries(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        let mut children = match self.kind() {
            NodeKind::Mapping => self.children(),
            _ => Children { document: self.document, next: NONE },
        };
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }
}

/// The children of a node, in order.
#[derive(Clone, Debug)]
pub struct Children<'a> {
    document: &'a Document,
    next: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let id = NodeId(self.next);
        self.next = self.document.nodes.get(self.next as usize)?.next;
        Some(self.document.node(id))
    }
}
