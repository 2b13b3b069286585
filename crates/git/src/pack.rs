//! Packs on disk.

use std::fs;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::objects::Objects;
use crate::{Error, Limits, Result};

/// Packs of a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) packs: usize,
    /// Bytes of the packs, without their indices.
    pub(crate) bytes: u64,
}

/// Writes a pack and its index into `objects/pack`. Both appear whole or not at all. `known` holds the objects that a
/// thin pack refers to.
pub(crate) fn write(
    pack: &mut dyn BufRead,
    directory: &Path,
    known: Option<&Objects>,
    limits: &Limits,
    cancel: &AtomicBool,
) -> Result<()> {
    let options = gix_pack::bundle::write::Options {
        thread_limit: Some(2),
        alloc_limit_bytes: Some(limits.object),
        ..Default::default()
    };
    let outcome = gix_pack::Bundle::write_to_directory(
        pack,
        Some(directory),
        &mut gix::progress::Discard,
        cancel,
        known.map(Objects::handle),
        gix::hash::Kind::Sha1,
        options,
    );
    let outcome = outcome.map_err(|error| match cancel.load(Ordering::Relaxed) {
        true => Error::Cancelled,
        false => classify(error),
    })?;
    // The mark that keeps git from collecting the pack; nothing collects here.
    if let Some(keep) = outcome.keep_path {
        fs::remove_file(keep).map_err(Error::Disk)?;
    }
    Ok(())
}

/// Tells a disk that fails from a pack that is wrong.
fn classify(error: gix::Error) -> Error {
    let kinds = error.iter_errors().filter_map(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind);
    let disk = kinds.into_iter().find(|kind| {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        matches!(kind, StorageFull | QuotaExceeded | ReadOnlyFilesystem | PermissionDenied | FileTooLarge)
    });
    match disk {
        Some(kind) => Error::Disk(kind.into()),
        None => Error::corrupted(error),
    }
}

/// Counts the packs of `objects/pack`.
pub(crate) fn usage(directory: &Path) -> Result<Usage> {
    let mut usage = Usage::default();
    for file in fs::read_dir(directory).map_err(Error::Disk)? {
        let file = file.map_err(Error::Disk)?;
        if file.path().extension().is_some_and(|extension| extension == "pack") {
            usage.packs += 1;
            usage.bytes += file.metadata().map_err(Error::Disk)?.len();
        }
    }
    Ok(usage)
}

/// Removes what an interrupted fetch left: everything but complete pairs of pack and index.
pub(crate) fn clean(directory: &Path) -> Result<()> {
    for file in fs::read_dir(directory).map_err(Error::Disk)? {
        let path = file.map_err(Error::Disk)?.path();
        let partner = match path.extension().and_then(|extension| extension.to_str()) {
            Some("pack") => Some(path.with_extension("idx")),
            Some("idx") => Some(path.with_extension("pack")),
            _ => None,
        };
        if !partner.is_some_and(|partner| partner.exists()) {
            fs::remove_file(&path).map_err(Error::Disk)?;
        }
    }
    Ok(())
}
