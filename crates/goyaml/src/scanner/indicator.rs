//! The indicators that open, divide and close collections.

use super::{Scanner, SimpleKey};
use crate::error::{ErrorKind, Fault};
use crate::token::TokenKind;

impl Scanner<'_> {
    pub(super) fn open_flow(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.save_key()?;
        self.keys.push(SimpleKey::default());
        if self.keys.len() - 1 > self.depth {
            return Err(self.too_deep());
        }
        self.key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    pub(super) fn close_flow(&mut self, kind: TokenKind) -> Result<(), Fault> {
        self.drop_key(self.keys.len() - 1)?;
        if self.in_flow() {
            self.keys.pop();
        }
        self.key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    pub(super) fn fetch_flow_entry(&mut self) -> Result<(), Fault> {
        self.drop_key(self.keys.len() - 1)?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry, 1);
        Ok(())
    }

    fn too_deep(&self) -> Fault {
        let message = format!("collections nest deeper than {} levels", self.depth);
        Fault::new(ErrorKind::Limit, self.pos, message)
    }

    /// Opens a block collection at a column, if the column is deeper than the current one. Its token goes to a place in the
    /// queue.
    fn open_block(&mut self, column: i32, kind: TokenKind, place: usize, pos: usize) -> Result<(), Fault> {
        if self.in_flow() || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > self.depth {
            return Err(self.too_deep());
        }
        let mut token = self.token(kind, pos);
        token.end = token.start;
        self.queue.insert(place, token);
        Ok(())
    }

    /// Closes the block collections that are deeper than a column.
    pub(super) fn close_blocks(&mut self, column: i32) {
        if self.in_flow() {
            return;
        }
        while self.indent > column {
            self.queue.push_back(self.token(TokenKind::BlockEnd, self.pos));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    pub(super) fn fetch_block_entry(&mut self) -> Result<(), Fault> {
        if !self.in_flow() {
            if !self.key_allowed {
                return Err(self.fault("block sequence entries are not allowed in this context"));
            }
            let end = self.queue.len();
            self.open_block(self.column(), TokenKind::BlockSequenceStart, end, self.pos)?;
        }
        self.drop_key(self.keys.len() - 1)?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    pub(super) fn fetch_key(&mut self) -> Result<(), Fault> {
        if !self.in_flow() {
            if !self.key_allowed {
                return Err(self.fault("mapping keys are not allowed in this context"));
            }
            let end = self.queue.len();
            self.open_block(self.column(), TokenKind::BlockMappingStart, end, self.pos)?;
        }
        self.drop_key(self.keys.len() - 1)?;
        self.key_allowed = !self.in_flow();
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    pub(super) fn fetch_value(&mut self) -> Result<(), Fault> {
        let level = self.keys.len() - 1;
        if self.key_is_valid(level)? {
            let key = self.keys[level];
            self.keys[level].possible = false;
            let place = key.token - self.taken;
            let mut token = self.token(TokenKind::Key, key.pos);
            token.end = token.start;
            self.queue.insert(place, token);
            self.open_block(key.column, TokenKind::BlockMappingStart, place, key.pos)?;
            self.key_allowed = false;
        } else {
            if !self.in_flow() {
                if !self.key_allowed {
                    return Err(self.fault("mapping values are not allowed in this context"));
                }
                let end = self.queue.len();
                self.open_block(self.column(), TokenKind::BlockMappingStart, end, self.pos)?;
            }
            self.key_allowed = !self.in_flow();
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }
}
