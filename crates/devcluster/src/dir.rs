//! The folder of a cluster.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
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
    /// There are no certificates.
    #[error("no certificates for the cluster")]
    Pki(#[from] PkiError),
    /// The machine has no random numbers.
    #[error("the machine gives no random numbers")]
    Random(#[from] getrandom::Error),
}

/// The folder in which a cluster is kept: its state, its keys, and the kubeconfig that leads to it. Only its owner may look into it.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The folder at this path, made if there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self, DirError> {
        let dir = Self(path.to_owned());
        let failed = |source| DirError::File { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(dir)
    }

    /// The folder at this path as it is, or is not.
    pub fn existing(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where the kubeconfig is while the cluster runs.
    pub fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }

    /// Where the id of the process is while the cluster runs.
    pub fn process_id(&self) -> PathBuf {
        self.0.join("pid")
    }

    /// Writes the kubeconfig, so that it is there whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_kubeconfig(&self, kubeconfig: &Value) -> Result<(), DirError> {
        self.write(&self.kubeconfig(), &to_json(kubeconfig))
    }

    /// Takes away what is true only while the cluster runs.
    pub fn clear_running(&self) {
        for path in [self.kubeconfig(), self.process_id()] {
            // It may never have been there.
            let _ = fs::remove_file(path);
        }
    }

    /// Removes what a cluster has written here, and the folder if nothing else is in it. The cluster must not run.
    ///
    /// # Errors
    /// When it runs, or something cannot be removed.
    pub fn reset(&self) -> Result<(), DirError> {
        if self.state().exists() {
            // Fails while another process has it open.
            drop(self.disk()?);
        }
        self.clear_running();
        for name in [STATE, CA_CERTIFICATE, CA_KEY, TOKEN_KEY] {
            let path = self.0.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(DirError::File { path, source });
                }
                _ => {}
            }
        }
        // Something of the user's may be in it.
        let _ = fs::remove_dir(&self.0);
        Ok(())
    }

    pub(crate) fn disk(&self) -> Result<Disk, DirError> {
        Disk::open(&self.state()).map_err(|source| self.state_error(source))
    }

    pub(crate) fn state_error(&self, source: DiskError) -> DirError {
        DirError::State { path: self.0.clone(), source }
    }

    /// The authority of this cluster: the one that was kept, or a new one.
    pub(crate) fn authority(&self) -> Result<Authority, DirError> {
        let (certificate, key) = (self.0.join(CA_CERTIFICATE), self.0.join(CA_KEY));
        if let (Some(certificate), Some(key)) = (self.read(&certificate)?, self.read(&key)?) {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let credentials = Credentials { certificate: text(certificate), key: Secret::new(text(key)) };
            return Ok(Authority::kept(credentials));
        }
        let authority = Authority::generate()?;
        self.write(&key, authority.credentials().key.expose().as_bytes())?;
        self.write(&certificate, authority.certificate().as_bytes())?;
        Ok(authority)
    }

    /// The key that signs tokens: the one that was kept, or a new one.
    pub(crate) fn token_key(&self) -> Result<TokenKey, DirError> {
        let path = self.0.join(TOKEN_KEY);
        if let Some(bytes) = self.read(&path)?.and_then(|bytes| bytes.try_into().ok()) {
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
        let aside = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&aside, path)
        };
        write().map_err(|source| DirError::File { path: path.to_owned(), source })
    }

    /// Writes the id of the process that serves the cluster.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_process_id(&self, id: u32) -> Result<(), DirError> {
        self.write(&self.process_id(), id.to_string().as_bytes())
    }
}

const STATE: &str = "state.redb";
const CA_CERTIFICATE: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const TOKEN_KEY: &str = "token.key";

/// Random bytes for a key.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
