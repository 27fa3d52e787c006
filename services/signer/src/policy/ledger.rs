//! What this signer is bound to, as its journal tells: withdrawals and their conflict points for ever,
//! amounts and fees of the last 24 hours.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::storage::Record;

/// Milliseconds of the window that limits look at.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// A withdrawal as it was first signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What every transaction for it spends.
    pub conflict_point: String,
    /// Which asset.
    pub asset: String,
    /// To whom.
    pub address: String,
    /// Chain units.
    pub amount: u128,
}

struct Spent {
    at: u64,
    asset: String,
    address: String,
    amount: u128,
}

/// The view. Records go to the journal first, then in here.
#[derive(Default)]
pub struct Ledger {
    bound: HashMap<String, Bound>,
    spent: VecDeque<Spent>,
    /// By chain, then by what the transaction spends: when, and the highest fee signed for it.
    fees: BTreeMap<String, HashMap<String, (u64, u128)>>,
}

impl Ledger {
    /// Takes in one record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Bound {
                at,
                withdrawal,
                conflict_point,
                asset,
                address,
                amount,
            } => {
                self.spent.push_back(Spent {
                    at: *at,
                    asset: asset.clone(),
                    address: address.clone(),
                    amount: amount.0,
                });
                let bound = Bound {
                    conflict_point: conflict_point.clone(),
                    asset: asset.clone(),
                    address: address.clone(),
                    amount: amount.0,
                };
                self.bound.entry(withdrawal.clone()).or_insert(bound);
            }
            Record::Fee {
                at,
                chain,
                spends,
                amount,
            } => {
                let fee = self
                    .fees
                    .entry(chain.clone())
                    .or_default()
                    .entry(spends.clone())
                    .or_default();
                *fee = (*at, fee.1.max(amount.0));
            }
            _ => {}
        }
    }

    /// Forgets what no limit looks at any more. (Not what is bound.)
    pub fn forget(&mut self, now: u64) {
        let since = now.saturating_sub(DAY);
        while self.spent.front().is_some_and(|spent| spent.at < since) {
            self.spent.pop_front();
        }
        for fees in self.fees.values_mut() {
            fees.retain(|_, (at, _)| *at >= since);
        }
    }

    /// The withdrawal, if it was ever signed.
    #[must_use]
    pub fn bound(&self, withdrawal: &str) -> Option<&Bound> {
        self.bound.get(withdrawal)
    }

    /// Of an asset in the last 24 hours.
    #[must_use]
    pub fn spent(&self, asset: &str, now: u64) -> u128 {
        self.sum(now, |spent| spent.asset == asset)
    }

    /// Of an asset to one address in the last 24 hours.
    #[must_use]
    pub fn spent_to(&self, asset: &str, address: &str, now: u64) -> u128 {
        self.sum(now, |spent| {
            spent.asset == asset && spent.address == address
        })
    }

    /// Fees on a chain in the last 24 hours, without those for what `except` spends.
    #[must_use]
    pub fn fees(&self, chain: &str, except: &str, now: u64) -> u128 {
        let since = now.saturating_sub(DAY);
        self.fees.get(chain).map_or(0, |fees| {
            fees.iter()
                .filter(|(spends, (at, _))| *at >= since && *spends != except)
                .fold(0, |sum: u128, (_, (_, fee))| sum.saturating_add(*fee))
        })
    }

    fn sum(&self, now: u64, of: impl Fn(&Spent) -> bool) -> u128 {
        let since = now.saturating_sub(DAY);
        self.spent
            .iter()
            .filter(|spent| spent.at >= since && of(spent))
            .fold(0, |sum: u128, spent| sum.saturating_add(spent.amount))
    }
}
