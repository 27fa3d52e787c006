"""Two users trade through the gateway: their balances before and after, and whether the books balance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outcry_services.cli.errors import CliError
from outcry_services.cli.gateway import Gateway
from outcry_services.cli.login import Login
from rich.console import Console
from rich.table import Table

from e2e.cluster.credentials import USERS
from e2e.cluster.errors import ClusterError
from e2e.cluster.helm import PLATFORM, what_is_wrong
from e2e.cluster.platform import GATEWAY_PORT, credentials_of
from e2e.cluster.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.cluster.progress import Progress
    from e2e.cluster.provider import Provider

__all__ = ["Story", "Trader", "show", "trade", "trader_of", "url_of"]

SYMBOL, BASE, QUOTE = "BTC-USDT", "BTC", "USDT"
QUANTITY, PRICE = "0.10000", "60000.00"
# What each brings: enough for the trade, in what they pay with.
DEPOSITS = {"alice": (QUOTE, "10000"), "bob": (BASE, "0.5")}
SECONDS = 60.0
# The sums of the ledger by their names in the API, and for people; the rare ones only where there are any.
SUMS = {"available": "available", "held": "held", "fees": "fees", "deposits": "deposits"}
RARE = {
    "withdrawalsInFlight": "in flight",
    "withdrawals": "paid out",
    "chainFees": "chain fees",
    "costs": "costs",
    "adjustments": "adjustments",
    "clearing": "clearing",
    "house": "house",
}

Balances = dict[str, dict[str, Decimal]]


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was seen: of each user, the available amount of each asset before and after; then the books."""

    before: Balances
    after: Balances
    orders: dict[str, dict[str, Any]]
    trial_balance: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Trader:
    """A user of the exchange, with signed requests as the only way to it."""

    name: str
    user_id: int
    gateway: Gateway

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """An answer of the exchange; raises ClusterError with its own words when it says no."""
        try:
            return self.gateway.call(method, path, body=body, query=query)
        except CliError as error:
            raise ClusterError(f"{method} {path} as {self.name}: {error}") from error


def trader_of(provider: Provider, name: str) -> Trader:
    """One of those whose keys `up` made."""
    credentials = credentials_of(provider)
    user = next(user for user in USERS if user.name == name)
    login = Login(
        url=url_of(provider),
        key=name,
        key_file=str(credentials.key(name)),
        ca=str(credentials.authority),
    )
    return Trader(name=name, user_id=user.user_id, gateway=Gateway(login))


def url_of(provider: Provider) -> str:
    """The gateway's."""
    return f"https://{provider.address}:{GATEWAY_PORT}"


def trade(provider: Provider, *, progress: Progress) -> Story:
    """Give both something to trade with, let them trade, and look at everything again.

    Raises ClusterError, with what pods that aren't ready said last: who doesn't do their part is among them.
    """
    try:
        return tell(provider, progress=progress)
    except ClusterError as error:
        state = what_is_wrong(PLATFORM.namespace, kubectl=provider.kubectl)
        raise ClusterError(f"{error}\n{state}") from error


