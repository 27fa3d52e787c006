"""Number 6: changed rows that the reconciler reads and compares in a second, and how soon it sees a fault.

The whole exchange runs. Rows: the reconciler is ended, balances are changed and changed back, and the time
counts from its first row to the last user compared. Sweep: it is started anew with nothing to read, and
compares everybody. Detection: a balance is changed by hand, in the ledger (its binary log tells), and in
Redis for a user who then enters an order; each counts until the finding's own time. A fault in Redis of a
user who does nothing is found by the next sweep.
"""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import quantiles
from typing import TYPE_CHECKING

from outcry_services.common.mysql import MySql, MySqlAddress
from prometheus_client.parser import text_string_to_metric_families

from bench.figures import rounded
from e2e.backends import wait_until
from e2e.exchange import Exchange
from e2e.load.processes import FIRST_USER, fund

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bench.figures import Figure

__all__ = ["measure"]

USERS = 500
SECONDS = 300


def measure(options: argparse.Namespace, command: str) -> list[Figure]:
    """All of it on one exchange; raises `TimeoutError` when a fault isn't found."""
    users = range(FIRST_USER, FIRST_USER + USERS)
    with Exchange() as exchange:
        fund(exchange, users)
        rows = _rows(exchange, options.changes)
        sweep = _sweep(exchange)
        redis, ledger = users[: options.breaks], users[options.breaks : 2 * options.breaks]
        found = {
            "ledger": [_detected(exchange, user, _break_ledger) for user in ledger],
            "redis": [_detected(exchange, user, _break_redis) for user in redis],
        }
    figures = [
        rounded("reconciler.rows", rows, "rows/s", "higher", command=command),
        rounded("reconciler.sweep", sweep, "users/s", "higher", command=command),
    ]
    for side, seconds in found.items():
        cut = quantiles(seconds, n=100, method="inclusive")
        for name, at in (("p50", 49), ("p99", 98)):
            value = 1000 * cut[at]
            figures.append(rounded(f"reconciler.{side}_fault_{name}", value, "ms", "lower", command=command))
    return figures


def _rows(exchange: Exchange, changes: int) -> float:
    """Rows a second, from the first that is read until every user who changed is compared."""
    reconciler = exchange.services["reconciler"]
    reconciler.process.kill()
    pairs = max(1, changes // (2 * USERS * 2))
    for _ in range(pairs):
        for sign in "+-":
            exchange.mariadb.execute(f"UPDATE ledger.balances SET available = available {sign} 1")
    wanted = pairs * 2 * 2 * USERS
    reconciler.start()
    reconciler.wait_ready()
    first = _sample(exchange)
    began = time.monotonic()
    done = _until(exchange, lambda now: now["rows_total"] >= wanted and now["queued_users"] == 0)
    seconds = time.monotonic() - began
    print(f"bench: {done['rows_total'] - first['rows_total']:,.0f} rows in {seconds:.2f} s", file=sys.stderr)
    return (done["rows_total"] - first["rows_total"]) / seconds


def _sweep(exchange: Exchange) -> float:
    """Users a second of the sweep that a new process begins with."""
    exchange.services["reconciler"].restart()
    exchange.services["reconciler"].wait_ready()
    done = _until(exchange, lambda now: now["last_sweep_timestamp_seconds"] > 0)
    return USERS / done["sweep_seconds"]


def _break_ledger(exchange: Exchange, user: int) -> None:
    exchange.mariadb.execute(
        "UPDATE ledger.balances SET available = available + 1 WHERE user_id = %s AND asset = 'BTC'", [user]
    )


def _break_redis(exchange: Exchange, user: int) -> None:
    with exchange.redis.client() as client:
        client.incr(f"pos:{{{user}}}:BTC")
    exchange.client(user).order(symbol=exchange.symbol, side="BUY", price="30000.00", quantity="0.001")


def _detected(exchange: Exchange, user: int, damage: Callable[[Exchange, int], None]) -> float:
    """Seconds from the damage to the finding."""
    began = time.time_ns()
    damage(exchange, user)
    found = asyncio.run(_finding(exchange, user))
    return (found - began) / 1e9


async def _finding(exchange: Exchange, user: int) -> int:
    """When it was found, in Unix nanoseconds."""
    mysql = MySql(MySqlAddress.parse(exchange.mariadb.url))
    await mysql.open()
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                async with mysql.session() as session:
                    rows = await session.query(
                        "SELECT MIN(found_unix_nanos) FROM reconciler.findings WHERE user_id = %s", [user]
                    )
                if rows[0][0] is not None:
                    return int(rows[0][0])
                await asyncio.sleep(0.05)
    finally:
        await mysql.close()


def _until(exchange: Exchange, done: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """The first sample of the reconciler's metrics for which it holds."""
    samples = [_sample(exchange)]

    def now() -> bool:
        samples[0] = _sample(exchange)
        return done(samples[0])

    wait_until(now, seconds=SECONDS, what="the reconciler came to the end")
    return samples[0]


def _sample(exchange: Exchange) -> dict[str, float]:
    prefix = "outcry_reconciler_"
    families = text_string_to_metric_families(exchange.services["reconciler"].metrics())
    samples = (sample for family in families for sample in family.samples)
    return {
        sample.name.removeprefix(prefix): sample.value for sample in samples if sample.name.startswith(prefix)
    }
