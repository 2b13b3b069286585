//! The file `.git/index`, version 2: what git believes is in the work tree.
//!
//! Without it, `git commit --all` would commit the deletion of everything. Times and inode numbers are left zero: git then looks
//! at the files themselves.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::hash::{Kind, hasher};

use crate::{Error, Result};

/// A regular file that nobody may execute.
const MODE: u32 = 0o100_644;
/// Stat fields before the mode: times of change and modification, device, inode.
const BEFORE_MODE: usize = 24;

/// The index of these files: by path, with id and length.
pub(crate) fn encode(files: &BTreeMap<&str, (ObjectId, usize)>) -> Result<Vec<u8>> {
    let mut index = Vec::new();
    index.extend(b"DIRC");
    index.extend(2u32.to_be_bytes());
    index.extend(u32::try_from(files.len()).unwrap_or(u32::MAX).to_be_bytes());
    // Sorted by the bytes of the path, as the format wants it.
    for (path, (id, length)) in files {
        let start = index.len();
        index.extend([0; BEFORE_MODE]);
        index.extend(MODE.to_be_bytes());
        index.extend([0; 8]); // user and group
        index.extend(u32::try_from(*length).unwrap_or(u32::MAX).to_be_bytes());
        index.extend(id.as_bytes());
        // A longer name than the field can say is found by its end.
        index.extend(u16::try_from(path.len()).unwrap_or(u16::MAX).min(0xFFF).to_be_bytes());
        index.extend(path.as_bytes());
        // One to eight zeros end the name at a multiple of eight.
        let padding = 8 - (index.len() - start) % 8;
        index.extend(std::iter::repeat_n(0, padding));
    }
    let mut checksum = hasher(Kind::Sha1);
    checksum.update(&index);
    let checksum = checksum.try_finalize().map_err(Error::unavailable)?;
    index.extend(checksum.as_bytes());
    Ok(index)
}
