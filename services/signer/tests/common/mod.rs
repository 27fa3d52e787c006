//! Three machines in one process, with the relay between them.

use std::collections::BTreeMap;

use outcry_signer::protocol::{Fault, Inbox, Incoming, Index, Outgoing, Protocol, Step};
use outcry_signer::scheme::{self, Scheme, Share};

/// What was sent in one round, by sender.
pub type Sent = BTreeMap<Index, Outgoing>;

/// Runs machines to their end. `meddle` sees what a round sent, before it arrives.
pub fn run_with<P: Protocol>(
    mut machines: BTreeMap<Index, P>,
    mut meddle: impl FnMut(usize, &mut Sent),
) -> BTreeMap<Index, Result<P::Output, Fault>> {
    let mut inboxes: BTreeMap<Index, Inbox> = machines
        .keys()
        .map(|index| (*index, Inbox::new()))
        .collect();
    let mut ended = BTreeMap::new();
    for round in 1.. {
        let mut sent = Sent::new();
        machines.retain(|index, machine| match machine.advance(&inboxes[index]) {
            Ok(Step::Send(outgoing)) => {
                sent.insert(*index, outgoing);
                true
            }
            Ok(Step::Done(output)) => {
                ended.insert(*index, Ok(output));
                false
            }
            Err(fault) => {
                ended.insert(*index, Err(fault));
                false
            }
        });
        if machines.is_empty() {
            return ended;
        }
        meddle(round, &mut sent);
        inboxes = deliver(&sent);
    }
    unreachable!("rounds end")
}

fn deliver(sent: &Sent) -> BTreeMap<Index, Inbox> {
    Index::ALL
        .into_iter()
        .map(|receiver| {
            let inbox = sent
                .iter()
                .filter(|(sender, _)| **sender != receiver)
                .map(|(sender, outgoing)| {
                    let private = outgoing.private.get(&receiver).cloned().unwrap_or_default();
                    let shared = outgoing.shared.clone();
                    (*sender, Incoming { shared, private })
                })
                .collect();
            (receiver, inbox)
        })
        .collect()
}

/// Runs machines of honest parties.
pub fn run<P: Protocol>(machines: BTreeMap<Index, P>) -> BTreeMap<Index, P::Output> {
    run_with(machines, |_, _| {})
        .into_iter()
        .map(|(index, result)| (index, result.unwrap()))
        .collect()
}

/// A key made by three.
pub fn generate(scheme: Scheme) -> BTreeMap<Index, Share> {
    let machines = Index::ALL
        .into_iter()
        .map(|me| (me, scheme::generate(scheme, me, b"dkg").unwrap()))
        .collect();
    whole(run(machines))
}

/// Every share of a protocol that gave one to each.
pub fn whole(shares: BTreeMap<Index, Option<Share>>) -> BTreeMap<Index, Share> {
    shares
        .into_iter()
        .map(|(index, share)| (index, share.unwrap()))
        .collect()
}

/// The three pairs that can sign.
pub fn pairs() -> [(Index, Index); 3] {
    let [a, b, c] = Index::ALL;
    [(a, b), (a, c), (b, c)]
}
