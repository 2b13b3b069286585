//! A spare of a repository on this machine: the trees of the commits that its revisions led to last, for when it is away.
//!
//! It comes as packs, like what a server sends: each holds what was missing, whole or not at all.

use std::collections::HashSet;
use std::io::{self, Read, Write as _};

use gix::ObjectId;
use gix::objs::Kind as ObjectKind;
use gix::zlib::Compression;
use gix::zlib::stream::deflate;

use crate::objects::Objects;
use crate::tree::Kind;
use crate::{Error, Result};

/// The objects of some commits, without their parents, that a spare does not have. What it has of a tree it has whole.
pub(crate) fn missing(
    from: &Objects,
    spare: &Objects,
    tips: &[ObjectId],
    limit: u64,
) -> Result<Vec<ObjectId>> {
    let mut walk = Walk { from, spare, seen: HashSet::new(), ids: Vec::new(), bytes: 0, limit };
    for tip in tips {
        // Revisions that nobody asks for any more may have been collected.
        let Some(node) = from.commit(*tip) else { continue };
        walk.tree(node.tree)?;
        if walk.is_new(*tip) {
            walk.ids.push(*tip);
        }
    }
    Ok(walk.ids)
}

struct Walk<'a> {
    from: &'a Objects,
    spare: &'a Objects,
    seen: HashSet<ObjectId>,
    ids: Vec<ObjectId>,
    bytes: u64,
    limit: u64,
}

impl Walk<'_> {
    fn is_new(&mut self, id: ObjectId) -> bool {
        self.seen.insert(id) && !self.spare.contains(id)
    }

    fn tree(&mut self, root: ObjectId) -> Result<()> {
        let mut left = vec![root];
        while let Some(id) = left.pop() {
            if !self.is_new(id) {
                continue;
            }
            for entry in &self.from.tree(id)?.entries {
                match entry.kind {
                    Kind::Directory => left.push(entry.id),
                    Kind::File | Kind::Executable | Kind::Symlink => self.blob(entry.id)?,
                    Kind::Submodule => {}
                }
            }
            if id != ObjectId::empty_tree(gix::hash::Kind::Sha1) {
                self.ids.push(id);
            }
        }
        Ok(())
    }

    fn blob(&mut self, id: ObjectId) -> Result<()> {
        if self.is_new(id) {
            self.bytes += self.from.blob_size(id)?;
            if self.bytes > self.limit {
                return Err(Error::TooLarge { limit: self.limit });
            }
            self.ids.push(id);
        }
        Ok(())
    }
}

/// A pack of some objects, made while it is read. The format is git's (gitformat-pack), version 2, without deltas.
pub(crate) struct PackOf<'a> {
    from: &'a Objects,
    ids: std::vec::IntoIter<ObjectId>,
    /// What comes next, and how much of it was read.
    bytes: Vec<u8>,
    at: usize,
    /// `None` once the trailer was made.
    hasher: Option<gix::hash::Hasher>,
}

impl<'a> PackOf<'a> {
    pub(crate) fn new(from: &'a Objects, ids: Vec<ObjectId>) -> Result<Self> {
        let count = u32::try_from(ids.len()).map_err(|_| Error::TooLarge { limit: u64::from(u32::MAX) })?;
        let bytes = [&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat();
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(&bytes);
        Ok(Self { from, ids: ids.into_iter(), bytes, at: 0, hasher: Some(hasher) })
    }

    /// The next object, or the trailer. Nothing comes after the trailer.
    fn refill(&mut self) -> io::Result<()> {
        self.at = 0;
        self.bytes.clear();
        match (self.ids.next(), self.hasher.take()) {
            (Some(id), Some(mut hasher)) => {
                self.bytes = entry(self.from, id)?;
                hasher.update(&self.bytes);
                self.hasher = Some(hasher);
            }
            (_, Some(hasher)) => {
                let trailer = hasher.try_finalize().map_err(io::Error::other)?;
                self.bytes.extend_from_slice(trailer.as_slice());
            }
            (_, None) => {}
        }
        Ok(())
    }
}

impl Read for PackOf<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            self.refill()?;
        }
        let some = (&self.bytes[self.at..]).read(out)?;
        self.at += some;
        Ok(some)
    }
}

fn entry(from: &Objects, id: ObjectId) -> io::Result<Vec<u8>> {
    let (kind, data) = from.find(id).map_err(io::Error::other)?;
    let mut compressed = deflate::Write::new(head(kind, data.len()), Compression::BEST_SPEED);
    compressed.write_all(&data)?;
    compressed.flush()?;
    Ok(compressed.into_inner())
}

/// Kind and size: four bits of the size in the first byte, seven in each that follows, the lowest first.
fn head(kind: ObjectKind, size: usize) -> Vec<u8> {
    let number = match kind {
        ObjectKind::Commit => 1,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    };
    let low = |bits: usize| (size & ((1 << bits) - 1)) as u8;
    let (mut byte, mut rest) = (number << 4 | low(4), size >> 4);
    let mut head = Vec::new();
    while rest > 0 {
        head.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    head.push(byte);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_those_of_git() {
        for (kind, size, expected) in [
            (ObjectKind::Blob, 0, &[0x30][..]),
            (ObjectKind::Blob, 15, &[0x3f]),
            (ObjectKind::Commit, 16, &[0x90, 0x01]),
            (ObjectKind::Tree, 0x7ff, &[0xaf, 0x7f]),
            (ObjectKind::Tag, 0x800, &[0xc0, 0x80, 0x01]),
        ] {
            assert_eq!(head(kind, size), expected, "{kind} {size}");
        }
    }
}
