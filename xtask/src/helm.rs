//! The real Helm, which the suite runs against both clusters: installed once a machine, kept outside the clone.
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

const VERSION: &str = "v4.3.1";

/// The program, installed first where there is none; `None` where there is no Go toolchain to do it with.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn ensure_installed() -> Result<Option<PathBuf>> {
    let dir = Workspace::cache()?.join(format!("helm-{VERSION}"));
    let binary = dir.join("helm");
    if binary.is_file() {
        return Ok(Some(binary));
    }
    if Command::new("go").arg("version").output().is_err() {
        return Ok(None);
    }
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    // Two runs at once would each spend minutes on the same build: the second waits and finds it done.
    let lock = File::create(dir.join("lock")).context("lock of the cache")?;
    lock.lock().context("lock of the cache")?;
    if !binary.is_file() {
        eprintln!("helm: installing it once for this machine; this takes minutes");
        let status = Command::new("go")
            .args(["install", &format!("helm.sh/helm/v4/cmd/helm@{VERSION}")])
            .current_dir(&dir)
            .env("GOBIN", &dir)
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "")
            .status()
            .context("go install")?;
        ensure!(status.success(), "go install of Helm failed: {status}");
    }
    Ok(Some(binary))
}
