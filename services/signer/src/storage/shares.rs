//! Shares on disk: one sealed file a scheme and epoch. A new epoch's file is written while the old one still
//! serves; the old one is removed once all three have confirmed the new.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Sealer, private, sync_directory};
use crate::error::Error;
use crate::scheme::{Scheme, Share};

/// The directory of shares.
pub struct Shares {
    path: PathBuf,
    sealer: Sealer,
}

impl Shares {
    pub(super) fn open(path: &Path, sealer: Sealer) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(Error::file(path))?;
        private(path, 0o700)?;
        Ok(Self {
            path: path.to_owned(),
            sealer,
        })
    }

    /// Stores a share; on disk for good when this returns.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn write(&self, epoch: u32, share: &Share) -> Result<(), Error> {
        let bytes = postcard::to_allocvec(share)
            .map(Zeroizing::new)
            .map_err(|error| Error::Crypto(format!("encoding a share: {error}")))?;
        let (path, name) = self.file(share.scheme(), epoch);
        self.sealer.write(&path, name.as_bytes(), &bytes)
    }

    /// The share of this scheme and epoch, if it is there.
    ///
    /// # Errors
    /// A file that can't be opened.
    pub fn read(&self, scheme: Scheme, epoch: u32) -> Result<Option<Share>, Error> {
        let (path, name) = self.file(scheme, epoch);
        let Some(bytes) = self.sealer.read(&path, name.as_bytes())? else {
            return Ok(None);
        };
        postcard::from_bytes(&bytes)
            .map(Some)
            .map_err(|error| Error::Corrupt {
                path,
                problem: format!("a share that can't be decoded: {error}"),
            })
    }

    /// Destroys the share of an epoch: what an attacker finds later is worth nothing. The file is
    /// overwritten first, for disks that write in place.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn destroy(&self, scheme: Scheme, epoch: u32) -> Result<(), Error> {
        let (path, _) = self.file(scheme, epoch);
        let length = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(Error::file(&path)(source)),
        };
        let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
        std::fs::write(&path, zeros).map_err(Error::file(&path))?;
        std::fs::File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(Error::file(&path))?;
        std::fs::remove_file(&path).map_err(Error::file(&path))?;
        sync_directory(&self.path)
    }

    fn file(&self, scheme: Scheme, epoch: u32) -> (PathBuf, String) {
        let name = format!("{scheme}.{epoch}");
        (self.path.join(format!("{name}.sealed")), name)
    }
}
