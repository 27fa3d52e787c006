"""Somebody who changes money by hand, in Redis or in the ledger, and remembers what it was.

The names of keys and columns are written out here: what is broken must not depend on the code that mends it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry.v1.event_pb2 import EventBatch

from e2e.simulation.mysql_client import FakeMySql

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.simulation.chance import Chance
    from e2e.simulation.people import People
    from e2e.simulation.redis_keys import Value
    from e2e.simulation.world import World

__all__ = ["NOWHERE", "Broken", "Vandal"]

MOST_AMOUNT = 900
NOWHERE = "FAKE"
"""An asset that nobody has."""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One change."""

    side: str
    """`redis` or `ledger`."""
    way: str
    user: int
    asset: str
    time: float
    available: int = 0
    """By how much the balance in Redis was moved, as far as that is still an amount."""
    held: int = 0


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Whose money is broken, and how much there is."""

    user: int
    asset: str
    amount: int
    """To be added, or the like."""


class Vandal:
    """Breaks things one after the other; `world.broken` tells what it has done."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people
        self._chance: Chance = world.story
        self._mysql = FakeMySql(world.mysql)

    async def act(self, times: int, *, within: float, trades: int) -> None:
        """So many times in the next seconds, as far as there is something to break.

        Whose money it was does so many things then.
        """
        trading = []
        for _ in range(times):
            await asyncio.sleep(within / times * self._chance.fraction())
            user = await self._break()
            if user and trades:
                trading.append(asyncio.ensure_future(self._people.act(trades, user=user)))
        await asyncio.gather(*trading)

    async def _break(self) -> int:
        """Whose money; 0: there was nothing to break."""
        rows = await self._query(
            "SELECT user_id, asset FROM ledger.balances WHERE asset <> %s ORDER BY user_id, asset", [NOWHERE]
        )
        # What can't be valued is for a person, and some ways break all that a user has.
        if not rows or ({asset for _, asset in rows} | self._in_redis_now()) - self._valued():
            return 0
        user, asset = rows[self._chance.below(len(rows))]
        place = _Place(user=user, asset=asset, amount=self._chance.between(1, MOST_AMOUNT))
        if not self._world.broken:
            # A replica without a watermark would be filled from a ledger that nobody says is right.
            self._world.redis.keys.make_safe(0)
        if self._chance.happens(0.5):
            ways = sorted(_REDIS)
            self._in_redis(ways[self._chance.below(len(ways))], place)
        else:
            ways = sorted(_LEDGER)
            await self._in_ledger(ways[self._chance.below(len(ways))], place)
        return user

    def _in_redis_now(self) -> set[str]:
        """Assets that the ledger may not have heard of yet."""
        names = [key.decode().split(":") for key in self._world.redis.keys.values]
        return {parts[2] for parts in names if parts[0] in ("pos", "held")} - {NOWHERE}

    def _valued(self) -> set[str]:
        """The assets that trades lead to from BTC."""
        found = {"BTC"}
        pairs = [pair for symbol, pair in self._world.pairs.items() if self._has_traded(symbol)]
        for _ in pairs:
            for pair in pairs:
                sides = {pair.base.name, pair.quote.name}
                found |= sides if sides & found else set()
        return found

    def _has_traded(self, symbol: str) -> bool:
        return any(
            event.HasField("trade_executed")
            for record in self._world.kafka.read_all(f"events.{symbol}")
            for event in EventBatch.FromString(record.value).events
        )

    def _in_redis(self, way: str, place: _Place) -> None:
        keys = self._world.redis.keys
        pos, held = (b"%s:{%d}:%s" % (kind, place.user, place.asset.encode()) for kind in (b"pos", b"held"))
        before = [_amount(keys.values.get(key)) for key in (pos, held)]
        command = _REDIS[way](place, keys.values)
        if not self._world.redis.up or not command or None in before:
            return
        for words in command:
            self._world.redis.execute(words)
        after = [_amount(keys.values.get(key)) or 0 for key in (pos, held)]
        moved = [new - (old or 0) for new, old in zip(after, before, strict=True)]
        self._note("redis", way, place, *moved)

    async def _in_ledger(self, way: str, place: _Place) -> None:
        for table, statement in _LEDGER[way]:
            if not await self._query(
                f"SELECT 1 FROM ledger.{table} WHERE user_id = %s AND asset = %s LIMIT 1",
                [place.user, place.asset],
            ):
                return
            async with self._mysql.session() as session:
                # A row, and of holds the first: the same one in both databases.
                await session.execute(statement.replace("{k}", str(place.amount)), [place.user, place.asset])
        self._note("ledger", way, place)

    def _note(self, side: str, way: str, place: _Place, available: int = 0, held: int = 0) -> None:
        now = asyncio.get_running_loop().time()
        self._world.note(f"broken by hand: {side}, {way}, {place}")
        self._world.broken.append(
            Broken(
                side=side,
                way=way,
                user=place.user,
                asset=place.asset,
                time=now,
                available=available,
                held=held,
            )
        )

    async def _query(self, statement: str, arguments: list[object]) -> list[tuple[int, str]]:
        async with self._mysql.session() as session:
            return [(row[0], row[-1]) for row in await session.query(statement, arguments)]


def _amount(value: Value | None) -> int | None:
    """None: it is none."""
    if value is None:
        return 0
    return int(value) if isinstance(value, bytes) and value.isdigit() else None


Commands = list[list[bytes]]
Values = dict[bytes, "Value"]


