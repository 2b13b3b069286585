//! Commits, for people and for programs.

use lockstep_core::{Commit, CommitId, Value};

use crate::output::{mapping, text};

/// `a1b2c3d4 Say hello (Ada <ada@example.com>, 2026-11-24T06:50:00Z)`
pub(crate) fn told(id: &CommitId, commit: Option<&Commit>) -> String {
    match commit {
        Some(commit) => format!("{} {} ({}, {})", id.short(), commit.subject, commit.author, commit.time),
        None => id.short().to_owned(),
    }
}

/// For programs: what is known of a commit.
pub(crate) fn machine(id: &CommitId, commit: Option<&Commit>) -> Value {
    mapping([
        ("id", text(id)),
        ("author", commit.and_then(|commit| text(&commit.author))),
        ("subject", commit.and_then(|commit| text(&commit.subject))),
        ("time", commit.and_then(|commit| text(commit.time))),
    ])
}
