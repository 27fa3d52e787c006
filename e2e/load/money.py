"""What users trade with: deposited through the gateway, and seen to have arrived."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from e2e.backends import wait_until
from e2e.load.books import amounts_of
from e2e.load.calls import Request, ask_all

if TYPE_CHECKING:
    from e2e.cluster.progress import Progress
    from e2e.load.place import Place

__all__ = ["MONEY", "give"]

MONEY = {"BTC": "1000", "USDT": "100000000"}
ARRIVAL_SECONDS = 300.0


def give(place: Place, users: range, *, progress: Progress) -> None:
    """Deposit for all of them, and wait until each can trade with it.

    Raises `LoadError` when a deposit is refused, `ServerStartError` when one doesn't arrive.
    """
    run = time.time_ns() // 1_000_000
    deposits = [
        Request(
            user=place.admin,
            permissions="admin",
            method="POST",
            path="/admin/deposits",
            body={
                "userId": str(user),
                "asset": asset,
                "amount": amount,
                "reference": f"load-{run}-{user}-{asset}",
            },
        )
        for user in users
        for asset, amount in MONEY.items()
    ]
    with progress.step(f"giving {len(users)} users money", key=f"load money {len(users)}") as step:

        def show(count: int) -> None:
            step.detail = f"{count} of {len(deposits)} deposits"

        ask_all(place, deposits, done=show)

        def arrived() -> bool:
            found = amounts_of(place.stores, users, MONEY)
            there = sum(available > 0 for available, _ in found.values())
            step.detail = f"{there} of {len(deposits)} deposits arrived"
            return there == len(deposits)

        wait_until(arrived, seconds=ARRIVAL_SECONDS, what="all deposits in Redis", every=1)
