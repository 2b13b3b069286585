//! Finding the node behind a key, where decoding would have found its value.

use crate::decode::{is_merge, key_text};
use crate::node::{Node, NodeKind};

/// How many merges within merges are followed.
const DEPTH: u32 = 100;

impl<'a> Node<'a> {
    /// This node, or what it stands for if it is an alias.
    pub fn resolved(self) -> Node<'a> {
        self.target().unwrap_or(self)
    }

    /// The key and the value of the entry that counts for a key: the last one, merged mappings included.
    pub fn entry(self, key: &str) -> Option<(Node<'a>, Node<'a>)> {
        find(self, key, DEPTH)
    }

    /// An item of a sequence.
    pub fn item(self, index: usize) -> Option<Node<'a>> {
        let node = self.resolved();
        (node.kind() == NodeKind::Sequence).then(|| node.children().nth(index))?
    }
}

fn find<'a>(node: Node<'a>, key: &str, depth: u32) -> Option<(Node<'a>, Node<'a>)> {
    let depth = depth.checked_sub(1)?;
    let entries: Vec<_> = node.resolved().entries().collect();
    entries.into_iter().rev().find_map(|(name, value)| match is_merge(name) {
        false => (key_text(name).as_deref() == Some(key)).then_some((name, value)),
        true if value.resolved().kind() == NodeKind::Mapping => find(value, key, depth),
        true => value.children().find_map(|merged| find(merged, key, depth)),
    })
}
