//! Which networks a key is for: fixed when it is made, so that practice and real coins never meet.

use bitcoin::NetworkKind;
use bitcoin::params::Params;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The networks of a keystore, on all chains at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Bitcoin, Ethereum (chain id 1), Solana.
    Mainnet,
    /// Bitcoin's test networks with addresses in `tb1`, Sepolia, Holesky, Hoodi.
    Testnet,
    /// Networks of one's own: regtest, chain ids 1337 and 31337.
    Regtest,
}

impl Network {
    /// `mainnet`, `testnet`, `regtest`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Regtest => "regtest",
        }
    }

    /// SLIP-44's coin type in Bitcoin paths.
    #[must_use]
    pub const fn coin_type(self) -> u32 {
        match self {
            Self::Mainnet => 0,
            Self::Testnet | Self::Regtest => 1,
        }
    }

    /// How Bitcoin addresses are written.
    #[must_use]
    pub const fn bitcoin(self) -> &'static Params {
        match self {
            Self::Mainnet => &Params::BITCOIN,
            Self::Testnet => &Params::TESTNET4,
            Self::Regtest => &Params::REGTEST,
        }
    }

    /// How Bitcoin's extended keys are written.
    #[must_use]
    pub const fn kind(self) -> NetworkKind {
        match self {
            Self::Mainnet => NetworkKind::Main,
            Self::Testnet | Self::Regtest => NetworkKind::Test,
        }
    }

    /// The chain ids of Ethereum that belong to it.
    #[must_use]
    pub const fn chain_ids(self) -> &'static [u64] {
        match self {
            Self::Mainnet => &[1],
            Self::Testnet => &[11_155_111, 17_000, 560_048],
            Self::Regtest => &[1_337, 31_337],
        }
    }
}
