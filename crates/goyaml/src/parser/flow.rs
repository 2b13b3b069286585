//! Flow collections: `[…]` and `{…}`.

use super::{Context, Parser, Properties, fault};
use crate::error::Fault;
use crate::node::{NodeId, NodeKind, Style};
use crate::token::TokenKind;

impl Parser<'_> {
    pub(super) fn flow_sequence(&mut self, id: NodeId) -> Result<NodeId, Fault> {
        self.scanner.skip();
        let mut last = None;
        loop {
            let mut token = self.scanner.peek()?;
            if token.kind != TokenKind::FlowSequenceEnd && last.is_some() {
                if token.kind != TokenKind::FlowEntry {
                    return Err(fault(token, "did not find expected ',' or ']'"));
                }
                self.scanner.skip();
                token = self.scanner.peek()?;
            }
            let child = match token.kind {
                TokenKind::FlowSequenceEnd => {
                    self.scanner.skip();
                    self.document.set_end(id, token.end);
                    return Ok(id);
                }
                TokenKind::Key => {
                    let pair = self.start(NodeKind::Mapping, Style::Flow, Properties::default(), token)?;
                    self.nest(token, |parser| parser.single_pair(pair))?
                }
                _ => self.node(Context::Flow)?,
            };
            self.add(id, &mut last, child);
        }
    }

    /// `key: value` as an item of a flow sequence.
    fn single_pair(&mut self, id: NodeId) -> Result<NodeId, Fault> {
        self.scanner.skip();
        let mut last = None;
        let token = self.scanner.peek()?;
        let key = match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // go-yaml drops this token, so that `[? : x]` is an error; so does this parser.
                self.scanner.skip();
                self.empty(token.end, Properties::default())?
            }
            _ => self.node(Context::Flow)?,
        };
        self.add(id, &mut last, key);
        let value = self.flow_value(TokenKind::FlowSequenceEnd)?;
        self.add(id, &mut last, value);
        Ok(id)
    }

    /// The value behind a key of a flow collection, or nothing.
    fn flow_value(&mut self, end: TokenKind) -> Result<NodeId, Fault> {
        let mut token = self.scanner.peek()?;
        if token.kind == TokenKind::Value {
            self.scanner.skip();
            token = self.scanner.peek()?;
            if token.kind != TokenKind::FlowEntry && token.kind != end {
                return self.node(Context::Flow);
            }
        }
        self.empty(token.start, Properties::default())
    }

    pub(super) fn flow_mapping(&mut self, id: NodeId) -> Result<NodeId, Fault> {
        self.scanner.skip();
        let mut last = None;
        loop {
            let mut token = self.scanner.peek()?;
            if token.kind != TokenKind::FlowMappingEnd && last.is_some() {
                if token.kind != TokenKind::FlowEntry {
                    return Err(fault(token, "did not find expected ',' or '}'"));
                }
                self.scanner.skip();
                token = self.scanner.peek()?;
            }
            let (key, value) = match token.kind {
                TokenKind::FlowMappingEnd => {
                    self.scanner.skip();
                    self.document.set_end(id, token.end);
                    return Ok(id);
                }
                TokenKind::Key => {
                    self.scanner.skip();
                    (self.flow_key()?, self.flow_value(TokenKind::FlowMappingEnd)?)
                }
                _ => {
                    let key = self.node(Context::Flow)?;
                    let next = self.scanner.peek()?;
                    (key, self.empty(next.start, Properties::default())?)
                }
            };
            self.add(id, &mut last, key);
            self.add(id, &mut last, value);
        }
    }

    fn flow_key(&mut self) -> Result<NodeId, Fault> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                self.empty(token.start, Properties::default())
            }
            _ => self.node(Context::Flow),
        }
    }
}
