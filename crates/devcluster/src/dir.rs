//! The folder of a cluster.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use apiserver::{Authority, Credentials, PkiError, TokenKey};
use lockstep_core::{Secret, Value, to_json};

use crate::disk::{Disk, DiskError};

/// What is wrong with the folder of a cluster.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// A file in it cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The state in it.
    #[error("cannot use the state in {}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: DiskError,
    },
    /// An object in the state is none.
    #[error("the state in {} is damaged", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Which object.
        #[source]
        source: apistore::Unreadable,
    },
    /// A process serves it.
    #[error("a process serves the cluster in {}", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A key or certificate in it is none.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// There are no certificates.
    #[error("no certificates for the cluster")]
    Pki(#[from] PkiError),
    /// The machine has no random numbers.
    #[error("the machine gives no random numbers")]
    Random(#[from] getrandom::Error),
}

/// The folder in which a cluster is kept: its state, its keys, and the kubeconfig that leads to it. What is written there is for its
/// owner alone.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

/// The right to serve the cluster of a folder. While it is held the folder names this process; afterwards nothing there is untrue.
#[derive(Debug)]
pub struct Claim {
    dir: StateDir,
    file: File,
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock goes with the file; a name that cannot be taken away is one that nobody believes without the lock.
        let _ = fs::remove_file(self.dir.kubeconfig());
        let _ = self.file.set_len(0);
    }
}

impl StateDir {
    /// The folder at this path, made if there is none: then only its owner may look into it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self, DirError> {
        let failed = |source| DirError::File { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        Ok(Self(path.to_owned()))
    }

    /// The folder at this path as it is, or is not.
    pub fn existing(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether a cluster was ever kept here.
    pub fn is_used(&self) -> bool {
        self.state().exists()
    }

    /// Where the kubeconfig is while the cluster runs.
    pub fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }

    /// Takes the right to serve it, for this process.
    ///
    /// # Errors
    /// [`DirError::InUse`] while another process has it.
    pub fn claim(&self) -> Result<Claim, DirError> {
        let path = self.0.join(PROCESS);
        let failed = |source| DirError::File { path: path.clone(), source };
        let mut file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DirError::InUse { path: self.0.clone() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        file.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
        Ok(Claim { dir: self.clone(), file })
    }

    /// The process that serves it, if one does. What a dead process has left here is not believed.
    pub fn process(&self) -> Option<u32> {
        let path = self.0.join(PROCESS);
        let locked = matches!(File::open(&path).ok()?.try_lock(), Err(TryLockError::WouldBlock));
        fs::read_to_string(&path).ok().filter(|_| locked)?.trim().parse().ok()
    }

    /// Writes the kubeconfig, so that it is there whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_kubeconfig(&self, kubeconfig: &Value) -> Result<(), DirError> {
        self.write(&self.kubeconfig(), &to_json(kubeconfig))
    }

