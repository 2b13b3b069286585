//! The kubeone binary: built from `tests/kubeone` once a machine, kept outside the clone.
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::KubeoneError;
use crate::workspace::Workspace;

const SOURCES: [&str; 3] = ["main.go", "go.mod", "go.sum"];
const VERSION: (&str, &str, &str) = ("v1.37.2", "1", "37");

/// The cached binary, built first where there is none.
pub(super) fn ensure_built(workspace: &Workspace) -> Result<PathBuf, KubeoneError> {
    let source = workspace.path("tests/kubeone");
    let cache = Workspace::cache()?;
    let binary = cache.join(format!("kubeone-{}", digest(&source)?));
    if binary.is_file() {
        return Ok(binary);
    }
    // Two runs at once would each spend minutes on the same build: the second waits and finds it done.
    let lock = File::create(cache.join("kubeone.lock")).context("lock of the cache")?;
    lock.lock().context("lock of the cache")?;
    if !binary.is_file() {
        build(&source, &binary)?;
    }
    Ok(binary)
}

/// The first 16 hex digits of the SHA-256 of all that the build reads.
fn digest(source: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for name in SOURCES {
        let bytes = fs::read(source.join(name)).with_context(|| format!("tests/kubeone/{name}"))?;
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn build(source: &Path, binary: &Path) -> Result<(), KubeoneError> {
    if Command::new("go").arg("version").output().is_err() {
        return Err(KubeoneError::NoGo);
    }
    eprintln!("kubeone: building the control plane once for this machine; this takes minutes");
    let (version, major, minor) = VERSION;
    let package = "k8s.io/component-base/version";
    let flags = format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
         -X k8s.io/client-go/pkg/version.gitVersion={version}"
    );
    let unfinished = binary.with_extension("unfinished");
    let status = Command::new("go")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags", &flags, "-o"])
        .args([unfinished.as_path(), Path::new(".")])
        .current_dir(source)
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .status()
        .context("go build")?;
    (|| {
        ensure!(status.success(), "go build of tests/kubeone failed: {status}");
        fs::rename(&unfinished, binary).context("rename of the binary")
    })()
    .map_err(KubeoneError::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_changes_with_every_source() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("write");
        SOURCES.iter().for_each(|name| write(name, "a"));
        let mut seen = vec![digest(dir.path()).expect("digest")];
        for name in SOURCES {
            write(name, "b");
            let key = digest(dir.path()).expect("digest");
            assert!(!seen.contains(&key), "{name} does not count");
            seen.push(key);
        }
    }
}
