"""After a replay, and before anything new is decided: Redis has what the ledger has.

Only users whom the replay touched can differ: what lies before a master's watermark reached its replica
before that. Each is compared at one cut, the user's own cursors in Redis. The ledger is waited for until it
has come so far; what it has beyond is left out. Redis may be ahead of the logs by instructions whose answer
was never published (the work was cut off in between); their entries are still in the journal's copy, and
are taken into account.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from outcry_services.common.errors import ServiceError
from outcry_services.common.ids import SHARDS
from outcry_services.common.redis import Call
from outcry_services.position import keys, library
from outcry_services.position.entries import parse_entry
from outcry_services.position.errors import PositionCorruptError
from outcry_services.position.facts import parse_hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry_services.common.redis import Reply
    from outcry_services.position.ports import Scripts

__all__ = ["Balances", "CutOfUser", "LedgerAt", "Proof"]

log = logging.getLogger(__name__)

MOST_USERS = 200
PAUSE_SECONDS = 0.2
"""Before the ledger is asked again, which tells nobody how far it has come."""

CutOfUser = dict[str, int]
"""Where a user stands: `i` (the shard's number), and for each pair `seq * 2 + leg`."""

Balances = dict[str, tuple[int, int]]


class LedgerAt(Protocol):
    """What the ledger said at earlier moments."""

    async def at(self, cuts: Mapping[int, CutOfUser]) -> dict[int, Balances] | None:
        """Available and held of users by asset, each at a cut of its own; None: it has not come so far."""
        ...


class Proof:
    """Compares users; raises `PositionCorruptError`: `POSITION_DIFFERS`, `POSITION_CORRUPT` for no amount."""

    def __init__(self, ledger: LedgerAt) -> None:
        self._ledger = ledger

    async def prove(self, scripts: Scripts, users: Iterable[int], *, carried: Mapping[int, int]) -> None:
        """Wait until all were compared; `carried` is the last number of each shard that has its answer."""
        left = sorted(users)
        log.info("proving the replay", extra={"users": len(left)})
        while left:
            some = left[:MOST_USERS]
            moved = await self._compare(scripts, some, carried)
            if moved:
                await asyncio.sleep(PAUSE_SECONDS)
            left = [*moved, *left[MOST_USERS:]]

    async def _compare(self, scripts: Scripts, users: Sequence[int], carried: Mapping[int, int]) -> list[int]:
        """Those that have to be compared again: the ledger is not so far, or they moved meanwhile."""
        cursors = dict(zip(users, await _cursors(scripts, users), strict=True))
        cuts = {user: _cut(user, cursor, carried.get(user % SHARDS, 0)) for user, cursor in cursors.items()}
        ledger = await self._ledger.at(cuts)
        if ledger is None:
            return list(users)
        moved = []
        for user in users:
            wanted = ledger.get(user, {})
            cursor, holds, found, ahead = await _read(scripts, user, list(wanted), carried)
            if cursor != cursors[user]:
                moved.append(user)
                continue
            _check(user, wanted, found, ahead, holds)
        return moved


def _check(
    user: int, wanted: Balances, found: Balances, ahead: Counter[tuple[str, str]], holds: Counter[str]
) -> None:
    for asset, (available, held) in wanted.items():
        expected = (available + ahead["available", asset], held + ahead["held", asset])
        if found[asset] != expected or found[asset][1] != holds[asset]:
            raise PositionCorruptError(
                f"{asset} of user {user} is {found[asset]} in Redis, {expected} by the ledger, and "
                f"{holds[asset]} by the holds: nothing new is decided before its repair",
                name="POSITION_DIFFERS",
            )


def _cut(user: int, cursor: Mapping[str, str], carried: int) -> CutOfUser:
    places = {
        name: _number(keys.cursor(user), text) for name, text in cursor.items() if name not in ("n", "j")
    }
    return places | {"i": min(places.get("i", 0), carried)}


def _number(key: str, text: str) -> int:
    """Of what somebody may have written by hand."""
    if not (text.isascii() and text.isdecimal()):
        raise PositionCorruptError(f"{key} holds {text[:40]!r}: nothing new is decided before its repair")
    return int(text)


async def _cursors(scripts: Scripts, users: Sequence[int]) -> list[dict[str, str]]:
    calls = [Call(library.VIEW, (keys.cursor(user), keys.holds(user))) for user in users]
    return [_pairs(reply[0]) for reply in await _run(scripts, calls)]


async def _read(
    scripts: Scripts, user: int, assets: Sequence[str], carried: Mapping[int, int]
) -> tuple[dict[str, str], Counter[str], Balances, Counter[tuple[str, str]]]:
    """Cursor, sums of holds, balances, and what was done without an answer in the log."""
    names = [key(user, asset) for asset in assets for key in (keys.available, keys.held)]
    view, undrained = await _run(
        scripts,
        [
            Call(library.VIEW, (keys.cursor(user), keys.holds(user), *names)),
            Call(library.UNDRAINED, (keys.journal(user),)),
        ],
    )
    cursor, holds, values = view
    sums: Counter[str] = Counter()
    for text in _pairs(holds).values():
        left, asset, _ = parse_hold(text)
        sums[asset] += left
    numbers = [
        _number(name, value.decode(errors="replace")) if value else 0
        for name, value in zip(names, values, strict=True)
    ]
    found = {asset: (numbers[2 * at], numbers[2 * at + 1]) for at, asset in enumerate(assets)}
    ahead: Counter[tuple[str, str]] = Counter()
    for cause, text in _pairs(undrained).items():
        if cause.startswith("i") and int(cause.partition(".")[2]) > carried.get(user % SHARDS, 0):
            for change in parse_entry(text).changes:
                ahead["available", change.asset] += change.available
                ahead["held", change.asset] += change.held
    return _pairs(cursor), sums, found, ahead


async def _run(scripts: Scripts, calls: Sequence[Call]) -> list[Reply]:
    replies = await scripts.run_all(calls)
    for reply in replies:
        if isinstance(reply, ServiceError):
            raise reply
    return replies


def _pairs(words: Sequence[bytes]) -> dict[str, str]:
    texts = [word.decode() for word in words]
    return dict(zip(texts[::2], texts[1::2], strict=True))
