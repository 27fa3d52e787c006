//! The rules. A transaction, already read by its chain's module, is held against the approvals, the policy
//! and what this signer is bound to; what comes out is what the journal must know before the first round.

use std::collections::BTreeSet;

use super::{Amount, Approval, Ledger, Limits};
use crate::chain::{Caps, Payment, Reading};
use crate::error::{Code, Refusal, refuse};
use crate::storage::Record;

/// What follows from a yes.
#[derive(Debug)]
pub struct Ruling {
    /// To be written before anything is said to anybody.
    pub records: Vec<Record>,
}

/// Decides, or says which rule forbids. `limits` gives an asset's limits, `now` is unix milliseconds.
///
/// # Errors
/// A [`Refusal`].
pub fn decide<'a>(
    reading: &Reading,
    approvals: &[Approval],
    caps: &Caps,
    limits: impl Fn(&str) -> Option<&'a Limits>,
    ledger: &Ledger,
    now: u64,
) -> Result<Ruling, Refusal> {
    each_once(approvals)?;
    matched(reading, approvals)?;
    let mut records = Vec::new();
    let mut fresh: Vec<&Approval> = Vec::new();
    for approval in approvals {
        spends_its_point(reading, approval)?;
        if !already_bound(ledger, approval)? {
            fresh.push(approval);
            records.push(Record::Bound {
                at: now,
                withdrawal: approval.withdrawal.clone(),
                conflict_point: approval.conflict_point.clone(),
                asset: approval.asset.clone(),
                address: approval.address.clone(),
                amount: Amount(approval.amount),
            });
        }
        let limits = limits(&approval.asset).ok_or_else(|| {
            Refusal::new(
                Code::Asset,
                format!(
                    "withdrawal {:?} is of {}, which the policy doesn't name",
                    approval.withdrawal, approval.asset
                ),
            )
        })?;
        within_limits(approval, limits)?;
    }
    within_a_day(&fresh, &limits, ledger, now)?;
    fee(reading, approvals, caps, ledger, now)?;
    records.push(Record::Fee {
        at: now,
        chain: reading.chain.name().to_owned(),
        spends: reading.spends(),
        amount: Amount(reading.fee),
    });
    Ok(Ruling { records })
}

fn each_once(approvals: &[Approval]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for approval in approvals {
        if !seen.insert(&approval.withdrawal) {
            return refuse(
                Code::Approval,
                format!(
                    "withdrawal {:?} is approved twice in one request",
                    approval.withdrawal
                ),
            );
        }
    }
    Ok(())
}

/// Every payment has its approval and every approval its payment, one to one.
fn matched(reading: &Reading, approvals: &[Approval]) -> Result<(), Refusal> {
    let mut unpaid: Vec<&Approval> = approvals.iter().collect();
    for payment in &reading.payments {
        let found = unpaid.iter().position(|approval| pays(payment, approval));
        let Some(place) = found else {
            return refuse(
                Code::Output,
                format!(
                    "{} pays {} of {} to {}: no approval given says so, it is not our own and not cold",
                    payment.place, payment.amount, payment.asset, payment.address
                ),
            );
        };
        unpaid.swap_remove(place);
    }
    match unpaid.first() {
        None => Ok(()),
        Some(approval) => refuse(
            Code::Approval,
            format!(
                "withdrawal {:?} ({} of {} to {}) is approved, but the transaction doesn't pay it",
                approval.withdrawal, approval.amount, approval.asset, approval.address
            ),
        ),
    }
}

fn pays(payment: &Payment, approval: &Approval) -> bool {
    payment.asset == approval.asset
        && payment.amount == approval.amount
        && payment.receivers.contains(&approval.address)
}

fn spends_its_point(reading: &Reading, approval: &Approval) -> Result<(), Refusal> {
    if reading.conflict_points.contains(&approval.conflict_point) {
        return Ok(());
    }
    refuse(
        Code::ConflictPoint,
        format!(
            "withdrawal {:?} is approved for transactions that spend {}, which this one doesn't",
            approval.withdrawal, approval.conflict_point
        ),
    )
}

