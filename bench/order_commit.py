"""`python -m bench.order_commit`: what sharing a commit gains the order service.

The service's committer and store over one MariaDB that syncs every commit to disk, as in production. So many
clients each enter one order after the other, over all shards there are; once with commits shared, once with
one order a commit, turn about.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING

from outcry.v1.types_pb2 import OrderType, Side, TimeInForce
from outcry_services.common.money import Units
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.order.committer import Committer
from outcry_services.order.entries import Entry
from outcry_services.order.metrics import CommitMetrics
from outcry_services.order.migrate import migrate
from outcry_services.order.model import Market, OrderDraft, Terms
from outcry_services.order.shard_store import ShardStore
from prometheus_client import CollectorRegistry

from bench.figures import RESULTS, print_figures, rounded, write_figures
from e2e.backends import MariaDbServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COMMAND = "python -m bench.order_commit"
MARKET = Market(
    symbol="BTC-USDT",
    base_asset="BTC",
    quote_asset="USDT",
    units=Units(base_scale=8, quote_scale=8, tick=1_000_000, lot=1_000),
)
TERMS = Terms(
    side=Side.SIDE_BUY,
    type=OrderType.ORDER_TYPE_LIMIT,
    time_in_force=TimeInForce.TIME_IN_FORCE_GTC,
    price=2_000_000,
    quantity=50_000,
)


class Clock:
    """The machine's."""

    def now(self) -> int:
        """Unix nanoseconds."""
        return time.time_ns()


def draft(user_id: int, name: str) -> OrderDraft:
    """One order of a user; the name is as a client's own."""
    return OrderDraft(
        user_id=user_id,
        client_order_id=name,
        named=True,
        digest=bytes(16),
        market=MARKET,
        terms=TERMS,
        hold_asset="USDT",
        hold=10**12,
        hold_per_unit=20_000_000,
    )


@asynccontextmanager
async def committing(mysql: MySql, *, most_entries: int) -> AsyncIterator[Committer]:
    """A committer whose commits hold so many orders at most."""
    committer = Committer(
        ShardStore(mysql, clock=Clock()),
        metrics=CommitMetrics(CollectorRegistry()),
        committed=lambda *_: None,
        unknown=lambda *_: None,
        most_entries=most_entries,
    )
    task = asyncio.create_task(committer.run())
    try:
        yield committer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turn(mysql: MySql, options: argparse.Namespace, *, most_entries: int, name: str) -> float:
    """Orders a second."""
    async with committing(mysql, most_entries=most_entries) as committer:

        async def client(number: int) -> None:
            for count in range(options.orders // options.clients):
                user = 1024 * number + (number * 31 + count) % options.shards
                await committer.commit(Entry(draft(user, f"{name}-{number}-{count}")))

        began = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(1, options.clients + 1)))
        seconds = time.perf_counter() - began
    entered: int = options.orders // options.clients * options.clients
    return entered / seconds


async def measure(server: MariaDbServer, options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Orders a second of every turn: shared, and alone."""
    mysql = MySql(MySqlAddress.parse(server.url))
    await mysql.open()
    try:
        await migrate(mysql, range(options.shards), made=lambda _: None)
        shared, alone = [], []
        for number in range(options.turns):
            shared.append(await turn(mysql, options, most_entries=256, name=f"shared-{number}"))
            alone.append(await turn(mysql, options, most_entries=1, name=f"alone-{number}"))
        return shared, alone
    finally:
        await mysql.close()


def main() -> None:
    """Measure, show and keep."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--orders", type=int, default=4000, help="of each turn")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    with MariaDbServer() as server:
        shared, alone = asyncio.run(measure(server, options))
    peers = {"one order a commit": median(alone)}
    figures = [
        rounded("order.commit_rate", median(shared), "orders/s", "higher", command=COMMAND, peers=peers),
        rounded(
            "order.commit_gain",
            median(with_ / without for with_, without in zip(shared, alone, strict=True)),
            "times",
            "higher",
            command=COMMAND,
        ),
    ]
    print_figures("Sharing a commit", figures)
    write_figures(RESULTS / "order_commit.json", figures)


if __name__ == "__main__":
    main()
