"""A fake of Redis's keys and of the commands that the services use, with Redis 7's own errors.

Every change is remembered until it is said to be safe, so that the last few can be taken back: that is what a
promoted replica lacks.
"""

from __future__ import annotations

import copy
import re
from collections import deque
from typing import TYPE_CHECKING, Any

from e2e.simulation.errors import UnfaithfulError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Keys", "RefusedError", "Status"]

I64_MIN, I64_MAX = -(2**63), 2**63 - 1
REMEMBERED = 4096
"""Changes that can be taken back, at the most."""

Value = bytes | dict[bytes, bytes] | list[bytes] | set[bytes]
Reply = Any


class RefusedError(Exception):
    """An error reply; its text begins with its code."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Status(bytes):
    """A status reply such as `OK`: in Lua a table, not a string."""


_WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
_NOT_INTEGER = "ERR value is not an integer or out of range"
_OVERFLOW = "ERR increment or decrement would overflow"


class Keys:
    """The keys of one server."""

    def __init__(self) -> None:
        self.values: dict[bytes, Value] = {}
        self._changes: deque[list[tuple[bytes, Value | None]]] = deque(maxlen=REMEMBERED)
        self._open: list[tuple[bytes, Value | None]] | None = None

    def run(self, words: Sequence[bytes]) -> Reply:
        """One command; raises `RefusedError`."""
        command = _COMMANDS.get(words[0].upper())
        if command is None:
            raise UnfaithfulError(f"the fake Redis doesn't know {words[0]!r}")
        call, least, most = command
        if not least <= len(words) - 1 <= most:
            name = words[0].decode().lower()
            raise RefusedError(f"ERR wrong number of arguments for '{name}' command")
        return call(self, *words[1:])

    def begin(self) -> None:
        """What follows is one change: a script's, or a command's."""
        self._open = []

    def end(self) -> None:
        """The change is whole."""
        if self._open:
            self._changes.append(self._open)
        self._open = None

    @property
    def unsafe(self) -> int:
        """How many of the last changes could still be lost."""
        return len(self._changes)

    def make_safe(self, left: int) -> None:
        """All changes but the last `left` are on every replica."""
        while len(self._changes) > left:
            self._changes.popleft()

    def lose(self, count: int) -> None:
        """Take the last `count` changes back."""
        for _ in range(min(count, len(self._changes))):
            for key, before in reversed(self._changes.pop()):
                if before is None:
                    self.values.pop(key, None)
                else:
                    self.values[key] = before

    def lose_all(self) -> None:
        """Nothing is left."""
        self.values.clear()
        self._changes.clear()

    def touch(self, key: bytes) -> None:
        """Called before `key` changes."""
        if self._open is not None:
            self._open.append((key, copy.copy(self.values.get(key))))

    def put(self, key: bytes, value: Value) -> None:
        """Replace a key; an empty collection is no key."""
        self.touch(key)
        if value or isinstance(value, bytes):
            self.values[key] = value
        else:
            self.values.pop(key, None)

    def typed(self, key: bytes, kind: type[Any]) -> Any:  # noqa: ANN401
        """The value, None when there is none; raises for another type."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, kind):
            raise RefusedError(_WRONG_TYPE)
        return value


def _integer(text: bytes) -> int:
    """As Redis's `string2ll`: no sign +, no blank, no leading zero."""
    if not re.fullmatch(rb"0|-?[1-9][0-9]{0,18}", text) or not I64_MIN <= int(text) <= I64_MAX:
        raise RefusedError(_NOT_INTEGER)
    return int(text)


def _get(keys: Keys, key: bytes) -> Reply:
    return keys.typed(key, bytes)


def _set(keys: Keys, key: bytes, value: bytes, *options: bytes) -> Reply:
    for option in options:
        if option.upper() not in (b"NX", b"XX"):
            raise UnfaithfulError(f"the fake Redis doesn't know SET … {option!r}")
        if (key in keys.values) == (option.upper() == b"NX"):
            return None
    keys.put(key, value)
    return Status(b"OK")


def _mget(keys: Keys, *names: bytes) -> Reply:
    return [value if isinstance(value := keys.values.get(name), bytes) else None for name in names]


def _mset(keys: Keys, *pairs: bytes) -> Reply:
    if len(pairs) % 2:
        raise RefusedError("ERR wrong number of arguments for 'mset' command")
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        keys.put(key, value)
    return Status(b"OK")


