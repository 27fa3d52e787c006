//! Tokens whose name and scale are known here, not taken from the online side.

use std::path::Path;

use serde::Deserialize;

use crate::{ColdError, Result};

/// One token: whose contract (or mint) it is, and how its amounts are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Token {
    /// The contract as `0x…`, in any case, or the mint in base58.
    pub contract: String,
    /// Ethereum's chain id; absent for Solana.
    pub chain_id: Option<u64>,
    /// `USDT`.
    pub symbol: String,
    /// Places after the point.
    pub decimals: u32,
}

/// The issuers' own published addresses: Tether's and Circle's, on Ethereum and Solana.
const KNOWN: [(&str, Option<u64>, &str); 4] = [
    (
        "0xdAC17F958D2ee523a2206206994597C13D831ec7",
        Some(1),
        "USDT",
    ),
    (
        "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        Some(1),
        "USDC",
    ),
    ("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", None, "USDT"),
    ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGkZwyTDt1v", None, "USDC"),
];
const MAX_DECIMALS: u32 = 36;

/// The tokens built in, and those of a file that a person brought.
#[derive(Clone, Debug)]
pub struct Tokens(Vec<Token>);

impl Default for Tokens {
    fn default() -> Self {
        let known = KNOWN.iter().map(|&(contract, chain_id, symbol)| Token {
            contract: contract.to_owned(),
            chain_id,
            symbol: symbol.to_owned(),
            decimals: 6,
        });
        Self(known.collect())
    }
}

impl Tokens {
    /// Adds those of a JSON file: a list of `{"contract", "chainId", "symbol", "decimals"}`.
    ///
    /// # Errors
    /// [`ColdError::File`] and [`ColdError::Usage`] when the file can't be read or makes no sense.
    pub fn with_file(mut self, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(ColdError::file(path))?;
        let more: Vec<Token> = serde_json::from_str(&text)
            .map_err(|error| ColdError::Usage(format!("{}: {error}", path.display())))?;
        if let Some(wrong) = more.iter().find(|token| token.decimals > MAX_DECIMALS) {
            let (symbol, decimals) = (&wrong.symbol, wrong.decimals);
            return Err(ColdError::Usage(format!(
                "{}: {symbol} with {decimals} decimals; at most {MAX_DECIMALS} make sense",
                path.display()
            )));
        }
        self.0.splice(0..0, more);
        Ok(self)
    }

    /// An ERC-20 contract on one chain.
    #[must_use]
    pub fn ethereum(&self, chain_id: u64, contract: &str) -> Option<&Token> {
        self.0.iter().find(|token| {
            token.chain_id == Some(chain_id) && token.contract.eq_ignore_ascii_case(contract)
        })
    }

    /// An SPL mint.
    #[must_use]
    pub fn solana(&self, mint: &str) -> Option<&Token> {
        self.0
            .iter()
            .find(|token| token.chain_id.is_none() && token.contract == mint)
    }
}
