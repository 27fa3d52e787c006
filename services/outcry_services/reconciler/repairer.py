"""From a difference to its end: recorded, valued, judged by the logs, repaired on the wrong side.

A repair is made at a cut of its own, later than that of the comparison: everything is read again, so that
what has changed meanwhile is not undone. It never goes beyond its bounds; what does is left to a person, with
the flag that pauses withdrawals and an alert.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.reconciler import ledger_repair
from outcry_services.reconciler.compare import worth
from outcry_services.reconciler.cut import Compared, Waiting, compare
from outcry_services.reconciler.errors import RepairRefusedError
from outcry_services.reconciler.judge import Truth, judge, redis_repair, repair_call
from outcry_services.reconciler.ledger_view import read_ledger
from outcry_services.reconciler.log import Log
from outcry_services.reconciler.records import Finding, Repair, Side, State
from outcry_services.reconciler.redis_view import read_users
from outcry_services.reconciler.replay import Replay
from outcry_services.reconciler.state import INSTRUCTIONS, add_postings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from outcry_services.common.mysql import MySql
    from outcry_services.common.redis import Redis
    from outcry_services.reconciler.compare import Difference
    from outcry_services.reconciler.guard import Guard
    from outcry_services.reconciler.journal import Journal
    from outcry_services.reconciler.ledger_view import Floor
    from outcry_services.reconciler.metrics import Metrics
    from outcry_services.reconciler.ports import Passes
    from outcry_services.reconciler.records import Records
    from outcry_services.reconciler.redis_view import RedisView
    from outcry_services.reconciler.state import Cut, Posting, View

__all__ = ["Bounds", "Repairer"]

log = logging.getLogger(__name__)

_ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What is repaired without a person."""

    most_sats: int
    """Worth of one repair, in BTC ledger units."""
    most_an_hour: int