def _on(kind: bytes, *words: bytes) -> Callable[[_Place, Values], Commands]:
    """A command on one of the user's keys, which must be there; `%` in a word is the amount."""

    def command(place: _Place, values: Values) -> Commands:
        key = _key(kind, place)
        if key not in values:
            return []
        filled = [word.replace(b"%", b"%d" % place.amount) for word in words]
        return [[filled[0], key, *filled[1:]]]

    return command


def _key(kind: bytes, place: _Place) -> bytes:
    name = b"%s:{%d}" % (kind, place.user)
    return name + b":" + place.asset.encode() if kind in (b"pos", b"held") else name


def _gone(kind: bytes) -> Callable[[_Place, Values], Commands]:
    """A balance's key deleted; one of 0 says the same without a key."""

    def command(place: _Place, values: Values) -> Commands:
        return [[b"DEL", _key(kind, place)]] if _amount(values.get(_key(kind, place))) else []

    return command


def _less(place: _Place, values: Values) -> Commands:
    here = _amount(values.get(_key(b"pos", place)))
    return [[b"DECRBY", _key(b"pos", place), b"%d" % min(place.amount, here)]] if here else []


def _doubled(place: _Place, values: Values) -> Commands:
    here = _amount(values.get(_key(b"pos", place)))
    return [[b"INCRBY", _key(b"pos", place), b"%d" % here]] if here else []


def _swapped(place: _Place, values: Values) -> Commands:
    """From available to held: the sum stays."""
    if not _amount(values.get(_key(b"pos", place))):
        return []
    return [[b"INCRBY", _key(b"held", place), b"1"], [b"DECRBY", _key(b"pos", place), b"1"]]


def _another_type(place: _Place, values: Values) -> Commands:
    return [*_on(b"held", b"DEL")(place, values), [b"RPUSH", _key(b"held", place), b"5"]]


def _text_for_holds(place: _Place, values: Values) -> Commands:
    return [*_on(b"holds", b"DEL")(place, values), [b"SET", _key(b"holds", place), b"lost"]]


def _first_hold(place: _Place, values: Values) -> tuple[bytes, bytes]:
    holds = values.get(_key(b"holds", place))
    return min(holds.items()) if isinstance(holds, dict) and holds else (b"", b"")


def _hold_gone(place: _Place, values: Values) -> Commands:
    name, _ = _first_hold(place, values)
    return [[b"HDEL", _key(b"holds", place), name]] if name else []


def _hold_larger(place: _Place, values: Values) -> Commands:
    name, text = _first_hold(place, values)
    left, _, rest = text.partition(b" ")
    return [[b"HSET", _key(b"holds", place), name, b"%d %s" % (int(left) + 7, rest)]] if name else []


_REDIS: dict[str, Callable[[_Place, Values], Commands]] = {
    "more": _on(b"pos", b"INCRBY", b"%"),
    "less": _less,
    "more held": _on(b"held", b"INCRBY", b"%"),
    "swapped": _swapped,
    "deleted": _gone(b"pos"),
    "held deleted": _gone(b"held"),
    "doubled": _doubled,
    "another type": _another_type,
    "holds of another type": _text_for_holds,
    "no number": _on(b"pos", b"SET", b"1e9"),
    "a hold gone": _hold_gone,
    "a hold larger": _hold_larger,
    "all holds gone": _on(b"holds", b"DEL"),
    "cursor deleted": _on(b"cur", b"DEL"),
    "cursor back": _on(b"cur", b"HSET", b"i", b"1"),
    "cursor beyond the log": _on(b"cur", b"HSET", b"i", b"999999"),
    "an asset that isn't there": lambda place, _: [
        [b"SET", b"pos:{%d}:%s" % (place.user, NOWHERE.encode()), b"5"]
    ],
}

_WHERE = "WHERE user_id = %s AND asset = %s"
_FIRST = f"WHERE id = (SELECT MIN(id) FROM ledger.holds {_WHERE})"

_ROW_TOO_MANY = (
    f"INSERT IGNORE INTO ledger.balances SELECT user_id, '{NOWHERE}', 9, 0, source, position "
    f"FROM ledger.balances {_WHERE}"
)
_HOLD_DOUBLED = (
    "INSERT IGNORE INTO ledger.holds SELECT id + 1024000000, user_id, kind, asset, left_amount, per_unit, "
    f"side, symbol, base, quote, tick_lot, lot FROM ledger.holds {_FIRST}"
)
_LEDGER: dict[str, tuple[tuple[str, str], ...]] = {
    "more": (("balances", f"UPDATE ledger.balances SET available = available + {{k}} {_WHERE}"),),
    "less": (("balances", f"UPDATE ledger.balances SET available = available - {{k}} {_WHERE}"),),
    "more held": (("balances", f"UPDATE ledger.balances SET held = held + {{k}} {_WHERE}"),),
    "swapped": (
        ("balances", f"UPDATE ledger.balances SET held = held + 1, available = available - 1 {_WHERE}"),
    ),
    "doubled": (("balances", f"UPDATE ledger.balances SET available = available * 2 + 1 {_WHERE}"),),
    "negative": (("balances", f"UPDATE ledger.balances SET available = -5 {_WHERE}"),),
    "deleted": (("balances", f"DELETE FROM ledger.balances {_WHERE}"),),
    "a row too many": (("balances", _ROW_TOO_MANY),),
    "a hold gone": (("holds", f"DELETE FROM ledger.holds {_FIRST}"),),
    "a hold larger": (("holds", f"UPDATE ledger.holds SET left_amount = left_amount + 7 {_FIRST}"),),
    "a hold doubled": (("holds", _HOLD_DOUBLED),),
    "a hold of another asset": (("holds", f"UPDATE ledger.holds SET asset = '{NOWHERE}' {_FIRST}"),),
}
