//! A PSBT turned into what it does.

use bitcoin::{Psbt, TxOut};

use super::{inputs, outputs};
use crate::amount::{decimal, thousands};
use crate::key::ColdKey;
use crate::review::{Kind, Review};
use crate::{ColdError, Result};

/// All bitcoins there will ever be, in satoshi.
const SUPPLY: u64 = 21_000_000 * 100_000_000;
/// A rate that is hardly ever needed, in satoshi a virtual byte.
const HIGH_RATE: u64 = 300;
/// A fee that is high for any rate, in satoshi: 0.01 BTC.
const HIGH_FEE: u64 = 1_000_000;
/// Weight units of the witness of a key-path spend: a count, a length, 64 bytes.
const KEY_SPEND: u64 = 66;
/// Weight units of the marker and flag of a transaction with witnesses.
const MARKER: u64 = 2;

/// A PSBT that may be signed, with the inputs that this key signs.
pub struct Checked {
    pub(super) psbt: Psbt,
    pub(super) prevouts: Vec<TxOut>,
    pub(super) ours: Vec<inputs::Ours>,
    review: Review,
}

impl Checked {
    /// Reads a PSBT and verifies everything that it says about this key.
    ///
    /// # Errors
    /// `MALFORMED`, `WRONG_NETWORK`, `NOT_OURS`, `CHANGE_REPLACED`, `REFUSED`.
    pub fn read(bytes: &[u8], key: &ColdKey) -> Result<Self> {
        let psbt = Psbt::deserialize(bytes)
            .map_err(|error| ColdError::Malformed(format!("the PSBT: {error}")))?;
        let prevouts = inputs::prevouts(&psbt)?;
        let ours = inputs::ours(&psbt, &prevouts, key)?;
        let mut review = Review {
            chain: "bitcoin",
            network: key.network().name().to_owned(),
            movements: outputs::movements(&psbt, key)?,
            fee: String::new(),
            fee_units: String::new(),
            notes: notes(&psbt, &prevouts),
            warnings: Vec::new(),
        };
        outputs::warn(&psbt, key, &mut review);
        let foreign = prevouts.len() - ours.len();
        if foreign > 0 {
            review.warn(
                "FOREIGN_INPUT",
                format!(
                    "{foreign} inputs belong to others: what they gain or lose isn't shown here"
                ),
            );
        }
        fee(&psbt, &prevouts, &mut review)?;
        Ok(Self {
            psbt,
            prevouts,
            ours,
            review,
        })
    }

    /// What a person is shown.
    #[must_use]
    pub const fn review(&self) -> &Review {
        &self.review
    }
}

/// An amount as it is shown: `0.50000000 BTC`.
pub(super) fn btc(satoshi: u64) -> String {
    format!("{} BTC", decimal(u128::from(satoshi), 8))
}

fn notes(psbt: &Psbt, prevouts: &[TxOut]) -> Vec<String> {
    let transaction = &psbt.unsigned_tx;
    let spent: u64 = prevouts
        .iter()
        .fold(0, |sum, out| sum.saturating_add(out.value.to_sat()));
    let mut notes = vec![
        format!("id    {}", transaction.compute_txid()),
        format!("from  {} inputs with {}", prevouts.len(), btc(spent)),
    ];
    if transaction.lock_time.is_block_height() && transaction.lock_time.to_consensus_u32() > 0 {
        let height = u128::from(transaction.lock_time.to_consensus_u32());
        notes.push(format!("not before block {}", thousands(height)));
    } else if transaction.lock_time.is_block_time() {
        notes.push(format!(
            "not before unix time {}",
            transaction.lock_time.to_consensus_u32()
        ));
    }
    if transaction.is_explicitly_rbf() {
        notes.push("its fee can be raised later (RBF)".to_owned());
    }
    notes
}

fn fee(psbt: &Psbt, prevouts: &[TxOut], review: &mut Review) -> Result<()> {
    let outputs = psbt.unsigned_tx.output.iter();
    let (spent, paid) = (total(prevouts.iter())?, total(outputs)?);
    let Some(fee) = spent.checked_sub(paid) else {
        let missing = btc(paid - spent);
        return Err(ColdError::Malformed(format!(
            "the outputs pay {missing} more than the inputs have"
        )));
    };
    let witnesses = MARKER + KEY_SPEND * prevouts.len() as u64;
    let size = (psbt.unsigned_tx.weight().to_wu() + witnesses).div_ceil(4);
    let tenths = fee.saturating_mul(10) / size.max(1);
    let (whole, tenth, vbytes) = (
        thousands(u128::from(tenths / 10)),
        tenths % 10,
        thousands(u128::from(size)),
    );
    review.fee = format!("{} ({whole}.{tenth} sat/vB, {vbytes} vB)", btc(fee));
    review.fee_units = fee.to_string();
    let leaving: u64 = review
        .movements
        .iter()
        .filter(|movement| movement.kind == Kind::Pay)
        .filter_map(|movement| movement.units.parse::<u64>().ok())
        .sum();
    if tenths / 10 > HIGH_RATE || fee > HIGH_FEE || (leaving > 0 && fee > leaving / 10) {
        review.warn("HIGH_FEE", format!("the fee is {}", btc(fee)));
    }
    Ok(())
}

/// The sum of outputs; more than there is in the world is refused.
fn total<'a>(mut outputs: impl Iterator<Item = &'a TxOut>) -> Result<u64> {
    outputs
        .try_fold(0_u64, |sum, out| {
            sum.checked_add(out.value.to_sat())
                .filter(|&sum| sum <= SUPPLY)
        })
        .ok_or_else(|| ColdError::Malformed("its amounts are above all bitcoins there are".into()))
}
