"""Coins come to a user, are sold to another one, and leave by two of three signers while one is stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from e2e.cluster import trade
from e2e.cluster.errors import ClusterError
from e2e.cluster.waiting import wait_for
from e2e.cluster.wallets.bitcoin import bitcoin_of
from e2e.cluster.wallets.manifest import apply_wallet, open_wallet
from e2e.cluster.wallets.signers import stopped

if TYPE_CHECKING:
    from e2e.cluster.progress import Progress, Step
    from e2e.cluster.provider import Provider
    from e2e.cluster.trade import Trader
    from e2e.cluster.wallets.bitcoin import BitcoinChain

__all__ = ["STOPPED", "Story", "tell"]

DEPOSIT = Decimal("0.2")
AMOUNT = Decimal(trade.QUANTITY)
STOPPED = 3
CHAINS = {"bitcoin": bitcoin_of}
ENDED = {"COMPLETED", "REFUSED", "REJECTED", "RELEASED", "RETURNED"}

Sums = dict[str, Decimal]
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was seen. Amounts are in the asset's own unit."""

    chain: str
    asset: str
    public_key: str
    """Of the group: nobody has its private half."""
    deposit: Row
    order: Row
    withdrawal: Row
    stopped: str
    """The pod that was gone while the withdrawal was signed."""
    received: Decimal
    """By the withdrawal's address, as the chain has it."""
    fee: Decimal
    """Of its transaction, as the chain has it."""
    moved: Sums
    """What the ledger's sums of the asset changed by meanwhile."""


def tell(provider: Provider, name: str, *, progress: Progress) -> Story:
    """The story on a chain; raises ClusterError, as also where books and chain differ by a unit."""
    kubectl = provider.kubectl
    with progress.step(f"opening the {name} wallet", key=f"wallet {name}") as step:
        apply_wallet(provider, name)
        wallet = open_wallet(provider, name, step=step)
    admin, alice, bob = (trade.trader_of(provider, name) for name in ("admin", "alice", "bob"))
    with CHAINS[name](provider) as chain:
        before = sums(admin, chain.asset)
        with progress.step(f"{DEPOSIT} {chain.asset} arrive for bob", key="wallet deposit") as step:
            deposit = receive(chain, bob, step=step)
        with progress.step(f"alice buys {AMOUNT} of them", key="wallet trade"):
            order = sell(admin, alice, bob)
        with (
            stopped(kubectl, name, STOPPED, progress=progress) as pod,
            progress.step("the two others release alice's withdrawal", key="wallet withdrawal") as step,
        ):
            withdrawal = withdraw(chain, alice, step=step)
        with progress.step("comparing books and chain", key="wallet books"):
            txid = withdrawal["transactionId"]
            story = Story(
                chain=chain.name,
                asset=chain.asset,
                public_key=wallet["status"]["key"]["publicKey"],
                deposit=deposit,
                order=order,
                withdrawal=withdrawal,
                stopped=pod,
                received=chain.received(txid, withdrawal["address"]),
                fee=chain.fee(txid),
                moved=moved(admin, chain.asset, before),
            )
            check(story)
    return story


def receive(chain: BitcoinChain, user: Trader, *, step: Step) -> Row:
    """Pay to the user's own address, make it deep enough, and wait until it is credited."""
    found: Row = {}

    def ask() -> None:
        # Refused until the wallet has looked at the chain: nobody is told an address that nobody watches.
        found.update(user.call("GET", "/deposits/address", query={"asset": chain.asset}))

    step.detail = f"{user.name}'s address"
    chain.mine()
    wait_for(f"{user.name}'s address", ask, seconds=trade.SECONDS, error=ClusterError)
    txid = chain.pay(found["address"], DEPOSIT)
    chain.mine(chain.confirmations - 1)
    step.detail = txid

    def credited() -> bool:
        rows = user.call("GET", "/deposits")["deposits"]
        found.update(next((row for row in rows if row["transactionId"] == txid), {}))
        return bool(found.get("status") == "CREDITED")

    trade.until(f"deposit {txid} credited to {user.name}", credited)
    return found


def sell(admin: Trader, buyer: Trader, seller: Trader) -> Row:
    """The buyer's order, FILLED by what the seller just got; the buyer's money is an administrator's word."""
    run = f"wallet-{time.time_ns() // 1_000_000}"
    trade.fund(admin, buyer, run=run)
    bought = trade.enter(buyer, side="BUY", run=run)
    trade.wait_resting(buyer, bought["orderId"])
    sold = trade.enter(seller, side="SELL", run=run)
    trade.wait_filled(seller, sold["orderId"])
    return trade.wait_filled(buyer, bought["orderId"])


def withdraw(chain: BitcoinChain, user: Trader, *, step: Step) -> Row:
    """Ask for it, make blocks once it is sent; raises ClusterError unless it ends as paid."""
    asked = {
        "asset": chain.asset,
        "amount": str(AMOUNT),
        "address": chain.stranger(),
        "network": chain.name,
    }
    found = user.call("POST", "/withdrawals", asked)
    path = f"/withdrawals/{found['withdrawalId']}"

    def reached(*wanted: str) -> bool:
        found.update(user.call("GET", path))
        step.detail = " ".join(filter(None, (found["status"], found.get("reason"))))
        return found["status"] in {*wanted, *ENDED}

    trade.until(f"withdrawal {found['withdrawalId']} sent", lambda: reached("SENT"))
    chain.wait_known(found["transactionId"])
    chain.mine(chain.confirmations)
    trade.until(f"withdrawal {found['withdrawalId']} completed", reached)
    if found["status"] != "COMPLETED":
        raise ClusterError(f"withdrawal {found['withdrawalId']} is {found['status']}: {found.get('reason')}")
    return found


def sums(admin: Trader, asset: str) -> Sums:
    """The ledger's sums of an asset, over all accounts; raises ClusterError where they aren't at zero."""
    rows = trade.trial_balance(admin).get("assets", [])
    row: Row = next((row for row in rows if row["asset"] == asset), {})
    return {name: trade.amount_of(row, name) for name in ("deposits", "withdrawals", "chainFees", "held")}


def moved(admin: Trader, asset: str, before: Sums) -> Sums:
    """What they changed by, once the withdrawal is in the ledger."""
    now: Sums = {}

    def booked() -> bool:
        now.update(sums(admin, asset))
        return now["withdrawals"] != before["withdrawals"]

    trade.until("the withdrawal in the ledger", booked)
    return {name: now[name] - amount for name, amount in before.items()}


def check(story: Story) -> None:
    """Raises ClusterError where the books say anything else than the chain."""
    chain = {
        # What came in is negative in the ledger.
        "deposits": -Decimal(story.deposit["amount"]),
        "withdrawals": story.received,
        "chainFees": story.fee,
        "held": Decimal(0),
    }
    if story.moved != chain or story.received != AMOUNT:
        said = {name: str(amount) for name, amount in story.moved.items()}
        seen = {name: str(amount) for name, amount in chain.items()}
        raise ClusterError(f"books and chain differ: the books moved by {said}, the chain by {seen}")
