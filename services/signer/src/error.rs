//! What can go wrong: a signer that can't start or keep its records, and what it refuses.

use std::path::PathBuf;

/// The signer can't do its work. Nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{path}: {problem}")]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A setting that makes no sense.
    #[error("{what}: {problem}")]
    Setting {
        /// Which.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system's randomness or a cipher failed.
    #[error("cryptography: {0}")]
    Crypto(String),
    /// A peer can't be reached or answered nonsense.
    #[error("{peer}: {problem}")]
    Peer {
        /// Who.
        peer: String,
        /// What happened.
        problem: String,
    },
}

impl Error {
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(crate) fn setting(what: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Setting {
            what: what.into(),
            problem: problem.to_string(),
        }
    }
}

/// Why a signer won't. Each name is one rule; `docs/services/signer.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A transaction that can't be parsed, or says things this signer doesn't understand.
    Transaction,
    /// Of another network than the policy's.
    Network,
    /// An input, account or signer that is not ours.
    Input,
    /// An output that is neither an approved withdrawal nor ours nor cold.
    Output,
    /// An approval without its output, or given twice.
    Approval,
    /// An approval that risk didn't sign, or signed with a key the policy doesn't name.
    Signature,
    /// An approval that is no longer, or not yet, valid.
    Expired,
    /// An approval by fewer administrators than the amount needs.
    Approvers,
    /// The transaction doesn't spend an approval's conflict point, or the withdrawal is bound to another.
    ConflictPoint,
    /// Above a limit, or too much in a day.
    Limit,
    /// Above a fee cap.
    Fee,
    /// An asset that the policy doesn't name.
    Asset,
    /// No key, or a share of another epoch.
    Key,
    /// A session that isn't open, was used before or is too old.
    Session,
    /// A round out of turn, or other messages for a round that was answered.
    Round,
    /// An envelope that isn't for this signer, or whose signature isn't its sender's.
    Envelope,
    /// A signer that cheated before.
    Banned,
    /// Too many sessions are open.
    Busy,
    /// The signer's own records can't be written: it signs nothing that it could forget.
    Storage,
}

impl Code {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 19] = [
        Self::Transaction,
        Self::Network,
        Self::Input,
        Self::Output,
        Self::Approval,
        Self::Signature,
        Self::Expired,
        Self::Approvers,
        Self::ConflictPoint,
        Self::Limit,
        Self::Fee,
        Self::Asset,
        Self::Key,
        Self::Session,
        Self::Round,
        Self::Envelope,
        Self::Banned,
        Self::Busy,
        Self::Storage,
    ];

    /// As it travels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transaction => "REFUSED_TRANSACTION",
            Self::Network => "REFUSED_NETWORK",
            Self::Input => "REFUSED_INPUT",
            Self::Output => "REFUSED_OUTPUT",
            Self::Approval => "REFUSED_APPROVAL",
            Self::Signature => "REFUSED_SIGNATURE",
            Self::Expired => "REFUSED_EXPIRED",
            Self::Approvers => "REFUSED_APPROVERS",
            Self::ConflictPoint => "REFUSED_CONFLICT_POINT",
            Self::Limit => "REFUSED_LIMIT",
            Self::Fee => "REFUSED_FEE",
            Self::Asset => "REFUSED_ASSET",
            Self::Key => "REFUSED_KEY",
            Self::Session => "REFUSED_SESSION",
            Self::Round => "REFUSED_ROUND",
            Self::Envelope => "REFUSED_ENVELOPE",
            Self::Banned => "REFUSED_BANNED",
            Self::Busy => "REFUSED_BUSY",
            Self::Storage => "REFUSED_STORAGE",
        }
    }
}

/// This signer won't, by which rule, about what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct Refusal {
    /// The rule.
    pub code: Code,
    /// What was wrong, where, and what to do.
    pub message: String,
}

impl Refusal {
    /// By this rule.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Refuses by `code`.
pub(crate) fn refuse<T>(code: Code, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(code, message))
}