/// Whether this very withdrawal was signed before; with another point or another payment it never is again.
fn already_bound(ledger: &Ledger, approval: &Approval) -> Result<bool, Refusal> {
    let Some(bound) = ledger.bound(&approval.withdrawal) else {
        return Ok(false);
    };
    if bound.conflict_point != approval.conflict_point {
        return refuse(
            Code::ConflictPoint,
            format!(
                "withdrawal {:?} is bound to {} for ever, and this approval names {}: it could be paid twice",
                approval.withdrawal, bound.conflict_point, approval.conflict_point
            ),
        );
    }
    let same = bound.asset == approval.asset
        && bound.address == approval.address
        && bound.amount == approval.amount;
    if same {
        Ok(true)
    } else {
        refuse(
            Code::Approval,
            format!(
                "withdrawal {:?} was signed as {} of {} to {} before",
                approval.withdrawal, bound.amount, bound.asset, bound.address
            ),
        )
    }
}

fn within_limits(approval: &Approval, limits: &Limits) -> Result<(), Refusal> {
    let id = &approval.withdrawal;
    if approval.amount > limits.per_withdrawal.0 {
        return refuse(
            Code::Limit,
            format!(
                "withdrawal {id:?}: {} of {} is above per_withdrawal, {}",
                approval.amount, approval.asset, limits.per_withdrawal.0
            ),
        );
    }
    let (got, want) = (
        approval.approvers.len(),
        limits.approvers_for(approval.amount),
    );
    if got < want {
        return refuse(
            Code::Approvers,
            format!(
                "withdrawal {id:?}: {} of {} needs {want} different administrators, {got} approved",
                approval.amount, approval.asset
            ),
        );
    }
    Ok(())
}

/// Limits of 24 hours, counting what this request adds.
fn within_a_day<'a>(
    fresh: &[&Approval],
    limits: &impl Fn(&str) -> Option<&'a Limits>,
    ledger: &Ledger,
    now: u64,
) -> Result<(), Refusal> {
    for (place, approval) in fresh.iter().enumerate() {
        let Some(limits) = limits(&approval.asset) else {
            continue;
        };
        let sum = |of: &dyn Fn(&Approval) -> bool| {
            fresh[..=place]
                .iter()
                .filter(|other| other.asset == approval.asset && of(other))
                .fold(0, |sum: u128, other| sum.saturating_add(other.amount))
        };
        let asset = ledger
            .spent(&approval.asset, now)
            .saturating_add(sum(&|_| true));
        let address = ledger
            .spent_to(&approval.asset, &approval.address, now)
            .saturating_add(sum(&|other| other.address == approval.address));
        for (total, limit, name) in [
            (asset, limits.per_day.0, "per_day"),
            (address, limits.per_address_per_day.0, "per_address_per_day"),
        ] {
            if total > limit {
                return refuse(
                    Code::Limit,
                    format!(
                        "withdrawal {:?} would bring 24 hours to {total} of {}, above {name}, {limit}",
                        approval.withdrawal, approval.asset
                    ),
                );
            }
        }
    }
    Ok(())
}

fn fee(
    reading: &Reading,
    approvals: &[Approval],
    caps: &Caps,
    ledger: &Ledger,
    now: u64,
) -> Result<(), Refusal> {
    let above = |name: &str, fee: u128, cap: u128| {
        refuse(
            Code::Fee,
            format!("a fee of {fee} on {}, above {name}, {cap}", reading.chain),
        )
    };
    if reading.fee > caps.max_fee {
        return above("max_fee", reading.fee, caps.max_fee);
    }
    if !approvals.is_empty() {
        let approved = approvals.iter().fold(0, |sum: u128, approval| {
            sum.saturating_add(approval.max_fee)
        });
        if reading.fee > approved {
            return above("what the approvals allow together", reading.fee, approved);
        }
    }
    let day = ledger
        .fees(reading.chain.name(), &reading.spends(), now)
        .saturating_add(reading.fee);
    if day > caps.max_fee_per_day {
        return above("max_fee_per_day", day, caps.max_fee_per_day);
    }
    Ok(())
}
