//! What a person reads before saying yes.

use std::fmt;

use serde::Serialize;

/// What a movement of coins is, seen from the cold key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// To somebody else, as far as is known here.
    Pay,
    /// Back to this key; the address was derived here.
    Own,
}

/// One movement of coins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// Pay or own.
    pub kind: Kind,
    /// In chain units, as decimal text.
    pub units: String,
    /// With its unit: `0.50000000 BTC`.
    pub amount: String,
    /// The receiver, as its chain writes addresses.
    pub to: String,
    /// For an own address: the derivation by which it was verified.
    pub path: Option<String>,
}

/// Something that isn't known, or isn't usual. The names are stable: `--accept` takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// `HIGH_FEE`.
    pub name: &'static str,
    /// What a person should know.
    pub text: String,
}

/// All of one transaction.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// `bitcoin`, `ethereum`, `solana`.
    pub chain: &'static str,
    /// `mainnet`, `regtest`, or what is known of it.
    pub network: String,
    /// What leaves and what comes back.
    pub movements: Vec<Movement>,
    /// The fee with its unit and rate, as a person reads it.
    pub fee: String,
    /// The most that the fee can be, in chain units, as decimal text.
    pub fee_units: String,
    /// Anything else worth saying, a line each.
    pub notes: Vec<String>,
    /// What to think about before saying yes.
    pub warnings: Vec<Warning>,
}

impl Review {
    /// Adds a warning.
    pub fn warn(&mut self, name: &'static str, text: impl Into<String>) {
        self.warnings.push(Warning {
            name,
            text: text.into(),
        });
    }
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({})",
            self.chain.to_uppercase(),
            printable(&self.network)
        )?;
        for movement in &self.movements {
            let to = printable(&movement.to);
            match (&movement.kind, &movement.path) {
                (Kind::Own, Some(path)) => {
                    writeln!(
                        f,
                        "  keep  {}\n        {to}\n        own, verified at {path}",
                        movement.amount
                    )?;
                }
                (Kind::Own, None) => writeln!(f, "  keep  {}\n        {to}", movement.amount)?,
                (Kind::Pay, _) => {
                    writeln!(f, "  PAY   {}\n     to {to}", printable(&movement.amount))?;
                }
            }
        }
        writeln!(f, "  fee   {}", self.fee)?;
        for note in &self.notes {
            writeln!(f, "  {}", printable(note))?;
        }
        for warning in &self.warnings {
            let text = printable(&warning.text).to_uppercase();
            writeln!(f, "  !! {}: {text}", warning.name.replace('_', " "))?;
        }
        Ok(())
    }
}

/// Text of unknown origin without what could move the cursor or hide other text.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .collect()
}
