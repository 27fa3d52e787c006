"""Two users trade through the gateway: their balances before and after, and whether the books balance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from e2e.cluster.credentials import USERS
from e2e.cluster.errors import ClusterError
from e2e.cluster.gateway import Gateway
from e2e.cluster.platform import GATEWAY_PORT, credentials_of
from e2e.cluster.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.cluster.progress import Progress
    from e2e.cluster.provider import Provider

__all__ = ["Story", "address_of", "gateway_of", "show", "trade"]

SYMBOL, BASE, QUOTE = "BTC-USDT", "BTC", "USDT"
QUANTITY, PRICE = "0.10000", "60000.00"
# What each brings: enough for the trade, in what they pay with.
DEPOSITS = {"alice": (QUOTE, "10000"), "bob": (BASE, "0.5")}
SECONDS = 60.0

Balances = dict[str, dict[str, Decimal]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was seen: of each user, the available amount of each asset before and after; then the books."""

    before: Balances
    after: Balances
    orders: dict[str, dict[str, Any]]
    trial_balance: dict[str, Any]


def gateway_of(provider: Provider, user: str) -> Gateway:
    """The cluster's gateway as one of its users sees it."""
    return Gateway.of(credentials_of(provider), user=user, host=provider.address, port=GATEWAY_PORT)


def address_of(provider: Provider) -> str:
    """The gateway's, for people."""
    return f"https://{provider.address}:{GATEWAY_PORT} (TLS 1.3, requests signed with Ed25519)"


def trade(provider: Provider, *, progress: Progress) -> Story:
    """Give both something to trade with, let them trade, and look at everything again."""
    admin, alice, bob = (gateway_of(provider, user.name) for user in USERS)
    with progress.step("two users trade through the gateway", key="trade") as step:
        step.detail = "the gateway's first answer"
        wait_for("the gateway", lambda: balances(alice, bob), seconds=SECONDS, error=ClusterError)
        step.detail = "deposits"
        run = str(time.time_ns() // 1_000_000)
        fund(admin, {"alice": alice, "bob": bob}, run=run)
        before = balances(alice, bob)
        step.detail = "orders"
        orders = {
            "alice": enter(alice, side="BUY", client_order_id=f"alice-{run}"),
            "bob": enter(bob, side="SELL", client_order_id=f"bob-{run}"),
        }
        filled = {user.user: wait_filled(user, orders[user.user]["orderId"]) for user in (alice, bob)}
        step.detail = "balances"
        after = settled(lambda: balances(alice, bob), before)
        step.detail = "the trial balance"
        return Story(before=before, after=after, orders=filled, trial_balance=wait_balanced(admin))


def id_of(name: str) -> int:
    """The number behind a user's name."""
    return next(user.user_id for user in USERS if user.name == name)


def fund(admin: Gateway, users: dict[str, Gateway], *, run: str) -> None:
    """Deposit for each, and wait until it can be traded with."""
    for name, (asset, amount) in DEPOSITS.items():
        had = balance_of(users[name], asset)
        deposit = {
            "userId": str(id_of(name)),
            "asset": asset,
            "amount": amount,
            "reference": f"make-up-{name}-{run}",
        }
        admin.call("POST", "/admin/deposits", deposit)
        until(
            f"{name}'s deposit of {amount} {asset}",
            lambda name=name, asset=asset, had=had: balance_of(users[name], asset) > had,  # type: ignore[misc]
        )


def enter(user: Gateway, *, side: str, client_order_id: str) -> dict[str, Any]:
    """The order that was accepted."""
    order = {
        "symbol": SYMBOL,
        "side": side,
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": PRICE,
        "quantity": QUANTITY,
        "clientOrderId": client_order_id,
    }
    return user.call("POST", "/orders", order)


def wait_filled(user: Gateway, order_id: str) -> dict[str, Any]:
    """The order once it is FILLED; raises ClusterError when it ends otherwise."""
    seen: dict[str, Any] = {}

    def ended() -> bool:
        seen.update(user.call("GET", f"/orders/{order_id}"))
        return seen.get("status") not in {"PENDING_NEW", "NEW", "PARTIALLY_FILLED"}

    until(f"{user.user}'s order {order_id} FILLED", ended)
    if seen["status"] != "FILLED":
        reason = seen.get("reason") or "no reason was given"
        raise ClusterError(f"{user.user}'s order {order_id} is {seen['status']}: {reason}")
    return seen


def balances(*users: Gateway) -> Balances:
    """What each has available, by asset."""
    return {user.user: {asset: balance_of(user, asset) for asset in (BASE, QUOTE)} for user in users}


def balance_of(user: Gateway, asset: str) -> Decimal:
    """The available amount."""
    position = user.call("GET", f"/positions/{id_of(user.user)}/{asset}")
    return Decimal(position.get("available") or "0")


def settled(look: Callable[[], Balances], before: Balances) -> Balances:
    """The balances once all four have moved."""
    seen: Balances = {}

    def moved() -> bool:
        seen.update(look())
        return all(
            seen[user][asset] != amount for user, assets in before.items() for asset, amount in assets.items()
        )

    until("both users' balances changed by the trade", moved)
    return seen


def wait_balanced(admin: Gateway) -> dict[str, Any]:
    """The trial balance; raises ClusterError when it isn't one."""
    found = admin.call("GET", "/admin/ledger/check")
    if not found.get("balanced"):
        raise ClusterError(f"the trial balance is not at zero: {'; '.join(found.get('faults', []))}")
    return found


def until(what: str, holds: Callable[[], bool]) -> None:
    """Ask again until it holds; raises ClusterError after a minute."""

    def attempt() -> None:
        if not holds():
            raise NotYetError(what)

    wait_for(what, attempt, seconds=SECONDS, error=NotYetError)


class NotYetError(ClusterError):
    """Asked too early."""


def show(story: Story, *, where: str) -> None:
    """For people."""
    console = Console()
    table = Table(title=f"{QUANTITY} {BASE} at {PRICE} {QUOTE}, through {where}", title_justify="left")
    for column, justify in (("user", "left"), ("asset", "left"), ("before", "right"), ("after", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("change", justify="right")
    for user, assets in story.before.items():
        for asset, amount in assets.items():
            after = story.after[user][asset]
            table.add_row(user, asset, f"{amount:f}", f"{after:f}", f"{after - amount:+f}")
    console.print(table)
    sums = Table(
        title=f"trial balance over {story.trial_balance.get('transactions', 0)} transactions",
        title_justify="left",
    )
    names = ("available", "held", "fees", "deposits", "withdrawalsInFlight", "house", "sum")
    for column in ("asset", *names):
        sums.add_column(column, justify="left" if column == "asset" else "right")
    for asset in story.trial_balance.get("assets", []):
        sums.add_row(asset["asset"], *(asset.get(name) or "0" for name in names))
    console.print(sums)
