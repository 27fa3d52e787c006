"""RLP, as far as a transaction without lists inside needs it (Yellow Paper, appendix B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EMPTY_LIST", "content", "number", "split_list", "string", "wrap"]

EMPTY_LIST = b"\xc0"
_STRING, _LIST, _SHORT = 0x80, 0xC0, 55


def string(data: bytes) -> bytes:
    """Bytes, encoded."""
    if len(data) == 1 and data[0] < _STRING:
        return data
    return _headed(data, _STRING)


def number(value: int) -> bytes:
    """A number, encoded without leading zeros."""
    return string(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def wrap(items: Iterable[bytes]) -> bytes:
    """A list of what is encoded already."""
    return _headed(b"".join(items), _LIST)


def split_list(data: bytes) -> list[bytes]:
    """The items of a list, each with its head; raises ValueError for anything else."""
    start, end = _span(data, 0)
    if not data or data[0] < _LIST or end != len(data):
        raise ValueError("no RLP list, or more than one")
    items = []
    while start < end:
        _, item_end = _span(data, start)
        items.append(data[start:item_end])
        start = item_end
    return items


def content(item: bytes) -> bytes:
    """What an item holds."""
    start, end = _span(item, 0)
    return item[start:end]


def _headed(payload: bytes, kind: int) -> bytes:
    if len(payload) <= _SHORT:
        return bytes([kind + len(payload)]) + payload
    length = len(payload).to_bytes((len(payload).bit_length() + 7) // 8, "big")
    return bytes([kind + _SHORT + len(length)]) + length + payload


def _span(data: bytes, at: int) -> tuple[int, int]:
    """Where an item's content begins and ends."""
    if at >= len(data):
        raise ValueError("RLP that is cut short")
    first = data[at]
    if first < _STRING:
        return at, at + 1
    kind = _LIST if first >= _LIST else _STRING
    length, start = first - kind, at + 1
    if length > _SHORT:
        width = length - _SHORT
        start = at + 1 + width
        length = int.from_bytes(data[at + 1 : start], "big")
    if start + length > len(data):
        raise ValueError("RLP that is cut short")
    return start, start + length
