//! Amounts and limits as the policy file writes them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Chain units, in decimal text: numbers of JSON lose digits above 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub u128);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        parse(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is no amount: write chain units in decimal, as text"
            ))
        })
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(&self.0)
    }
}

/// Digits alone, without a leading zero: one amount has one text.
pub(crate) fn parse(text: &str) -> Option<u128> {
    let canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// How much of one asset this signer lets go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// At most this in one withdrawal.
    pub per_withdrawal: Amount,
    /// At most this in 24 hours.
    pub per_day: Amount,
    /// At most this to one address in 24 hours.
    pub per_address_per_day: Amount,
    /// From these amounts on, so many administrators must have approved by hand.
    #[serde(default)]
    pub approvers: Vec<ApproversFrom>,
}

/// A step of [`Limits::approvers`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproversFrom {
    /// A withdrawal of this or more …
    pub amount: Amount,
    /// … needs so many different administrators.
    pub approvers: usize,
}

impl Limits {
    /// How many different administrators must have approved `amount`.
    #[must_use]
    pub fn approvers_for(&self, amount: u128) -> usize {
        self.approvers
            .iter()
            .filter(|step| amount >= step.amount.0)
            .map(|step| step.approvers)
            .max()
            .unwrap_or(0)
    }
}
