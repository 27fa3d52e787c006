//! Risk's word on one withdrawal, checked by the signer itself.

use std::collections::BTreeSet;

use ed25519_dalek::Signature;
use prost::Message as _;

use super::Policy;
use super::limits::parse;
use crate::chain::Chain;
use crate::error::{Code, Refusal, refuse};
use crate::proto;

/// What risk signs, before the approval's bytes.
pub const DOMAIN: &[u8] = b"outcry/withdrawal-approval/v1\0";
/// How far risk's clock may be ahead of ours.
const SKEW_NANOS: i128 = 5 * 60 * 1_000_000_000;

/// A withdrawal that risk approved: signature proven, in force now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Risk's name for the withdrawal.
    pub withdrawal: String,
    /// Which asset.
    pub asset: String,
    /// To whom, as the chain writes it.
    pub address: String,
    /// Chain units.
    pub amount: u128,
    /// What every transaction for it spends.
    pub conflict_point: String,
    /// The most it may add to the fee.
    pub max_fee: u128,
    /// Different administrators who approved by hand.
    pub approvers: BTreeSet<String>,
}

impl Approval {
    /// Proves and reads one approval; `now` is unix milliseconds.
    ///
    /// # Errors
    /// A [`Refusal`] that names the rule.
    pub fn verify(
        signed: &proto::SignedApproval,
        policy: &Policy,
        chain: Chain,
        network: &str,
        now: u64,
    ) -> Result<Self, Refusal> {
        prove(signed, policy)?;
        let said = proto::WithdrawalApproval::decode(signed.approval.as_slice())
            .map_err(|_| Refusal::new(Code::Approval, "an approval that can't be decoded"))?;
        let id = &said.withdrawal_id;
        let wrong =
            |problem: String| refuse(Code::Approval, format!("approval of {id:?}: {problem}"));
        if id.is_empty() || id.len() > 128 {
            return wrong("a withdrawal id of 1 to 128 bytes is needed".to_owned());
        }
        if said.chain != chain.name() || said.network != network {
            return refuse(
                Code::Network,
                format!(
                    "approval of {id:?} is for {} {}, the transaction for {chain} {network}",
                    said.chain, said.network
                ),
            );
        }
        in_force(&said, policy, now)?;
        let (Some(amount), Some(max_fee)) = (parse(&said.amount), parse(&said.max_fee)) else {
            return wrong(format!(
                "amount {:?} or max_fee {:?} is no decimal number of chain units",
                said.amount, said.max_fee
            ));
        };
        if amount == 0 {
            return wrong("an amount of zero".to_owned());
        }
        if said.conflict_point.is_empty() {
            return wrong("no conflict point: risk must fix one".to_owned());
        }
        Ok(Self {
            withdrawal: said.withdrawal_id,
            asset: said.asset,
            address: said.address,
            amount,
            conflict_point: said.conflict_point,
            max_fee,
            approvers: said.approvers.into_iter().collect(),
        })
    }
}

fn prove(signed: &proto::SignedApproval, policy: &Policy) -> Result<(), Refusal> {
    let id = &signed.key_id;
    let Some(key) = policy.risk_keys.get(id) else {
        return refuse(
            Code::Signature,
            format!(
                "an approval signed with key {id:?}, which the policy doesn't name in risk_keys"
            ),
        );
    };
    let proven = Signature::from_slice(&signed.signature).is_ok_and(|signature| {
        key.verify_strict(&[DOMAIN, &signed.approval].concat(), &signature)
            .is_ok()
    });
    if proven {
        Ok(())
    } else {
        refuse(
            Code::Signature,
            format!("an approval that key {id:?} did not sign: altered, or made by somebody else"),
        )
    }
}

fn in_force(said: &proto::WithdrawalApproval, policy: &Policy, now: u64) -> Result<(), Refusal> {
    let id = &said.withdrawal_id;
    let now = i128::from(now) * 1_000_000;
    let (reviewed, expires) = (i128::from(said.reviewed_at), i128::from(said.expires_at));
    let validity = i128::from(policy.approval_validity_seconds) * 1_000_000_000;
    if expires <= now {
        return refuse(
            Code::Expired,
            format!(
                "approval of {id:?} has expired; have it reviewed again, with the same conflict point"
            ),
        );
    }
    if reviewed > now + SKEW_NANOS {
        return refuse(
            Code::Expired,
            format!("approval of {id:?} was reviewed in the future; compare the clocks"),
        );
    }
    if expires - reviewed > validity {
        return refuse(
            Code::Expired,
            format!(
                "approval of {id:?} is valid for longer than approval_validity_seconds, {}",
                policy.approval_validity_seconds
            ),
        );
    }
    Ok(())
}
