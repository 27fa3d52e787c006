"""The end of a load: everything is cancelled once, all of it ends, and every book is read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from e2e.load.books import amounts_of, balances_in_ledger, open_orders, orders_of, trades_in_ledger
from e2e.load.calls import Request, ask, ask_all
from e2e.load.errors import LoadError
from e2e.load.judge import Outcome
from e2e.load.log import read_log
from e2e.load.money import MONEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.cluster.progress import Progress
    from e2e.load.place import Place

__all__ = ["come_to_rest", "look"]

STANDSTILL_SECONDS = 180.0
LOOK_SECONDS = 1.0
AUDIT_SECONDS = 150.0


def come_to_rest(place: Place, users: range, *, progress: Progress) -> None:
    """Each user cancels everything, once; return when all orders have ended and Redis and ledger agree.

    Raises `LoadError` when nothing moves towards that for three minutes.
    """
    cancels = [
        Request(user=user, permissions="trade", method="DELETE", path=f"/orders?symbol={place.symbol}")
        for user in users
    ]
    with progress.step("cancelling everything that is open") as step:

        def show(count: int) -> None:
            step.detail = f"{count} of {len(users)} users"

        ask_all(place, cancels, done=show)
    with progress.step("waiting until every order has ended") as step:

        def left() -> list[str]:
            found = open_orders(place.stores, users)
            step.detail = f"{len(found)} are open"
            return [f"order {order} of user {user} is {status}" for order, user, status in found]

        _until_none(left, what="orders that don't end")
    with progress.step("waiting until Redis and the ledger agree") as step:

        def apart() -> list[str]:
            ledger = balances_in_ledger(place.stores, users)
            redis = amounts_of(place.stores, users, MONEY)
            found = [
                f"{asset} of user {user}: Redis says {amounts}, the ledger {ledger.get((user, asset))}"
                for (user, asset), amounts in redis.items()
                if ledger.get((user, asset), (0, 0)) != amounts
            ]
            step.detail = f"{len(found)} balances differ"
            return found

        _until_none(apart, what="balances that differ")


def look(place: Place, users: range, *, progress: Progress) -> Outcome:
    """Read it all."""
    with progress.step("reading every book", key=f"load books {len(users)}") as step:
        step.detail = "orders"
        rows = orders_of(place.stores, users)
        step.detail = "balances"
        redis = amounts_of(place.stores, users, MONEY)
        ledger = balances_in_ledger(place.stores, users)
        step.detail = "trades"
        booked = trades_in_ledger(place.stores, place.symbol)
        step.detail = "events"
        log = read_log(place.stores.kafka, place.symbol)
        step.detail = "the trial balance"
        balance = ask(
            place,
            Request(
                user=place.admin,
                permissions="admin",
                method="GET",
                path="/admin/ledger/check",
                seconds=AUDIT_SECONDS,
            ),
        )
    faults = [str(fault) for fault in balance.get("faults", [])]
    if not faults and not balance.get("balanced"):
        faults = [f"not balanced: {balance}"]
    return Outcome(rows=rows, redis=redis, ledger=ledger, booked=booked, log=log, faults=faults)


def _until_none(left: Callable[[], list[str]], *, what: str) -> None:
    """Look again while there is something left; raises `LoadError` when it isn't less for too long."""
    least, since = None, time.monotonic()
    while found := left():
        if least is None or len(found) < least:
            least, since = len(found), time.monotonic()
        if time.monotonic() - since > STANDSTILL_SECONDS:
            shown = "; ".join(found[:5])
            raise LoadError(f"{len(found)} {what}, no fewer for {STANDSTILL_SECONDS:.0f} s: {shown}")
        time.sleep(LOOK_SECONDS)
