"""What a master lost altogether is made again: from the ledger at its cut, then from the logs.

Settlement derives the ledger from `orders`, `order-events` and `events` alone, so it owes Redis nothing. A
user is put in place whole, with the ledger's own positions as cursor, and read back; only when every user
and every sum is what the ledger says is the watermark set to the ledger's positions, from which the flow
then replays.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from outcry.v1.journal_pb2 import JournalChange, JournalEntry, JournalKind

from outcry_services.common.errors import IntegrityError, ServiceError
from outcry_services.common.ids import SHARDS
from outcry_services.common.order_log import EVENTS_PREFIX, ORDER_EVENTS, ORDERS
from outcry_services.common.redis import Call
from outcry_services.position import keys, library
from outcry_services.position.marks import BORN
from outcry_services.position.slots import lives_on, tag_on
from outcry_services.position.topics import journal_records

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from outcry_services.common.redis_servers import Master
    from outcry_services.position.metrics import Metrics
    from outcry_services.position.ports import Publishing, Store

__all__ = ["Cut", "Ledger", "NoLedger", "Owned", "Rebuild", "Snapshot"]

log = logging.getLogger(__name__)

UNSENT = 65_536
"""Records of a partition that may be answered and not yet sent on: more than the batches between the two hold
(`delivery`, `streams`). What the ledger knows as answered has its answer in the log; whether its command
was sent,
the lost watermark alone knew. So these are sent once more; an engine drops what it has."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How far the ledger has come."""

    shards: Mapping[int, tuple[int, int]]
    """(incarnation, number) of the last instruction of each shard."""
    legs: Mapping[str, int]
    """`seq * 2 + leg` of the last leg of each pair."""
    offsets: Mapping[tuple[str, int], int]
    """From where each partition is to be read on."""


@dataclass(kw_only=True, slots=True)
class Owned:
    """What one user has."""

    user: int
    balances: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Available and held, by asset."""
    holds: dict[int, str] = field(default_factory=dict)
    """As Redis keeps them, by order or withdrawal (see `facts`)."""


class Snapshot(Protocol):
    """The ledger as it is at one moment."""

    cut: Cut

    def users(self) -> AsyncIterator[list[Owned]]:
        """Everybody, by pages."""
        ...

    async def totals(self) -> dict[str, tuple[int, int]]:
        """The sums of available and of held, by asset."""
        ...


class Ledger(Protocol):
    """Where snapshots come from."""

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot | None]:
        """One that lasts as long as the context; None: there is no ledger."""
        ...


class Rebuild:
    """Makes masters whole; `clock` gives Unix seconds."""

    def __init__(
        self,
        *,
        store: Store,
        publishing: Publishing,
        ledger: Ledger,
        metrics: Metrics,
        partitions: int,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._publishing = publishing
        self._ledger = ledger
        self._metrics = metrics
        self._partitions = partitions
        self._clock = clock

    async def make_good(self, masters: Sequence[Master], marks: Sequence[Mapping[str, str]]) -> None:
        """Put in place what lives on the masters that have no watermark.

        An exchange that has only begun, or one without a ledger, has nothing to put in place: its logs are
        read from their beginning. Raises `IntegrityError` when what is read back is not what was written.
        """
        lost = [master for master, mark in zip(masters, marks, strict=True) if BORN not in mark]
        log.warning("a master has no watermark", extra={"masters": [master.address for master in lost]})
        async with self._ledger.snapshot() as ledger:
            if ledger is None or not ledger.cut.offsets:
                log.info("there is no ledger to take positions from: the logs are read from their beginning")
                return
            await self._restore(lost, ledger, everybody=len(lost) == len(masters))
            await self._mark(lost, ledger.cut)

    async def _restore(self, lost: Sequence[Master], ledger: Snapshot, *, everybody: bool) -> None:
        # Far above any number that the lost cursor can have had, and exact in a double.
        number = int(self._clock() * 1_000_000)
        count, sums = 0, {kind: Counter[str]() for kind in ("available", "held")}
        async for page in ledger.users():
            users = [one for one in page if any(lives_on(master, one.user) for master in lost)]
            cursors = [_cursor(one.user, ledger.cut, number) for one in users]
            await self._run([_restore_call(one, cursor) for one, cursor in zip(users, cursors, strict=True)])
            replies = await self._run([_view_call(one) for one in users])
            for one, cursor, reply in zip(users, cursors, replies, strict=True):
                _check(one, cursor, reply)
                for asset, (available, held) in one.balances.items():
                    sums["available"][asset] += available
                    sums["held"][asset] += held
            entries = [_entry(one, number) for one in users]
            await self._publishing.publish_all([*journal_records(entries, partitions=self._partitions)])
            count += len(users)
        if everybody:
            for asset, total in (await ledger.totals()).items():
                if total != (sums["available"][asset], sums["held"][asset]):
                    raise IntegrityError(f"{asset} of all users is not what the ledger says: {total}")
        self._metrics.rebuilt(count)
        log.warning("positions were made again from the ledger", extra={"users": count})

    async def _mark(self, lost: Sequence[Master], cut: Cut) -> None:
        fields: dict[str, str] = {}
        for (topic, partition), offset in cut.offsets.items():
            if topic == ORDERS:
                fields[f"o{partition}"] = str(max(0, offset - UNSENT))
                fields[f"r{partition}"] = str(offset)
            elif topic == ORDER_EVENTS:
                fields[f"a{partition}"] = str(max(0, offset - UNSENT))
            elif (symbol := topic.removeprefix(EVENTS_PREFIX)) != topic and symbol in cut.legs:
                fields[f"e{symbol}"] = f"{offset} {cut.legs[symbol] // 2}"
        for shard, (incarnation, number) in cut.shards.items():
            fields[f"s{shard}"] = f"{incarnation} {number}"
        fields[BORN] = "1"
        words = tuple(word for pair in fields.items() for word in pair)
        await self._run([Call(library.MARK, (keys.mark(tag_on(master)),), words) for master in lost])

    async def _run(self, calls: Sequence[Call]) -> list[object]:
        replies = await self._store.run_all(calls)
        for reply in replies:
            if isinstance(reply, ServiceError):
                raise reply
        return replies


def _cursor(user: int, cut: Cut, number: int) -> dict[str, str]:
    """Everything up to the cut is in; what is not the user's own does no harm there."""
    incarnation, last = cut.shards.get(user % SHARDS, (0, 0))
    legs = {symbol: str(leg) for symbol, leg in cut.legs.items()}
    return {"n": str(incarnation), "i": str(last), "j": str(number)} | legs


