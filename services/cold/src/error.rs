//! Every way in which the cold wallet says no, each with a name that a program can rely on.

use std::path::{Path, PathBuf};

/// What went wrong, where, and what to do. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ColdError {
    /// A file or a device can't be read or written.
    #[error("{path}: {reason}", path = .0.display(), reason = .1)]
    File(PathBuf, std::io::Error),
    /// The keystore's authentication tag doesn't match.
    #[error("the passphrase is wrong, or {} was altered", .0.display())]
    WrongPassphrase(PathBuf),
    /// Not a keystore of a version and of parameters that are known here.
    #[error("{path}: not a keystore: {reason}", path = .0.display(), reason = .1)]
    Keystore(PathBuf, String),
    /// The words are not a BIP-39 backup.
    #[error("these words are no backup: {0}")]
    Words(String),
    /// A word that was asked back is not the one that was shown, or a backup is of another key.
    #[error("{0}")]
    Backup(String),
    /// A passphrase or dice that are too weak to be used.
    #[error("{0}")]
    Weak(String),
    /// Flags that make no sense together, or an answer that can't be understood.
    #[error("{0}")]
    Usage(String),
    /// No more frames, and the message isn't whole.
    #[error("the frames end before the message is whole: {0}")]
    FramesMissing(String),
    /// Frames of two different messages.
    #[error("frames of different messages are mixed: {0}; record one animation alone")]
    FramesMixed(String),
    /// Every fragment is there, and together they are not what was announced.
    #[error("the frames were altered: {0}; make them anew")]
    FramesTampered(String),
    /// A UR of a type that is nothing to sign.
    #[error(
        "ur:{0} is nothing that can be signed here; wanted is psbt, eth-sign-request or sol-sign-request"
    )]
    UnknownType(String),
    /// A request whose encoding breaks its own rules.
    #[error("the request is malformed: {0}")]
    Malformed(String),
    /// A request for another network than the keystore's.
    #[error("{0}")]
    WrongNetwork(String),
    /// A request for another key.
    #[error("{0}")]
    NotOurs(String),
    /// An output that claims to be change of this key, and isn't.
    #[error(
        "output {index} claims to be change of this key at {path}, but pays {address}: it was replaced"
    )]
    ChangeReplaced {
        /// Its place in the transaction, from 0.
        index: usize,
        /// The derivation that it claims.
        path: String,
        /// Where it really pays.
        address: String,
    },
    /// Well formed, but never signed here.
    #[error("{0}")]
    Refused(String),
    /// A person said no, or a warning wasn't accepted.
    #[error("not signed: {0}")]
    Declined(String),
    /// A signature made here doesn't verify here: broken hardware, or an attack on it.
    #[error("the signature just made doesn't verify: don't use this machine")]
    BadSignature,
    /// The operating system refused something essential.
    #[error("{0}")]
    System(String),
}

impl ColdError {
    /// A file's failure.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        move |error| Self::File(path.to_owned(), error)
    }

    /// The stable name: what `--json` prints as `error`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File(..) => "FILE",
            Self::WrongPassphrase(_) => "WRONG_PASSPHRASE",
            Self::Keystore(..) => "KEYSTORE",
            Self::Words(_) => "WORDS",
            Self::Backup(_) => "BACKUP",
            Self::Weak(_) => "WEAK",
            Self::Usage(_) => "USAGE",
            Self::FramesMissing(_) => "FRAMES_MISSING",
            Self::FramesMixed(_) => "FRAMES_MIXED",
            Self::FramesTampered(_) => "FRAMES_TAMPERED",
            Self::UnknownType(_) => "UNKNOWN_TYPE",
            Self::Malformed(_) => "MALFORMED",
            Self::WrongNetwork(_) => "WRONG_NETWORK",
            Self::NotOurs(_) => "NOT_OURS",
            Self::ChangeReplaced { .. } => "CHANGE_REPLACED",
            Self::Refused(_) => "REFUSED",
            Self::Declined(_) => "DECLINED",
            Self::BadSignature => "BAD_SIGNATURE",
            Self::System(_) => "SYSTEM",
        }
    }
}
