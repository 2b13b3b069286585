//! The product's embedded cluster as a process: what stands in for a real control plane in a test run.
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::kubeone::{AUDIT_LOG, TOKENS, tokens};

const READY_WITHIN: Duration = Duration::from_secs(20);
const LOG: &str = "cluster.log";

/// A running `lockstep cluster start`. Ends with its value, and with this process, however that ends.
#[derive(Debug)]
pub struct Embedded {
    dir: PathBuf,
    child: Child,
}

impl Embedded {
    /// Starts a fresh one in an empty or absent directory, on a free port, and waits until it listens. Beside its kubeconfig are
    /// the files that a real control plane of ours has there: the log of writes and the tokens of its users.
    ///
    /// # Errors
    /// When it ends or does not come up, with what it said.
    pub fn start(binary: &Path, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        fs::write(dir.join(TOKENS), tokens()?).context("tokens")?;
        let mut embedded = Self { dir: dir.to_path_buf(), child: spawn(binary, dir)? };
        embedded.wait_until_it_listens()?;
        Ok(embedded)
    }

    /// The administrator's kubeconfig, with its credentials inside.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill9(&mut self) -> Result<()> {
        // One that is gone already is what we want.
        let _ = self.child.kill();
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again on what it has kept. Its port is another.
    ///
    /// # Errors
    /// As [`Embedded::start`].
    pub fn restart(&mut self, binary: &Path) -> Result<()> {
        self.kill9()?;
        // A killed one leaves the way to its old port.
        fs::remove_file(self.kubeconfig()).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        self.child = spawn(binary, &self.dir)?;
        self.wait_until_it_listens()
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.kubeconfig().is_file() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(self.dir.join(LOG)).unwrap_or_default();
                bail!("the embedded cluster did not come up ({ended:?}):\n{said}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let _ = self.kill9();
    }
}

fn spawn(binary: &Path, dir: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join(LOG))?;
    Command::new(binary)
        .args(["cluster", "start", "--exit-with-stdin", "--dir"])
        .arg(dir)
        .arg("--audit-log")
        .arg(dir.join(AUDIT_LOG))
        .arg("--tokens")
        .arg(dir.join(TOKENS))
        .env_remove("KUBECONFIG")
        // Its standard input closes when we die, whatever kills us.
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| binary.display().to_string())
}