def _restore_call(one: Owned, cursor: Mapping[str, str]) -> Call:
    cursor_words = tuple(word for pair in cursor.items() for word in pair)
    hold_words = tuple(str(word) for pair in one.holds.items() for word in pair)
    values = tuple(amount for pair in one.balances.values() for amount in pair)
    return Call(
        library.RESTORE,
        (keys.cursor(one.user), keys.journal(one.user), keys.holds(one.user), *_balance_keys(one)),
        (len(cursor_words), len(hold_words), *cursor_words, *hold_words, *values),
    )


def _view_call(one: Owned) -> Call:
    return Call(library.VIEW, (keys.cursor(one.user), keys.holds(one.user), *_balance_keys(one)))


def _balance_keys(one: Owned) -> tuple[str, ...]:
    return tuple(
        key for asset in one.balances for key in (keys.available(one.user, asset), keys.held(one.user, asset))
    )


def _check(one: Owned, cursor: Mapping[str, str], reply: object) -> None:
    """What Redis has is what the ledger has, and the holds are what is held."""
    found = [[part.decode() for part in parts] for parts in reply]  # type: ignore[attr-defined]
    wanted_holds = {str(name): text for name, text in one.holds.items()}
    wanted = [str(amount) for pair in one.balances.values() for amount in pair]
    if (_pairs(found[0]), _pairs(found[1]), found[2]) != (dict(cursor), wanted_holds, wanted):
        raise IntegrityError(f"user {one.user} is not in Redis as was written")
    held: Counter[str] = Counter()
    for text in one.holds.values():
        left, asset, *_ = text.split(" ")
        held[asset] += int(left)
    if held != Counter({asset: amount for asset, (_, amount) in one.balances.items() if amount}):
        raise IntegrityError(f"the ledger's holds of user {one.user} are not what is held")


def _pairs(words: Sequence[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))


def _entry(one: Owned, number: int) -> JournalEntry:
    return JournalEntry(
        user_id=one.user,
        number=number,
        kind=JournalKind.JOURNAL_KIND_REBUILT,
        changes=[
            JournalChange(asset=asset, available=available, held=held)
            for asset, (available, held) in one.balances.items()
        ],
    )


class NoLedger:
    """An exchange without one: its logs are kept from their beginning."""

    def snapshot(self) -> AbstractAsyncContextManager[None]:
        """None."""
        return nullcontext()
