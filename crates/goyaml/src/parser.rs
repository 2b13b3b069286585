//! From tokens to the tree of one document.

mod flow;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Fault};
use crate::limits::Limits;
use crate::node::{Document, NodeData, NodeId, NodeKind, Style};
use crate::scanner::Scanner;
use crate::source::{Source, Span};
use crate::token::{Text, Token, TokenKind};

/// One document, and what stands behind it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree; `None` where there is nothing but comments.
    pub document: Option<Document>,
    /// The place of text behind the end of the document. Go ignores such text without a word.
    pub ignored: Option<u32>,
}

/// Parses one of [`Source::documents`].
pub fn parse(source: &Arc<Source>, span: Span, limits: &Limits) -> Result<Parsed, Error> {
    let parsed = source.check(span).and_then(|()| Parser::new(source, span, limits).parse());
    parsed.map_err(|fault| source.error(fault))
}

/// How many tags and tag handles a document may have: they are looked for one by one.
const NAMES: usize = 1000;

/// The anchor and the tag of a node.
#[derive(Clone, Copy, Default)]
struct Properties {
    anchor: Option<Text>,
    tag: u16,
    any: bool,
}

/// Which nodes may stand at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Block,
    /// As a key or value of a block mapping, where a list need not be indented.
    MappingItem,
    Flow,
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    document: Document,
    anchors: HashMap<Box<str>, NodeId>,
    handles: Vec<(Box<str>, Box<str>)>,
    limits: &'a Limits,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(source: &'a Arc<Source>, span: Span, limits: &'a Limits) -> Self {
        let document = Document {
            source: source.clone(),
            nodes: Vec::with_capacity((span.end - span.start) as usize / 16 + 1),
            unescaped: String::new(),
            tags: Vec::new(),
            root: NodeId(0),
        };
        let scanner = Scanner::new(source.text(), span, limits);
        Self { scanner, document, anchors: HashMap::new(), handles: Vec::new(), limits, depth: 0 }
    }

    fn parse(mut self) -> Result<Parsed, Fault> {
        let token = self.scanner.peek()?;
        if token.kind == TokenKind::StreamEnd {
            return Ok(Parsed { document: None, ignored: None });
        }
        let implicit = self.take_document_start(token)?;
        let token = self.scanner.peek()?;
        self.document.root = match token.kind {
            _ if implicit => self.node(Context::Block)?,
            TokenKind::Version(..)
            | TokenKind::TagDirective(_)
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => self.empty(token.start, Properties::default())?,
            _ => self.node(Context::Block)?,
        };
        let ignored = self.find_ignored()?;
        self.document.unescaped = self.scanner.into_unescaped();
        self.document.nodes.shrink_to_fit();
        Ok(Parsed { document: Some(self.document), ignored })
    }

    /// Takes the directives and `---`, and tells whether both are absent.
    fn take_document_start(&mut self, mut token: Token) -> Result<bool, Fault> {
        let implicit = !matches!(
            token.kind,
            TokenKind::Version(..) | TokenKind::TagDirective(_) | TokenKind::DocumentStart
        );
        let mut versioned = false;
        loop {
            match token.kind {
                TokenKind::Version(..) if versioned => {
                    return Err(fault(token, "found duplicate %YAML directive"));
                }
                TokenKind::Version(1, 1) => versioned = true,
                TokenKind::Version(..) => return Err(fault(token, "found incompatible YAML document")),
                TokenKind::TagDirective(handle) => self.add_handle(token, handle)?,
                _ => break,
            }
            self.scanner.skip();
            token = self.scanner.peek()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if self.handles.iter().all(|(known, _)| &**known != handle) {
                self.handles.push((handle.into(), prefix.into()));
            }
        }
        match (implicit, token.kind) {
            (true, _) => Ok(true),
            (false, TokenKind::DocumentStart) => {
                self.scanner.skip();
                Ok(false)
            }
            (false, _) => Err(fault(token, "did not find expected <document start>")),
        }
    }

    fn add_handle(&mut self, token: Token, handle: u32) -> Result<(), Fault> {
        let (handle, prefix) = self.scanner.text(token.text).split_at(handle as usize);
        if self.handles.iter().any(|(known, _)| &**known == handle) {
            return Err(fault(token, "found duplicate %TAG directive"));
        }
        if self.handles.len() >= NAMES {
            return Err(Fault::new(
                ErrorKind::Limit,
                token.start as usize,
                "the document has too many %TAG directives",
            ));
        }
        self.handles.push((handle.into(), prefix.into()));
        Ok(())
    }

    /// Go reads one document and looks no further than the token behind it.
    fn find_ignored(&mut self) -> Result<Option<u32>, Fault> {
        let mut token = self.scanner.peek()?;
        while token.kind == TokenKind::DocumentEnd {
            self.scanner.skip();
            // Text that cannot even be scanned is ignored text too.
            match self.scanner.peek() {
                Ok(next) => token = next,
                Err(fault) => return Ok(u32::try_from(fault.offset).ok()),
            }
        }
        Ok((token.kind != TokenKind::StreamEnd).then_some(token.start))
    }

    fn push(&mut self, node: NodeData) -> Result<NodeId, Fault> {
        if self.document.nodes.len() >= self.limits.nodes {
            let message = format!("the document has more than {} nodes", self.limits.nodes);
            return Err(Fault::new(ErrorKind::Limit, node.span.start as usize, message));
        }
        Ok(self.document.push(node))
    }

    /// Makes a node and gives it its anchor, which its own descendants may refer to already.
    fn start(
        &mut self,
        kind: NodeKind,
        style: Style,
        properties: Properties,
        token: Token,
    ) -> Result<NodeId, Fault> {
        let node = NodeData::new(kind, style, properties.tag, Span { start: token.start, end: token.end });
        let node = if kind == NodeKind::Scalar { node.with_text(token.text) } else { node };
        let id = self.push(node)?;
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(self.scanner.text(anchor).into(), id);
        }
        Ok(id)
    }

    /// A scalar that is not written.
    fn empty(&mut self, at: u32, properties: Properties) -> Result<NodeId, Fault> {
        let token = Token { kind: TokenKind::Key, start: at, end: at, text: Text::default() };
        self.start(NodeKind::Scalar, Style::Plain, properties, token)
    }

    fn node(&mut self, context: Context) -> Result<NodeId, Fault> {
        let token = self.scanner.peek()?;
        match token.kind {
            // The bulk of all nodes has no properties.
            TokenKind::Scalar(style) => {
                self.scanner.skip();
                self.start(NodeKind::Scalar, style, Properties::default(), token)
            }
            TokenKind::Alias => self.alias(token),
            _ => self.node_with_properties(context),
        }
    }

    fn alias(&mut self, token: Token) -> Result<NodeId, Fault> {
        self.scanner.skip();
        let name = self.scanner.text(token.text);
        let Some(&target) = self.anchors.get(name) else {
            let message = format!("unknown anchor '{name}' referenced");
            return Err(Fault::new(ErrorKind::Syntax, token.start as usize, message));
        };
        let span = Span { start: token.start, end: token.end };
        self.push(NodeData::new(NodeKind::Alias, Style::Plain, 0, span).with_target(target))
    }

    fn node_with_properties(&mut self, context: Context) -> Result<NodeId, Fault> {
        let begin = self.scanner.peek()?;
        let properties = self.properties()?;
        let token = self.scanner.peek()?;
        let block = context != Context::Flow;
        match token.kind {
            TokenKind::BlockEntry if context == Context::MappingItem => {
                let id = self.start(NodeKind::Sequence, Style::Block, properties, token)?;
                self.nest(token, |parser| parser.indentless_sequence(id))
            }
            TokenKind::Scalar(style) => {
                self.scanner.skip();
                self.start(NodeKind::Scalar, style, properties, token)
            }
            TokenKind::FlowSequenceStart => {
                let id = self.start(NodeKind::Sequence, Style::Flow, properties, token)?;
                self.nest(token, |parser| parser.flow_sequence(id))
            }
            TokenKind::FlowMappingStart => {
                let id = self.start(NodeKind::Mapping, Style::Flow, properties, token)?;
                self.nest(token, |parser| parser.flow_mapping(id))
            }
            TokenKind::BlockSequenceStart if block => {
                let id = self.start(NodeKind::Sequence, Style::Block, properties, token)?;
                self.nest(token, |parser| parser.block_sequence(id))
            }
            TokenKind::BlockMappingStart if block => {
                let id = self.start(NodeKind::Mapping, Style::Block, properties, token)?;
                self.nest(token, |parser| parser.block_mapping(id))
            }
            _ if properties.any => self.empty(begin.start, properties),
            _ => Err(fault(token, "did not find expected node content")),
        }
    }

    fn nest(
        &mut self,
        at: Token,
        fill: impl FnOnce(&mut Self) -> Result<NodeId, Fault>,
    ) -> Result<NodeId, Fault> {
        if self.depth >= self.limits.depth {
            let message = format!("collections nest deeper than {} levels", self.limits.depth);
            return Err(Fault::new(ErrorKind::Limit, at.start as usize, message));
        }
        self.depth += 1;
        let id = fill(self)?;
        self.depth -= 1;
        Ok(id)
    }

    /// An anchor and a tag, in either order, each at most once.
    fn properties(&mut self) -> Result<Properties, Fault> {
        let mut properties = Properties::default();
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Anchor if properties.anchor.is_none() => properties.anchor = Some(token.text),
                TokenKind::Tag(handle) if properties.tag == 0 => properties.tag = self.tag(token, handle)?,
                _ => return Ok(properties),
            }
            properties.any = true;
            self.scanner.skip();
        }
    }

    fn tag(&mut self, token: Token, handle: u32) -> Result<u16, Fault> {
        let (handle, suffix) = self.scanner.text(token.text).split_at(handle as usize);
        let tag: Box<str> = match handle {
            "" => suffix.into(),
            _ => match self.handles.iter().find(|(known, _)| &**known == handle) {
                Some((_, prefix)) => format!("{prefix}{suffix}").into(),
                None => return Err(fault(token, "found undefined tag handle")),
            },
        };
        let tags = &mut self.document.tags;
        let index = tags.iter().position(|other| *other == tag).unwrap_or(tags.len());
        if index == tags.len() {
            tags.push(tag);
        }
        match u16::try_from(index + 1) {
            Ok(number) if index < NAMES => Ok(number),
            _ => Err(Fault::new(
                ErrorKind::Limit,
                token.start as usize,
                "the document has too many different tags",
            )),
        }
    }

    fn block_sequence(&mut self, id: NodeId) -> Result<NodeId, Fault> {
        self.scanner.skip();
        let mut last = None;
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::BlockEntry => {
                    self.scanner.skip();
                    let next = self.scanner.peek()?;
                    let child = match next.kind {
                        TokenKind::BlockEntry | TokenKind::BlockEnd => {
                            self.empty(token.end, Properties::default())?
                        }
                        _ => self.node(Context::Block)?,
                    };
                    self.add(id, &mut last, child);
                }
                TokenKind::BlockEnd => {
                    self.scanner.skip();
                    return Ok(id);
                }
                _ => return Err(fault(token, "did not find expected '-' indicator")),
            }
        }
    }

    fn indentless_sequence(&mut self, id: NodeId) -> Result<NodeId, Fault> {
        let mut last = None;
        loop {
            let token = self.scanner.peek()?;
            if token.kind != TokenKind::BlockEntry {
                return Ok(id);
            }
            self.scanner.skip();
            let next = self.scanner.peek()?;
            let child = match next.kind {
                TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                    self.empty(token.end, Properties::default())?
                }
                _ => self.node(Context::Block)?,
            };
            self.add(id, &mut last, child);
        }
    }

    /// Adds a child; block collections end where their last child does.
    fn add(&mut self, parent: NodeId, last: &mut Option<NodeId>, child: NodeId) {
        self.document.append(parent, *last, child);
        *last = Some(child);
        let end = self.document.node(child).span().end;
        self.document.set_end(parent, end);
    }

    fn block_mapping(&mut self, id: NodeId) -> Result<NodeId, Fault> {
        self.scanner.skip();
        let mut last = None;
        loop {
            let token = self.scanner.peek()?;
            match token.kind {
                TokenKind::Key => {
                    self.scanner.skip();
                    let key = self.mapping_item(token.end)?;
                    self.add(id, &mut last, key);
                    let next = self.scanner.peek()?;
                    let value = if next.kind == TokenKind::Value {
                        self.scanner.skip();
                        self.mapping_item(next.end)?
                    } else {
                        self.empty(next.start, Properties::default())?
                    };
                    self.add(id, &mut last, value);
                }
                TokenKind::BlockEnd => {
                    self.scanner.skip();
                    return Ok(id);
                }
                _ => return Err(fault(token, "did not find expected key")),
            }
        }
    }

    /// A key or a value of a block mapping, or nothing, behind its indicator.
    fn mapping_item(&mut self, behind: u32) -> Result<NodeId, Fault> {
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                self.empty(behind, Properties::default())
            }
            _ => self.node(Context::MappingItem),
        }
    }
}

fn fault(token: Token, message: &'static str) -> Fault {
    Fault::syntax(token.start as usize, message)
}
