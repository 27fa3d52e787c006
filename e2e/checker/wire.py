"""The protobuf wire format, as far as `outcry.v1` needs it.

Written by hand so that a mistake in a generated or shared codec can't hide itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WireError", "fields", "number_of"]

VARINT, FIXED64, BYTES, GROUP_START, GROUP_END, FIXED32 = 0, 1, 2, 3, 4, 5
MAX_DEPTH = 100
SIGN = 1 << 63
ALL = (1 << 64) - 1


class WireError(ValueError):
    """The bytes are no protobuf message of the expected shape."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise WireError("ends inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > ALL:
                raise WireError("number beyond 64 bits")
            return value, at
        shift += 7
        if shift > 63:
            raise WireError("number of more than ten bytes")


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Each field of a message as (number, wire type, value)."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or number > (1 << 29) - 1:
            raise WireError(f"field number {number}")
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, kind, value
            continue
        if kind == GROUP_START:
            at = _group_end(data, at, number, 1)
            yield number, kind, b""
            continue
        if kind == BYTES:
            length, at = varint(data, at)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"wire type {kind}")
        if at + length > len(data):
            raise WireError("ends inside a field")
        yield number, kind, data[at : at + length]
        at += length


def _group_end(data: bytes, at: int, group: int, depth: int) -> int:
    """The place behind a group, a form of nesting that old messages had and no field of ours has."""
    if depth > MAX_DEPTH:
        raise WireError("groups nested too deeply")
    while True:
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if number == 0 or number > (1 << 29) - 1:
            raise WireError(f"field number {number}")
        if kind == GROUP_END and number == group:
            return at
        if kind == GROUP_START:
            at = _group_end(data, at, number, depth + 1)
            continue
        if kind == VARINT:
            _, at = varint(data, at)
            continue
        if kind == BYTES:
            length, at = varint(data, at)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"wire type {kind}")
        at += length
        if at > len(data):
            raise WireError("ends inside a field")


def number_of(value: int, letter: str) -> int:
    """What a varint says as `u` uint64, `w` uint32, `i` int64, `e` an enum or int32, `z` sint32, `b` bool."""
    if letter == "u":
        return value
    if letter == "i":
        return value - 2 * SIGN if value >= SIGN else value
    if letter == "b":
        return value != 0
    value &= 0xFFFFFFFF
    if letter == "w":
        return value
    if letter == "z":
        return (value >> 1) ^ -(value & 1)
    return value - (1 << 32) if value >= 1 << 31 else value
