//! What a signer keeps on its disk, all of it encrypted and authenticated under a key that comes from
//! elsewhere (a mounted Secret): its identity, its shares, and the journal of what it agreed to sign.
//! Signing nonces are not among it: they are never written.

mod journal;
mod seal;
mod shares;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

pub use journal::{Journal, Record};
pub use seal::{MasterKey, Sealer};
pub use shares::Shares;

use crate::error::Error;
use crate::identity::Identity;

/// A signer's directory, held by one process.
pub struct Directory {
    path: PathBuf,
    key: MasterKey,
    /// Held for as long as this lives: two processes on one journal would each forget what the other bound.
    _lock: File,
}

impl Directory {
    /// Opens `path`, makes it when it isn't there, and locks it.
    ///
    /// # Errors
    /// A directory that can't be used, or that another process uses.
    pub fn open(path: &Path, key: MasterKey) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(Error::file(path))?;
        private(path, 0o700)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(Error::file(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                key,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Corrupt {
                path: lock_path,
                problem: "another process uses this directory; stop it first".to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(Error::File {
                path: lock_path,
                source,
            }),
        }
    }

    /// The signer's identity, made now when there is none.
    ///
    /// # Errors
    /// A file that can't be read, or is sealed under another key.
    pub fn identity(&self) -> Result<Identity, Error> {
        let path = self.path.join("identity.sealed");
        let sealer = self.key.sealer("files");
        if let Some(bytes) = sealer.read(&path, b"identity")? {
            return Identity::from_secret_bytes(&bytes);
        }
        let identity = Identity::generate();
        sealer.write(&path, b"identity", &identity.secret_bytes())?;
        Ok(identity)
    }

    /// The journal, and what it holds.
    ///
    /// # Errors
    /// A journal that was changed, or can't be read.
    pub fn journal(&self) -> Result<(Journal, Vec<Record>), Error> {
        Journal::open(&self.path.join("journal"), self.key.sealer("journal"))
    }

    /// The shares.
    ///
    /// # Errors
    /// A directory that can't be made.
    pub fn shares(&self) -> Result<Shares, Error> {
        Shares::open(&self.path.join("shares"), self.key.sealer("files"))
    }
}

/// Makes what was created, renamed or removed in `directory` survive a crash.
fn sync_directory(directory: &Path) -> Result<(), Error> {
    File::open(directory)
        .and_then(|handle| handle.sync_all())
        .map_err(Error::file(directory))
}

/// Nobody but this user.
fn private(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(Error::file(path))
}