    /// Removes what a cluster has written here, and the folder if nothing else is in it. The cluster must not run.
    ///
    /// # Errors
    /// When it runs, or something cannot be removed.
    pub fn reset(&self) -> Result<(), DirError> {
        if !self.0.is_dir() {
            return Ok(());
        }
        let claim = self.claim()?;
        for name in WRITTEN {
            let path = self.0.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(DirError::File { path, source });
                }
                _ => {}
            }
        }
        drop(claim);
        // Something of the user's may be in it.
        let _ = fs::remove_dir(&self.0);
        Ok(())
    }

    /// Where a cluster in the background writes what it has to say.
    pub fn log(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// Where a controller beside the cluster keeps what it can fetch again.
    pub fn cache(&self) -> PathBuf {
        self.0.join(CACHE)
    }

    pub(crate) fn disk(&self) -> Result<Disk, DirError> {
        let path = self.state();
        // The database makes its file for everyone; one that is there it leaves as it is.
        open(&path).map_err(|source| DirError::File { path: path.clone(), source })?;
        Disk::open(&path).map_err(|source| self.state_error(source))
    }

    pub(crate) fn state_error(&self, source: DiskError) -> DirError {
        DirError::State { path: self.0.clone(), source }
    }

    pub(crate) fn unreadable(&self, source: apistore::Unreadable) -> DirError {
        DirError::Unreadable { path: self.0.clone(), source }
    }

    /// The authority of this cluster: the one that was kept, or a new one.
    pub(crate) fn authority(&self) -> Result<Authority, DirError> {
        let (certificate, key) = (self.0.join(CA_CERTIFICATE), self.0.join(CA_KEY));
        if let (Some(certificate), Some(private)) = (self.read(&certificate)?, self.read(&key)?) {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let credentials = Credentials { certificate: text(certificate), key: Secret::new(text(private)) };
            let damaged = |_| DirError::Damaged { path: key };
            return Authority::kept(credentials).map_err(damaged);
        }
        let authority = Authority::generate()?;
        self.write(&key, authority.credentials().key.expose().as_bytes())?;
        self.write(&certificate, authority.certificate().as_bytes())?;
        Ok(authority)
    }

    /// The key that signs tokens: the one that was kept, or a new one.
    pub(crate) fn token_key(&self) -> Result<TokenKey, DirError> {
        let path = self.0.join(TOKEN_KEY);
        if let Some(bytes) = self.read(&path)? {
            // Another key would make every token that was given out nobody's.
            let bytes = bytes.try_into().map_err(|_| DirError::Damaged { path })?;
            return Ok(TokenKey::new(bytes));
        }
        let bytes = random()?;
        self.write(&path, &bytes)?;
        Ok(TokenKey::new(bytes))
    }

    fn state(&self) -> PathBuf {
        self.0.join(STATE)
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, DirError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DirError::File { path: path.to_owned(), source }),
        }
    }

    /// Beside first, then in place: a crash leaves the old file or the new one.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), DirError> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".new");
        let write = || -> io::Result<()> {
            let mut file = open(Path::new(&aside))?;
            file.set_len(0)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&aside, path)
        };
        write().map_err(|source| DirError::File { path: path.to_owned(), source })
    }
}

/// Opens a file to write, made if there is none, for its owner alone.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

const STATE: &str = "state.redb";
const CA_CERTIFICATE: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const TOKEN_KEY: &str = "token.key";
const PROCESS: &str = "pid";
const LOG: &str = "log";
const CACHE: &str = "cache";
/// All that is ever written here, the kubeconfig apart, which goes with the process.
const WRITTEN: [&str; 7] = [STATE, CA_CERTIFICATE, CA_KEY, TOKEN_KEY, PROCESS, LOG, CACHE];

/// Random bytes for a key.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_serves_a_folder_and_a_dead_one_is_not_believed() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = StateDir::create(&temporary.path().join("cluster")).unwrap();
        fs::write(dir.0.join(PROCESS), "1").unwrap();
        assert_eq!(dir.process(), None, "what a killed process has left");
        let claim = dir.claim().unwrap();
        dir.write_kubeconfig(&Value::default()).unwrap();
        assert_eq!(dir.process(), Some(std::process::id()));
        assert!(matches!(dir.claim(), Err(DirError::InUse { .. })));
        assert!(matches!(dir.reset(), Err(DirError::InUse { .. })));
        drop(claim);
        assert_eq!(dir.process(), None);
        assert!(!dir.kubeconfig().exists());
    }

    #[test]
    fn what_is_damaged_is_named_and_can_be_forgotten() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = StateDir::create(&temporary.path().join("cluster")).unwrap();
        dir.authority().unwrap();
        fs::write(dir.0.join(CA_KEY), "").unwrap();
        assert!(matches!(dir.authority(), Err(DirError::Damaged { path }) if path.ends_with(CA_KEY)));
        fs::write(dir.state(), "no database").unwrap();
        assert!(dir.disk().is_err());
        fs::write(dir.0.join("mine"), "").unwrap();
        dir.reset().unwrap();
        let left: Vec<_> = fs::read_dir(&dir.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["mine"]);
    }
}
