//! The quorum as one signer is told of it: who it is, and whom it believes to be the others.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::identity::PublicIdentity;
use crate::protocol::Index;

/// The quorum file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// Which of the three this signer is.
    pub me: Index,
    /// Each signer's identity, as it told it (`outcry-signer identity`). Until all three are known the file
    /// may hold fewer; nothing runs with one that isn't named.
    #[serde(default)]
    pub identities: BTreeMap<Index, PublicIdentity>,
}

impl Quorum {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that can't be read, or names a signer twice.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        let quorum: Self = serde_json::from_slice(&bytes).map_err(|error| Error::Corrupt {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        let mut seen: Vec<&PublicIdentity> = Vec::new();
        for (index, identity) in &quorum.identities {
            if seen.contains(&identity) {
                return Err(Error::Corrupt {
                    path: path.to_owned(),
                    problem: format!("{index} has the identity of another signer"),
                });
            }
            seen.push(identity);
        }
        Ok(quorum)
    }
}
