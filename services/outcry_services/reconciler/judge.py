"""Which side is wrong, and what it must be instead, as the logs tell it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.redis import Call, Script
from outcry_services.reconciler.compare import Place, differences
from outcry_services.reconciler.redis_view import NOTHING, Content
from outcry_services.reconciler.state import INSTRUCTIONS, Balance, Cut, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.reconciler.cut import Compared
    from outcry_services.reconciler.redis_view import RedisView
    from outcry_services.reconciler.replay import HoldFacts

__all__ = ["RedisRepair", "Truth", "Verdict", "judge", "redis_repair", "repair_call"]

REPAIR = Script.load(__package__, "repair")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both may be wrong; neither is when the difference has gone."""

    redis: bool
    ledger: bool

    def __str__(self) -> str:
        return {(True, False): "redis", (False, True): "ledger", (True, True): "both"}.get(
            (self.redis, self.ledger), "neither"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """A user at a cut, recomputed from the logs."""

    view: View
    last: Cut
    """The user's own last cause of each source."""
    holds: Mapping[int, tuple[str, int]]
    """All that are open, also one of which nothing is left."""
    facts: Mapping[int, HoldFacts]
    incarnation: int
    journal: int

    @property
    def possible(self) -> bool:
        """Whether it ever was so: a cut may have a trade, by a cursor that was put back, and not its hold."""
        amounts = (amount for one in self.view.balances.values() for amount in (one.available, one.held))
        return min(amounts, default=0) >= 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisRepair:
    """What the script is to do, and what it changes."""

    content: Mapping[str, Content]
    """New content by key; keys that are right are not in it."""
    changes: tuple[tuple[str, int, int], ...]
    """Asset, change of available, change of held."""
    number: int
    """The journal number that it takes."""

    @property
    def entry(self) -> str:
        """As position writes its own: `number KIND id asset:available:held …`."""
        moved = " ".join(f"{asset}:{available}:{held}" for asset, available, held in self.changes)
        return f"{self.number} ADJUST 0 {moved}".rstrip()


def judge(compared: Compared, truth: View) -> Verdict:
    """Compare each side with the logs at the cut of the comparison."""
    shapes = [one for one in compared.differences if one.place in (Place.SHAPE, Place.CURSOR)]
    return Verdict(
        redis=bool(differences(compared.redis, truth)) or any(one.redis for one in shapes),
        ledger=bool(differences(truth, compared.ledger))
        or any(one.ledger and one.place is Place.SHAPE for one in shapes),
    )


def redis_repair(redis: RedisView, truth: Truth, cut: Cut) -> RedisRepair:
    """Everything of the user that isn't what the logs say at this cut."""
    keys = redis.keys
    wanted: dict[str, Content] = {
        keys.cursor: _cursor(redis, truth, cut),
        keys.holds: _holds(truth),
        **_balances(redis, truth),
    }
    content = {key: new for key, new in wanted.items() if not _same(redis.raw.get(key, NOTHING), new)}
    assets = sorted({*redis.view.balances, *truth.view.balances})
    changes = []
    for asset in assets:
        here = redis.view.balances.get(asset, Balance())
        there = truth.view.balances.get(asset, Balance())
        if here != there:
            changes.append((asset, there.available - here.available, there.held - here.held))
    return RedisRepair(content=content, changes=tuple(changes), number=_journal(redis, truth) + 1)


def repair_call(redis: RedisView, repair: RedisRepair, *, repair_id: int) -> Call:
    """The script's run: it checks that every key is as `redis` saw it."""
    keys = redis.keys
    names = [keys.cursor, keys.journal, *(key for key in redis.raw if key not in (keys.cursor, keys.journal))]
    checked = [key for key in names if key != keys.journal]
    expected = [word for key in checked for word in _words(redis.raw[key])]
    new = [word for key in checked for word in _words(repair.content.get(key, Content("keep")))]
    arguments = [str(repair_id), str(repair.number), repair.entry, *expected, *new]
    return Call(REPAIR, tuple(names), tuple(word.encode("utf-8", "surrogateescape") for word in arguments))


def _words(content: Content) -> list[str]:
    return [content.kind, str(len(content.words)), *content.words]


def _same(here: Content, new: Content) -> bool:
    if here.kind == new.kind == "hash":
        return here.fields() == new.fields()
    return here == new


def _balances(redis: RedisView, truth: Truth) -> dict[str, Content]:
    wanted = {}
    for asset in {*redis.view.balances, *truth.view.balances}:
        right = truth.view.balances.get(asset)
        for key, amount in (
            (redis.keys.available(asset), right.available if right else 0),
            (redis.keys.held(asset), right.held if right else 0),
        ):
            here = redis.raw.get(key, NOTHING)
            absent_is_right = here == NOTHING and amount == 0
            unknown = right is None and here != Content("string", ("0",))
            wanted[key] = NOTHING if absent_is_right or unknown else Content("string", (str(amount),))
    return wanted


def _holds(truth: Truth) -> Content:
    fields = {}
    for number, (asset, left) in sorted(truth.holds.items()):
        facts = truth.facts[number]
        tail = (
            f" {facts.per_unit} {facts.side} {facts.symbol} {facts.base} {facts.quote}"
            f" {facts.tick_lot} {facts.lot}"
            if facts.is_order
            else ""
        )
        fields[str(number)] = f"{left} {asset}{tail}"
    return Content.of_hash(fields)


def _cursor(redis: RedisView, truth: Truth, cut: Cut) -> Content:
    """Each source at least at the user's last cause; a cursor beyond the cut was never true."""
    here = redis.raw.get(redis.keys.cursor, NOTHING)
    fields = here.fields() if here.kind == "hash" else {}
    right = {source: str(at) for source, at in truth.last.items()}
    for source, at in redis.cut.items():
        if truth.last.get(source, 0) < at <= cut.get(source, 0):
            right[source] = str(at)
    right.setdefault(INSTRUCTIONS, "0")
    number = fields.get("j", "")
    right["j"] = number if number.isdecimal() else str(truth.journal)
    right["n"] = str(truth.incarnation)
    if fields.get("n", "").isdecimal() and int(fields["n"]) >= truth.incarnation:
        right["n"] = fields["n"]
    return Content.of_hash(right)


def _journal(redis: RedisView, truth: Truth) -> int:
    """The highest journal number that the user has had anywhere."""
    numbers = [truth.journal]
    cursor = redis.raw.get(redis.keys.cursor, NOTHING)
    if cursor.kind == "hash" and cursor.fields().get("j", "").isdecimal():
        numbers.append(int(cursor.fields()["j"]))
    journal = redis.raw.get(redis.keys.journal, NOTHING)
    if journal.kind == "hash":
        firsts = (text.partition(" ")[0] for text in journal.fields().values())
        numbers.extend(int(first) for first in firsts if first.isdecimal())
    return max(numbers)
