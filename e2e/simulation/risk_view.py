"""Holds what risk knows in the end to what follows from the logs: its view, and what it goes by."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from e2e.simulation.market import USERS
from e2e.simulation.reference import ORDER_ENDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.simulation.reference import Logs, Reference
    from e2e.simulation.risk_side import Risk
    from e2e.simulation.world import World

__all__ = ["faults_of"]

DAY_NANOS = 86_400 * 10**9


def faults_of(world: World, logs: Logs, reference: Reference) -> list[str]:
    """What is wrong with the view of the process that lives; nothing in a story without risk."""
    if not world.asks_risk:
        return []
    if not world.risks:
        return ["risk is away"]
    (risk,) = world.risks.values()
    return [*_orders(world, risk, reference), *_trades(risk, logs), *_readiness(world, risk)]


def _orders(world: World, risk: Risk, reference: Reference) -> Iterator[str]:
    """What is open there is open, and counts once."""
    found = risk.view.open_orders
    wanted = {order_id: one for order_id, one in reference.orders.items() if one.status not in ORDER_ENDS}
    for order_id in sorted(found.keys() ^ wanted.keys()):
        yield f"risk has order {order_id} as {found.get(order_id)}, it is {wanted.get(order_id)}"
    counts = Counter((one.user, one.symbol) for one in wanted.values())
    for key, account in risk.view.accounts.items():
        if account.open_orders != counts[key]:
            yield f"risk counts {account.open_orders} open orders of {key}, there are {counts[key]}"
        if account.exposure < 0 or (account.exposure and not counts[key]):
            yield f"risk has {account.exposure} of {key} on offer, beside {counts[key]} open orders"
    risk.view.reservations.expire()
    if len(risk.view.reservations):
        yield f"{len(risk.view.reservations)} reservations are left"
    if risk.view.early:
        yield f"ends without a beginning: {risk.view.early}"


def _trades(risk: Risk, logs: Logs) -> Iterator[str]:
    volumes: Counter[tuple[int, str, int]] = Counter()
    last: dict[str, int] = {}
    for symbol, events in logs.events.items():
        for event in events:
            if event.HasField("trade_executed"):
                it = event.trade_executed
                last[symbol] = it.price
                for user in (it.maker_user_id, it.taker_user_id):
                    volumes[user, symbol, event.time_unix_nanos // DAY_NANOS] += it.price * it.quantity
    found = Counter(
        {
            (user, symbol, day): amount
            for (user, symbol), account in risk.view.accounts.items()
            for day, amount in account.volumes.items()
        }
    )
    if found != volumes:
        yield f"risk counts volumes {dict(found)}, must be {dict(volumes)}"
    if risk.view.last_prices != last:
        yield f"risk has last prices {risk.view.last_prices}, must be {last}"


def _readiness(world: World, risk: Risk) -> Iterator[str]:
    """Orders are checked again, by what administrators have set."""
    rules = world.witness.rules
    for symbol in world.symbols:
        for user in USERS:
            if problem := risk.follower.behind(user, symbol):
                yield f"risk is not ready: {problem}"
            wanted = rules.most_open((user, symbol))
            if risk.view.limits.effective(user, symbol).max_open_orders not in wanted:
                yield f"risk has another limit for {user} in {symbol} than {wanted}"
            if risk.view.mode(user) not in rules.modes_of(user):
                yield f"risk has {user} as {risk.view.mode(user)}, must be {rules.modes_of(user)}"
