//! A cluster in the background.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use devcluster::StateDir;

/// Starts this program again, as a cluster that outlives its parent and its terminal.
pub(super) fn spawn(dir: &StateDir, flags: &[OsString]) -> anyhow::Result<Child> {
    let log = dir.log();
    let open = || -> std::io::Result<(File, File)> {
        // As all that a cluster keeps: only for its owner, also where it was left to all before.
        let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&log)?;
        out.set_permissions(Permissions::from_mode(0o600))?;
        Ok((out.try_clone()?, out))
    };
    let (out, err) = open().with_context(|| format!("cannot write {}", log.display()))?;
    let program = std::env::current_exe().context("cannot find this program")?;
    #[allow(clippy::disallowed_methods)]
    // it runs nothing but itself: a process cannot go on in the background otherwise
    let mut command = Command::new(program);
    command.args(["cluster", "start", "--dir"]).arg(dir.path()).args(flags);
    command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    command.spawn().context("cannot start a process")
}