def _delete(keys: Keys, *names: bytes) -> Reply:
    removed = 0
    for name in names:
        if name in keys.values:
            keys.touch(name)
            del keys.values[name]
            removed += 1
    return removed


def _exists(keys: Keys, *names: bytes) -> Reply:
    return sum(name in keys.values for name in names)


def _type(keys: Keys, key: bytes) -> Reply:
    kinds = {bytes: b"string", dict: b"hash", list: b"list", set: b"set", type(None): b"none"}
    return Status(kinds[type(keys.values.get(key))])


def _add(keys: Keys, key: bytes, by: int) -> int:
    held = keys.typed(key, bytes)
    total = (0 if held is None else _integer(held)) + by
    if not I64_MIN <= total <= I64_MAX:
        raise RefusedError(_OVERFLOW)
    keys.put(key, b"%d" % total)
    return total


def _incrby(keys: Keys, key: bytes, by: bytes) -> Reply:
    return _add(keys, key, _integer(by))


def _decrby(keys: Keys, key: bytes, by: bytes) -> Reply:
    amount = _integer(by)
    if amount == I64_MIN:
        raise RefusedError("ERR decrement would overflow")
    return _add(keys, key, -amount)


def _hset(keys: Keys, key: bytes, *pairs: bytes) -> Reply:
    if len(pairs) % 2:
        raise RefusedError("ERR wrong number of arguments for 'hset' command")
    found = dict(keys.typed(key, dict) or {})
    before = len(found)
    found.update(zip(pairs[::2], pairs[1::2], strict=True))
    keys.put(key, found)
    return len(found) - before


def _hsetnx(keys: Keys, key: bytes, name: bytes, value: bytes) -> Reply:
    found = keys.typed(key, dict) or {}
    if name in found:
        return 0
    return _hset(keys, key, name, value)


def _hget(keys: Keys, key: bytes, name: bytes) -> Reply:
    return (keys.typed(key, dict) or {}).get(name)


def _hmget(keys: Keys, key: bytes, *names: bytes) -> Reply:
    found = keys.typed(key, dict) or {}
    return [found.get(name) for name in names]


def _hgetall(keys: Keys, key: bytes) -> Reply:
    return [part for pair in (keys.typed(key, dict) or {}).items() for part in pair]


def _hkeys(keys: Keys, key: bytes) -> Reply:
    return list(keys.typed(key, dict) or {})


def _hdel(keys: Keys, key: bytes, *names: bytes) -> Reply:
    found = dict(keys.typed(key, dict) or {})
    removed = sum(found.pop(name, None) is not None for name in names)
    if removed:
        keys.put(key, found)
    return removed


def _hexists(keys: Keys, key: bytes, name: bytes) -> Reply:
    return int(name in (keys.typed(key, dict) or {}))


def _hlen(keys: Keys, key: bytes) -> Reply:
    return len(keys.typed(key, dict) or {})


def _hincrby(keys: Keys, key: bytes, name: bytes, by: bytes) -> Reply:
    amount = _integer(by)
    found = dict(keys.typed(key, dict) or {})
    try:
        total = _integer(found.get(name, b"0")) + amount
    except RefusedError as error:
        raise RefusedError("ERR hash value is not an integer") from error
    if not I64_MIN <= total <= I64_MAX:
        raise RefusedError(_OVERFLOW)
    found[name] = b"%d" % total
    keys.put(key, found)
    return total


def _push(keys: Keys, key: bytes, *items: bytes) -> Reply:
    found = [*(keys.typed(key, list) or []), *items]
    keys.put(key, found)
    return len(found)


def _push_left(keys: Keys, key: bytes, *items: bytes) -> Reply:
    found = [*reversed(items), *(keys.typed(key, list) or [])]
    keys.put(key, found)
    return len(found)


def _pop_left(keys: Keys, key: bytes) -> Reply:
    found = list(keys.typed(key, list) or [])
    if not found:
        return None
    first = found.pop(0)
    keys.put(key, found)
    return first


def _llen(keys: Keys, key: bytes) -> Reply:
    return len(keys.typed(key, list) or [])


