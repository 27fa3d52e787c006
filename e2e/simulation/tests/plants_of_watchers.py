"""Bugs planted in those who watch: risk, which must not allow too much, and the reconciler."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from outcry_services.common.redis import Script
from outcry_services.reconciler import judge, watcher
from outcry_services.reconciler.cut import Compared, compare
from outcry_services.reconciler.guard import Guard
from outcry_services.reconciler.records import State
from outcry_services.reconciler.redis_view import read_users
from outcry_services.reconciler.repairer import Repairer
from outcry_services.reconciler.sweep import Sweeper
from outcry_services.risk.follower import Follower
from outcry_services.risk.freshness import Freshness
from outcry_services.risk.limits import UserMode
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.view import RiskView

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PLANTS_OF_WATCHERS"]


@contextmanager
def opens_on_a_stale_view() -> Iterator[None]:
    """Orders are allowed however old the view is."""
    with patch.object(Freshness, "age", lambda *_, **__: 0.0):
        yield


@contextmanager
def opens_at_once() -> Iterator[None]:
    """A process that has just begun allows orders, whatever the one before it allowed."""
    begin = Follower.__init__

    def settled(self: Any, *given: Any, **named: Any) -> None:
        begin(self, *given, **named | {"settle_seconds": 0.0})

    with patch.object(Follower, "__init__", settled):
        yield


@contextmanager
def nothing_reserved() -> Iterator[None]:
    """What was allowed counts only once its instruction was read."""
    with patch.object(Reservations, "add", lambda *_, **__: None):
        yield


@contextmanager
def reserved_twice() -> Iterator[None]:
    """An order's reservation stays when its instruction is here."""
    with patch.object(Reservations, "seen", lambda *_: None):
        yield


@contextmanager
def reserved_for_ever() -> Iterator[None]:
    """What was allowed and never came is never released."""
    with patch.object(Reservations, "expire", lambda _: None):
        yield


@contextmanager
def kept_too_far() -> Iterator[None]:
    """A checkpoint says that its view has a record that it hasn't."""
    kept = Follower.kept_positions

    def ahead(self: Any) -> Any:
        return {place: position + 1 for place, position in kept(self).items()}

    with patch.object(Follower, "kept_positions", ahead):
        yield


@contextmanager
def suspended_in_name() -> Iterator[None]:
    """Nobody looks at who is suspended."""
    with patch.object(RiskView, "mode", lambda *_: UserMode.ACTIVE):
        yield


@contextmanager
def ends_forgotten() -> Iterator[None]:
    """An order that ends before its instruction is read stays open."""
    with patch.object(RiskView, "answer", lambda *_: None):
        yield


@contextmanager
def lag_for_a_difference() -> Iterator[None]:
    """A ledger that is not where Redis is gets compared all the same."""

    def at_once(redis: Any, ledger: Any, floor: Any) -> Any:
        ledger.at = {**ledger.at, **redis.cut}
        return compare(redis, ledger, floor)

    with patch.object(watcher, "compare", at_once):
        yield


@contextmanager
def first_row_for_a_difference() -> Iterator[None]:
    """What Redis was not asked for counts as nothing."""
    with patch.object(Compared, "unasked", frozenset[str]()):
        yield


@contextmanager
def repaired_twice() -> Iterator[None]:
    """What a repair changes is changed once more."""
    put = Repairer._put_redis

    async def twice(self: Any, finding: Any, redis: Any, truth: Any, outcome: Any) -> bool:
        done = await put(self, finding, redis, truth, outcome)
        if done:
            for asset, available, _ in judge.redis_repair(redis, truth, outcome.cut).changes:
                await self._redis.command("INCRBY", redis.keys.available(asset), available)
        return done

    with patch.object(Repairer, "_put_redis", twice):
        yield


@contextmanager
def repaired_over_what_moved() -> Iterator[None]:
    """A repair doesn't look whether its user has moved since, and takes that back."""
    script = judge.REPAIR
    changed = script.text.replace("if moved then", "if false then")
    if changed == script.text:
        raise AssertionError("nothing to plant this in: the script has changed")
    with patch.object(judge, "REPAIR", Script.of(script.name, changed)):
        yield


@contextmanager
def wrong_side() -> Iterator[None]:
    """The ledger is made what Redis says."""

    async def mend(self: Any, finding: Any, replay: Any, logs: Any, assets: Any) -> None:
        (redis,) = await read_users(self._redis, {finding.user_id: assets})
        async with self._mysql.transaction() as session:
            for asset, balance in redis.view.balances.items():
                await session.execute(
                    "UPDATE ledger.balances SET available = %s, held = %s WHERE user_id = %s AND asset = %s",
                    [balance.available, balance.held, finding.user_id, asset],
                )
        await self._end(finding.user_id, State.REPAIRED)

    with patch.object(Repairer, "_repair", mend):
        yield


@contextmanager
def never_paused() -> Iterator[None]:
    """Whatever the differences are worth, withdrawals go on."""

    async def nothing(self: Any, reason: str) -> None:
        return None

    with patch.object(Guard, "_pause", nothing):
        yield


@contextmanager
def only_where_rows_change() -> Iterator[None]:
    """Who doesn't trade is never looked at."""

    async def nothing(self: Any) -> None:
        return None

    with patch.object(Sweeper, "sweep", nothing):
        yield


PLANTS_OF_WATCHERS = (
    opens_on_a_stale_view,
    opens_at_once,
    nothing_reserved,
    reserved_twice,
    reserved_for_ever,
    kept_too_far,
    suspended_in_name,
    ends_forgotten,
    lag_for_a_difference,
    first_row_for_a_difference,
    repaired_twice,
    repaired_over_what_moved,
    wrong_side,
    never_paused,
    only_where_rows_change,
)