def tell(provider: Provider, *, progress: Progress) -> Story:
    """The story itself."""
    admin, alice, bob = (trader_of(provider, name) for name in ("admin", "alice", "bob"))
    with progress.step("two users trade through the gateway", key="trade") as step:
        step.detail = "the gateway's first answer"
        wait_for("the gateway", lambda: balances(alice, bob), seconds=SECONDS, error=ClusterError)
        step.detail = "deposits"
        run = str(time.time_ns() // 1_000_000)
        for trader in (alice, bob):
            fund(admin, trader, run=run)
        before = balances(alice, bob)
        step.detail = "orders"
        bought = enter(alice, side="BUY", run=run)
        wait_resting(alice, bought["orderId"])
        sold = enter(bob, side="SELL", run=run)
        entered = [(alice, bought), (bob, sold)]
        filled = {trader.name: wait_filled(trader, order["orderId"]) for trader, order in entered}
        step.detail = "balances"
        after = settled(lambda: balances(alice, bob), before)
        step.detail = "the ledger"
        for trader in (alice, bob):
            until(f"{trader.name}'s trade in the ledger", lambda trader=trader: in_ledger(trader, filled))  # type: ignore[misc]
        return Story(before=before, after=after, orders=filled, trial_balance=trial_balance(admin))


def fund(admin: Trader, trader: Trader, *, run: str) -> None:
    """Deposit, and wait until it can be traded with."""
    asset, amount = DEPOSITS[trader.name]
    had = balance_of(trader, asset)
    deposit = {"userId": str(trader.user_id), "asset": asset, "amount": amount}
    admin.call("POST", "/admin/deposits", deposit | {"reference": f"make-up-{trader.name}-{run}"})
    until(f"{trader.name}'s deposit of {amount} {asset}", lambda: balance_of(trader, asset) > had)


def enter(trader: Trader, *, side: str, run: str) -> dict[str, Any]:
    """The order that was accepted."""
    order = {
        "symbol": SYMBOL,
        "side": side,
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": PRICE,
        "quantity": QUANTITY,
        "clientOrderId": f"{trader.name}-{run}",
    }
    return trader.call("POST", "/orders", order)


def wait_resting(trader: Trader, order_id: str) -> None:
    """The order once the engine has it. Accepted, it may still be overtaken by one of another user's."""

    def there() -> bool:
        return bool(trader.call("GET", f"/orders/{order_id}").get("status") != "PENDING_NEW")

    until(f"{trader.name}'s order {order_id} in the book", there)


def wait_filled(trader: Trader, order_id: str) -> dict[str, Any]:
    """The order once it is FILLED; raises ClusterError when it ends otherwise."""
    seen: dict[str, Any] = {}

    def ended() -> bool:
        seen.update(trader.call("GET", f"/orders/{order_id}"))
        return seen.get("status") not in {"PENDING_NEW", "NEW", "PARTIALLY_FILLED"}

    until(f"{trader.name}'s order {order_id} FILLED", ended)
    if seen["status"] != "FILLED":
        reason = seen.get("reason") or "no reason was given"
        raise ClusterError(f"{trader.name}'s order {order_id} is {seen['status']}: {reason}")
    return seen


def balances(*traders: Trader) -> Balances:
    """What each has available, by asset."""
    return {trader.name: {asset: balance_of(trader, asset) for asset in (BASE, QUOTE)} for trader in traders}


def balance_of(trader: Trader, asset: str) -> Decimal:
    """The available amount."""
    position = trader.call("GET", f"/positions/{trader.user_id}/{asset}")
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


def in_ledger(trader: Trader, orders: dict[str, dict[str, Any]]) -> bool:
    """Whether the trader's statement has the trade of their order."""
    lines = trader.call("GET", "/ledger").get("lines", [])
    wanted = orders[trader.name]["orderId"]
    return any(line["orderId"] == wanted and line["kind"] == "trade" for line in lines)


def trial_balance(admin: Trader) -> dict[str, Any]:
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


def show(story: Story, *, url: str) -> None:
    """For people."""
    console = Console()
    console.print(f"\nalice bought {short(QUANTITY)} {BASE} of bob at {short(PRICE)} {QUOTE}, through {url}")
    console.print("(TLS 1.3, each request signed with Ed25519)", highlight=False)
    console.print(balance_table(story))
    balance = story.trial_balance
    faults = "; ".join(balance.get("faults", [])) or "every asset sums to zero"
    console.print(f"The ledger over {balance.get('transactions', 0)} transactions: {faults}.")
    console.print(trial_balance_table(balance))


def balance_table(story: Story) -> Table:
    """Before, after, and the difference: with what was traded, fees and rebates."""
    table = Table()
    for column in ("user", "asset", "before", "after", "change"):
        table.add_column(column, justify="left" if column in {"user", "asset"} else "right")
    for user, assets in story.before.items():
        for asset, amount in assets.items():
            after = story.after[user][asset]
            table.add_row(user, asset, short(amount), short(after), sign(after - amount))
    return table


def trial_balance_table(balance: dict[str, Any]) -> Table:
    """The sums of all accounts, by asset; what users paid in stands against what they have."""
    assets = balance.get("assets", [])
    rare = {name: word for name, word in RARE.items() if any(amount_of(asset, name) for asset in assets)}
    columns = SUMS | rare | {"sum": "sum"}
    table = Table()
    for column in ("asset", *columns.values()):
        table.add_column(column, justify="left" if column == "asset" else "right")
    for asset in assets:
        table.add_row(asset["asset"], *(short(amount_of(asset, name)) for name in columns))
    return table


def amount_of(asset: dict[str, Any], name: str) -> Decimal:
    """One of an asset's sums; what the ledger doesn't name is nothing."""
    return Decimal(asset.get(name) or "0")


def short(amount: Decimal | str) -> str:
    """Thousands apart, no zeros at the end."""
    text = f"{Decimal(amount):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def sign(change: Decimal) -> str:
    """The same with a sign, none for nothing."""
    return f"+{short(change)}" if change > 0 else short(change)