def _between(items: list[bytes], first: bytes, last: bytes) -> list[bytes]:
    size = len(items)
    begin, end = (number + size if number < 0 else number for number in (_integer(first), _integer(last)))
    return items[max(begin, 0) : end + 1] if end >= 0 else []


def _lrange(keys: Keys, key: bytes, first: bytes, last: bytes) -> Reply:
    return _between(keys.typed(key, list) or [], first, last)


def _ltrim(keys: Keys, key: bytes, first: bytes, last: bytes) -> Reply:
    keys.put(key, _between(keys.typed(key, list) or [], first, last))
    return Status(b"OK")


def _lindex(keys: Keys, key: bytes, at: bytes) -> Reply:
    return next(iter(_between(keys.typed(key, list) or [], at, at)), None)


def _sadd(keys: Keys, key: bytes, *items: bytes) -> Reply:
    before = keys.typed(key, set) or set()
    after = before | set(items)
    if after != before:
        keys.put(key, after)
    return len(after) - len(before)


def _srem(keys: Keys, key: bytes, *items: bytes) -> Reply:
    before = keys.typed(key, set) or set()
    after = before - set(items)
    if after != before:
        keys.put(key, after)
    return len(before) - len(after)


def _smembers(keys: Keys, key: bytes) -> Reply:
    return sorted(keys.typed(key, set) or set())


def _sismember(keys: Keys, key: bytes, item: bytes) -> Reply:
    return int(item in (keys.typed(key, set) or set()))


def _ping(_: Keys) -> Reply:
    return Status(b"PONG")


def _scan(keys: Keys, cursor: bytes, *options: bytes) -> Reply:
    """All at once: Redis may answer so too."""
    if cursor != b"0":
        raise UnfaithfulError("the fake Redis gives all keys at once")
    pairs = dict(zip((option.upper() for option in options[::2]), options[1::2], strict=True))
    if unknown := pairs.keys() - {b"MATCH", b"COUNT"}:
        raise UnfaithfulError(f"the fake Redis doesn't know SCAN … {unknown}")
    form = re.compile(
        re.escape(pairs.get(b"MATCH", b"*")).replace(rb"\*", b".*").replace(rb"\?", b"."), re.DOTALL
    )
    return [b"0", [key for key in keys.values if form.fullmatch(key)]]


_MANY = 1 << 30
_COMMANDS: dict[bytes, tuple[Callable[..., Reply], int, int]] = {
    b"PING": (_ping, 0, 0),
    b"GET": (_get, 1, 1),
    b"SET": (_set, 2, 4),
    b"MGET": (_mget, 1, _MANY),
    b"MSET": (_mset, 2, _MANY),
    b"DEL": (_delete, 1, _MANY),
    b"UNLINK": (_delete, 1, _MANY),
    b"EXISTS": (_exists, 1, _MANY),
    b"TYPE": (_type, 1, 1),
    b"INCR": (lambda keys, key: _add(keys, key, 1), 1, 1),
    b"DECR": (lambda keys, key: _add(keys, key, -1), 1, 1),
    b"INCRBY": (_incrby, 2, 2),
    b"DECRBY": (_decrby, 2, 2),
    b"HSET": (_hset, 3, _MANY),
    b"HSETNX": (_hsetnx, 3, 3),
    b"HGET": (_hget, 2, 2),
    b"HMGET": (_hmget, 2, _MANY),
    b"HGETALL": (_hgetall, 1, 1),
    b"HKEYS": (_hkeys, 1, 1),
    b"HDEL": (_hdel, 2, _MANY),
    b"HEXISTS": (_hexists, 2, 2),
    b"HLEN": (_hlen, 1, 1),
    b"HINCRBY": (_hincrby, 3, 3),
    b"RPUSH": (_push, 2, _MANY),
    b"LPUSH": (_push_left, 2, _MANY),
    b"LPOP": (_pop_left, 1, 1),
    b"LLEN": (_llen, 1, 1),
    b"LRANGE": (_lrange, 3, 3),
    b"LTRIM": (_ltrim, 3, 3),
    b"LINDEX": (_lindex, 2, 2),
    b"SADD": (_sadd, 2, _MANY),
    b"SREM": (_srem, 2, _MANY),
    b"SMEMBERS": (_smembers, 1, 1),
    b"SISMEMBER": (_sismember, 2, 2),
    b"SCAN": (_scan, 1, 5),
}
