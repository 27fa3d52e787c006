"""The story of a wallet, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from e2e.cluster.trade import short

if TYPE_CHECKING:
    from e2e.cluster.wallets.story import Story

__all__ = ["as_json", "show"]


def as_json(story: Story) -> dict[str, Any]:
    """Everything; amounts are text."""
    return {
        "chain": story.chain,
        "asset": story.asset,
        "publicKey": story.public_key,
        "deposit": story.deposit,
        "order": story.order,
        "withdrawal": story.withdrawal,
        "stopped": story.stopped,
        "onChain": {"received": str(story.received), "fee": str(story.fee)},
        "inBooks": {name: str(amount) for name, amount in story.moved.items()},
    }


def show(story: Story) -> None:
    """For a terminal."""
    deposit, withdrawal, asset = story.deposit, story.withdrawal, story.asset
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"\nbob was paid {short(deposit['amount'])} {asset} on {story.chain}, alice bought "
        f"{short(story.order['quantity'])} of them and had them paid out."
    )
    console.print(f"{story.stopped} was stopped meanwhile: the two others signed.\n")
    console.print(f"  deposit     {deposit['transactionId']}")
    console.print(f"  to          {deposit['address']}")
    console.print(f"  withdrawal  {withdrawal['transactionId']}")
    console.print(f"  to          {withdrawal['address']}")
    console.print(f"  public key  {story.public_key}, of which each signer has a share\n")
    console.print(steps_table(story))
    console.print(
        f"Books and chain agree to the unit: {short(deposit['amount'])} {asset} came in, "
        f"{short(story.received)} went out, {short(story.fee)} were the chain's fee."
    )


def steps_table(story: Story) -> Table:
    """What became of the withdrawal, and how long each step took."""
    table = Table()
    for column in ("withdrawal", "at", "reason"):
        table.add_column(column)
    for step in story.withdrawal.get("steps", ()):
        table.add_row(step["status"], step["time"], step.get("reason") or "")
    return table
