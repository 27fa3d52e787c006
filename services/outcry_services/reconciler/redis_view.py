"""Redis's view of a user, read in one step by a script: balances, holds, cursors, and what is no such thing.

Keys of user 7: `pos:{7}:BTC` and `held:{7}:BTC` (decimal text), `holds:{7}` (hash: id → `left asset …`),
`cur:{7}` (hash: `n`, `i`, `j` and a symbol each) and `journal:{7}` (hash: entries not in Kafka yet). Anything
else there is a fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.common.ids import SHARD_BITS
from outcry_services.common.money import I64_MAX
from outcry_services.common.redis import Call, Script
from outcry_services.reconciler.state import INSTRUCTIONS, Balance, Cut, Posting, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry_services.common.redis import Redis, Reply

__all__ = ["Content", "Fault", "RedisView", "UserKeys", "parse_key", "read_users"]

SNAPSHOT = Script.load(__package__, "snapshot")
_AMOUNT = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_KEY = re.compile(
    r"(?P<kind>pos|held|holds|cur|journal):\{(?P<user>[1-9][0-9]{0,18})\}(?::(?P<asset>.+))?", re.ASCII
)
_CHANGE = re.compile(r"([^:]+):(-?[0-9]+):(-?[0-9]+)", re.ASCII)
_INCARNATION, _JOURNAL = "n", "j"


@dataclass(frozen=True, slots=True)
class Content:
    """A key as it is: its type, and its words (a hash's are fields and values)."""

    kind: str
    words: tuple[str, ...] = ()

    @classmethod
    def of_hash(cls, fields: Mapping[str, str]) -> Content:
        """A hash; without fields there is no key."""
        words = tuple(word for pair in fields.items() for word in pair)
        return cls("hash", words) if words else NOTHING

    def fields(self) -> dict[str, str]:
        """Of a hash."""
        return dict(zip(self.words[::2], self.words[1::2], strict=True))


NOTHING = Content("none")


@dataclass(frozen=True, slots=True)
class Fault:
    """A key, or a field of one, that holds what nobody writes."""

    key: str
    found: str
    asset: str = ""


@dataclass(frozen=True, slots=True)
class UserKeys:
    """The names of a user's keys."""

    user_id: int

    @property
    def cursor(self) -> str:
        """Hash: how far this user is."""
        return f"cur:{{{self.user_id}}}"

    @property
    def journal(self) -> str:
        """Hash: entries that Kafka doesn't have yet."""
        return f"journal:{{{self.user_id}}}"

    @property
    def holds(self) -> str:
        """Hash: what is held by order or withdrawal."""
        return f"holds:{{{self.user_id}}}"

    def available(self, asset: str) -> str:
        """Decimal text."""
        return f"pos:{{{self.user_id}}}:{asset}"

    def held(self, asset: str) -> str:
        """Decimal text."""
        return f"held:{{{self.user_id}}}:{asset}"

    def all(self, assets: Iterable[str]) -> tuple[str, ...]:
        """Cursor, journal and holds, then the balances of these assets."""
        balances = (key for asset in sorted(assets) for key in (self.available(asset), self.held(asset)))
        return (self.cursor, self.journal, self.holds, *balances)


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisView:
    """What Redis has of one user at one moment."""

    user_id: int
    cut: Cut
    view: View
    faults: tuple[Fault, ...]
    raw: Mapping[str, Content]

    @property
    def keys(self) -> UserKeys:
        """The names of the user's keys."""
        return UserKeys(self.user_id)

    @property
    def carried_out(self) -> int:
        """The last instruction that left a trace: no cursor that is below it is true."""
        journal = self.raw.get(self.keys.journal, NOTHING)
        names = journal.fields() if journal.kind == "hash" else {}
        told = (name.partition(".")[2] for name in names if name[:1] == INSTRUCTIONS)
        numbers = [int(number) for number in told if number.isdecimal()]
        numbers += [identity >> SHARD_BITS for identity in self.view.holds]
        return max(numbers, default=0)

    def untold(self, after: int) -> list[Posting]:
        """Instructions behind this number that were carried out, and of which Kafka has no answer yet.

        Position keeps such an entry in the journal: `i<incarnation>.<number>` → `j KIND id
        asset:available:held …`.
        """
        journal = self.raw.get(self.keys.journal, NOTHING)
        found = []
        for name, text in journal.fields().items() if journal.kind == "hash" else ():
            number = name.partition(".")[2]
            if name[:1] != INSTRUCTIONS or not number.isdecimal() or int(number) <= after:
                continue
            _, _, identity, *changes = text.split(" ")
            for change in changes:
                parts = _CHANGE.fullmatch(change)
                if parts is not None:
                    asset, available, held = parts.groups()
                    found.append(
                        Posting(INSTRUCTIONS, int(number), asset, int(available), int(held), int(identity))
                    )
        return sorted(found, key=lambda one: one.position)


def parse_key(key: str) -> tuple[int, str] | None:
    """User and asset (empty: none) of a key of a user's money; None for a key of another kind."""
    found = _KEY.fullmatch(key)
    if found is None or (found["kind"] in ("pos", "held")) != bool(found["asset"]):
        return None
    return int(found["user"]), found["asset"] or ""


async def read_users(redis: Redis, users: Mapping[int, Iterable[str]]) -> list[RedisView]:
    """Each user's view, with these assets; raises a named error when Redis doesn't answer for one of them."""
    names = {user: UserKeys(user).all(assets) for user, assets in users.items()}
    replies: list[Sequence[Reply]] = []
    for reply in await redis.run_all([Call(SNAPSHOT, keys) for keys in names.values()]):
        if isinstance(reply, ServiceError):
            raise reply
        replies.append(reply)
    return [_view(user, keys, reply) for (user, keys), reply in zip(names.items(), replies, strict=True)]


def _view(user: int, keys: Sequence[str], replies: Sequence[Reply]) -> RedisView:
    raw = {key: _content(reply) for key, reply in zip(keys, replies, strict=True)}
    names = UserKeys(user)
    faults: list[Fault] = []
    balances: dict[str, Balance] = {}
    for key in keys[3:]:
        _, asset = parse_key(key) or (0, "")
        amount = _amount(key, asset, raw[key], faults)
        before = balances.get(asset, Balance())
        balances[asset] = (
            Balance(amount, before.held) if key.startswith("pos:") else Balance(before.available, amount)
        )
    if raw[names.journal].kind not in ("none", "hash"):
        faults.append(Fault(names.journal, raw[names.journal].kind))
    return RedisView(
        user_id=user,
        cut=_cut(names.cursor, raw[names.cursor], faults),
        view=View(balances, _holds(names.holds, raw[names.holds], faults)),
        faults=tuple(faults),
        raw=raw,
    )


def _content(reply: Reply) -> Content:
    kind = _text(reply[0])
    if len(reply) == 1:
        return Content(kind)
    held = reply[1]
    return Content(kind, tuple(map(_text, held)) if isinstance(held, list) else (_text(held),))


def _text(word: Reply) -> str:
    # Bytes that are no text must come back as they were when they are compared.
    return word.decode("utf-8", "surrogateescape") if isinstance(word, bytes) else str(word)


def _amount(key: str, asset: str, content: Content, faults: list[Fault]) -> int:
    if content.kind == "none":
        return 0
    if content.kind == "string" and _is_amount(content.words[0]):
        return int(content.words[0])
    found = content.words[0][:40] if content.kind == "string" else content.kind
    faults.append(Fault(key, found, asset))
    return 0


def _is_amount(text: str) -> bool:
    return _AMOUNT.fullmatch(text) is not None and int(text) <= I64_MAX


def _cut(key: str, content: Content, faults: list[Fault]) -> Cut:
    if content.kind not in ("none", "hash"):
        faults.append(Fault(key, content.kind))
        return {}
    cut: Cut = {}
    for name, text in content.fields().items():
        if not _is_amount(text):
            faults.append(Fault(f"{key} {name}", text[:40]))
        elif name not in (_INCARNATION, _JOURNAL):
            cut[name] = int(text)
    cut.setdefault(INSTRUCTIONS, 0)
    return cut


def _holds(key: str, content: Content, faults: list[Fault]) -> dict[int, tuple[str, int]]:
    if content.kind not in ("none", "hash"):
        faults.append(Fault(key, content.kind))
        return {}
    holds = {}
    for name, text in content.fields().items():
        left, _, rest = text.partition(" ")
        asset = rest.partition(" ")[0]
        if _is_amount(name) and _is_amount(left) and asset:
            holds[int(name)] = (asset, int(left))
        else:
            faults.append(Fault(f"{key} {name[:20]}", text[:40]))
    return {number: hold for number, hold in holds.items() if hold[1]}