class Repairer:
    """One difference at a time; `value` gives BTC ledger units, None where there is no price."""

    def __init__(
        self,
        *,
        mysql: MySql,
        redis: Redis,
        records: Records,
        guard: Guard,
        journal: Journal,
        metrics: Metrics,
        floor: Callable[[], Floor],
        ledger_moved: Callable[[], Awaitable[None]],
        value: Callable[[Mapping[str, int]], Awaitable[int | None]],
        bounds: Callable[[], Bounds],
        passes: Passes,
    ) -> None:
        self._mysql = mysql
        self._redis = redis
        self._records = records
        self._guard = guard
        self._journal = journal
        self._metrics = metrics
        self._floor = floor
        self._ledger_moved = ledger_moved
        self._value = value
        self._bounds = bounds
        self._passes = passes
        self._open: dict[int, Finding] = {}

    async def begin(self) -> None:
        """Take up what a former process left, or an attempt that broke off."""
        self._open = {one.user_id: one for one in await self._records.open_findings()}
        for repair_id, repair in await self._records.planned():
            await self._journal.take_up(repair_id, repair)
        self._metrics.open.set(len(self._open))

    async def agreed(self, users: Iterable[int]) -> None:
        """These were compared and are equal: open findings of theirs are over."""
        over = [user for user in users if user in self._open]
        if over:
            # Whoever found them may have died before they were summed up.
            await self._guard.look()
        for user in over:
            await self._end(user, State.GONE)

    async def handle(self, found: Sequence[Compared], assets: Iterable[str]) -> None:
        """Users found different; what is known and not repaired is tried again, not told again."""
        findings = [await self._find(one) for one in found]
        await self._guard.look()
        replay = Replay(one.user_id for one in found)
        logs = Log(passes=self._passes, replay=replay)
        try:
            await logs.read()
        except ServiceError as error:
            log.exception("the logs can't tell which side is wrong", extra={"why": error.message})
            self._metrics.refused.labels(why=error.name).inc()
            return
        for one, finding in zip(found, findings, strict=True):
            try:
                await self._judge(one, finding, replay)
                await self._repair(finding, replay, logs, sorted({*assets, *one.redis.balances}))
            except RepairRefusedError as error:
                log.exception("not repaired", extra={"user": finding.user_id, "finding": finding.id})
                self._metrics.refused.labels(why=error.name).inc()

    async def look_beyond(self, users: Sequence[RedisView]) -> list[Compared]:
        """Of users whose ledger doesn't come to where Redis is, those of whom the logs say why.

        Redis says that it is beyond them, or the ledger is not what they say and settlement waits for that.
        """
        replay = Replay(one.user_id for one in users)
        logs = Log(passes=self._passes, replay=replay)
        found = []
        for one in users:
            outcome = await self._compare(one, replay, logs)
            if isinstance(outcome, Waiting):
                found += await self._ledger_by_logs(one.user_id, replay, logs)
            elif not outcome.unasked:
                found.append(outcome)
        return found

    async def _ledger_by_logs(self, user: int, replay: Replay, logs: Log) -> list[Compared]:
        """The ledger where it stands, against the logs instead of Redis; none if they don't reach there."""
        ledger = (await read_ledger(self._mysql, [user], behind=self._floor().entry))[user]
        await logs.read()
        if not replay.covers(user, ledger.at):
            return []
        truth = (await self._truth(replay, user, ledger.at)).view
        found = tuple(ledger_repair.changes_of(ledger.view, truth))
        return [Compared(user_id=user, cut=ledger.at, redis=truth, ledger=ledger.view, differences=found)]

    async def _find(self, one: Compared) -> Finding:
        text = json.dumps([asdict(each) for each in one.differences], default=str)
        known = self._open.get(one.user_id)
        if known is not None and known.differences == text:
            return known
        amounts = worth(list(one.differences))
        sats = await self._value(amounts)
        finding = await self._records.find(user_id=one.user_id, differences=text, sats=sats, cut=one.cut)
        self._open[one.user_id] = finding
        self._metrics.open.set(len(self._open))
        for each in one.differences:
            self._metrics.differences.labels(place=str(each.place)).inc()
        log.error(
            "Redis and the ledger differ",
            extra={
                "finding": finding.id,
                "user": one.user_id,
                "cut": one.cut,
                "differences": [asdict(each) for each in one.differences],
                "btc_units": sats,
            },
        )
        return finding

    async def _judge(self, one: Compared, finding: Finding, replay: Replay) -> None:
        truth = (await self._truth(replay, one.user_id, one.cut)).view
        # Both views have what was untold, and these logs were read anew: they tell by now, or still don't.
        verdict = judge(one, add_postings(truth, replay.unanswered(one.user_id, one.untold)))
        around = [
            {"source": told.source, "position": told.position, "record": str(told.origin), "what": told.what}
            for told in replay.around(one.user_id, one.cut)
        ]
        await self._records.judged(finding, verdict=str(verdict), log=around)
        log.error(
            "the logs say who is wrong",
            extra={"finding": finding.id, "user": one.user_id, "wrong": str(verdict), "log": around},
        )

    async def _repair(self, finding: Finding, replay: Replay, logs: Log, assets: Sequence[str]) -> None:
        repaired = await self._repair_ledger(finding, replay, logs)
        repaired = await self._repair_redis(finding, replay, logs, assets) or repaired
        await self._end(finding.user_id, State.REPAIRED if repaired else State.GONE)

    async def _repair_ledger(self, finding: Finding, replay: Replay, logs: Log) -> bool:
        user = finding.user_id
        async with self._mysql.transaction() as session:
            await ledger_repair.lock(session)
            ledger = await ledger_repair.read_locked(session, user)
            if ledger.faults:
                raise RepairRefusedError(
                    f"{ledger.faults[0].key} is no amount but {ledger.faults[0].found}; "
                    "see docs/operations/reconciler-difference.md",
                    name="LEDGER_SCHEMA",
                )
            await self._cover(replay, logs, user, ledger.at)
            covers = _up_to(await ledger_repair.read_covers(session, user), ledger.at)
            truth = add_postings(replay.view(user, ledger.at), covers)
            changes = ledger_repair.changes_of(ledger.view, truth)
            if not changes:
                return False
            await self._require_bounds(changes, truth)
            await ledger_repair.write(
                session,
                user,
                truth=truth,
                holds=replay.holds(user, ledger.at),
                postings=replay.postings(user, ledger.at),
                facts=replay.facts(user),
            )
            repair = self._described(finding, Side.LEDGER, [asdict(one) for one in changes])
            repair_id = await self._records.note(session, repair, state="done")
        self._done(repair_id, repair)
        return True

    async def _repair_redis(self, finding: Finding, replay: Replay, logs: Log, assets: Sequence[str]) -> bool:
        user, asked = finding.user_id, set(assets)
        for _ in range(_ATTEMPTS):
            (redis,) = await read_users(self._redis, {user: asked})
            outcome = await self._compare(redis, replay, logs)
            if isinstance(outcome, Waiting):
                await self._ledger_moved()
                continue
            if outcome.unasked:
                asked |= outcome.unasked
                continue
            await self._cover(replay, logs, user, outcome.cut)
            truth = await self._truth(replay, user, outcome.cut)
            if not truth.possible:
                await self._ledger_moved()
                continue
            if not judge(outcome, truth.view).redis:
                return False
            if await self._put_redis(finding, redis, truth, outcome):
                return True
        raise RepairRefusedError(
            f"user {user} changes faster than it can be repaired: {_ATTEMPTS} attempts; it is tried again",
            name="REPAIR_OVERTAKEN",
        )

    async def _compare(self, redis: RedisView, replay: Replay, logs: Log) -> Compared | Waiting:
        floor = self._floor()
        user = redis.user_id
        ledger = (await read_ledger(self._mysql, [user], behind=floor.entry))[user]
        outcome = compare(redis, ledger, floor)
        if not isinstance(outcome, Waiting):
            return outcome
        await logs.read()
        newest = replay.newest(user)
        beyond = {source for source, at in outcome.behind.items() if at > newest.get(source, 0)}
        if beyond:
            return compare(redis, ledger, floor, untrue=frozenset(beyond))
        known = ledger.at.get(INSTRUCTIONS, 0)
        if set(outcome.behind) == {INSTRUCTIONS} and replay.answered(user) <= known:
            # Position tells of a batch when all of it is carried out: it may wait in the middle for this
            # repair.
            untold = redis.untold(known)
            # Also where a cursor put back says less than what was carried out: there the views are compared.
            replay.assume(user, untold, max(redis.cut[INSTRUCTIONS], redis.carried_out))
            return compare(redis, ledger, floor, untold=untold)
        return outcome

    async def _put_redis(self, finding: Finding, redis: RedisView, truth: Truth, outcome: Compared) -> bool:
        await self._require_bounds(outcome.differences, truth.view)
        repair = redis_repair(redis, truth, outcome.cut)
        described = self._described(finding, Side.REDIS, list(repair.changes), journal_number=repair.number)
        repair_id = await self._records.plan(described)
        answer = await self._redis.run(repair_call(redis, repair, repair_id=repair_id))
        if answer[0] != b"DONE":
            await self._records.settle(repair_id, done=False)
            return False
        await self._journal.publish(repair_id, described)
        self._done(repair_id, described)
        return True

    async def _truth(self, replay: Replay, user: int, cut: Cut) -> Truth:
        async with self._mysql.session() as session:
            covers = _up_to(await ledger_repair.read_covers(session, user), cut)
        return Truth(
            view=add_postings(replay.view(user, cut), covers),
            last=replay.last(user, cut),
            holds=replay.holds(user, cut),
            facts=replay.facts(user),
            incarnation=replay.incarnation(user),
            journal=replay.journal_number(user),
        )

    async def _cover(self, replay: Replay, logs: Log, user: int, cut: Cut) -> None:
        """Read the logs up to a cut that a view has passed: they have it."""
        if not replay.covers(user, cut):
            await logs.read()
        if not replay.covers(user, cut):
            raise RepairRefusedError(
                f"user {user} stands at {cut}, which the logs don't reach: one of them is another one now",
                name="LOG_SHORT",
            )

    async def _require_bounds(self, changes: Iterable[Difference], truth: View) -> None:
        bounds = self._bounds()
        amounts = worth(list(changes))
        sats = await self._value(amounts)
        if sats is None:
            # An asset that no pair trades and that the user never had, as the logs say: it may go.
            sats = await self._value({asset: amounts[asset] for asset in amounts if asset in truth.balances})
        if sats is None or sats > bounds.most_sats:
            raise RepairRefusedError(
                f"a repair worth {'an unknown number' if sats is None else sats} of BTC's ledger units "
                f"is for a person: {bounds.most_sats} are the most",
                name="REPAIR_TOO_LARGE",
            )
        if await self._records.repairs_of_last_hour() >= bounds.most_an_hour:
            raise RepairRefusedError(
                f"{bounds.most_an_hour} repairs within an hour are the most: something goes on breaking",
                name="REPAIRS_TOO_MANY",
            )

    def _described(
        self, finding: Finding, side: Side, changes: list[object], *, journal_number: int = 0
    ) -> Repair:
        return Repair(
            finding=finding.id,
            user_id=finding.user_id,
            side=side,
            reason=f"finding {finding.id}: {side} differs from the logs",
            changes=changes,
            journal_number=journal_number,
        )

    def _done(self, repair_id: int, repair: Repair) -> None:
        self._metrics.repairs.labels(side=str(repair.side)).inc()
        log.warning(
            "repaired",
            extra={
                "repair": repair_id,
                "finding": repair.finding,
                "user": repair.user_id,
                "side": str(repair.side),
                "why": repair.reason,
                "changes": repair.changes,
            },
        )

    async def _end(self, user: int, state: State) -> None:
        await self._records.close(user, state)
        self._open.pop(user, None)
        self._metrics.open.set(len(self._open))


def _up_to(postings: Iterable[Posting], cut: Cut) -> list[Posting]:
    return [one for one in postings if one.position <= cut.get(one.source, 0)]
