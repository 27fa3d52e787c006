"""Keys of users below a quorum's Ed25519 key, from its public half alone, as the signers derive them.

How is in docs/services/signer.md, "Addresses". The curve is that of RFC 8032, 5.1; in plain Python, since
nothing here is secret and no library at hand adds two points.
"""

from __future__ import annotations

import hmac
from hashlib import sha512

__all__ = ["child_key"]

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
"""Of minus one."""
_LABEL = b"outcry/ed25519-path/v1"

Point = tuple[int, int, int, int]
"""Extended coordinates: X, Y, Z, T."""


def child_key(public_key: bytes, chain_code: bytes, path: str) -> bytes:
    """The 32 bytes at `1/0/7` below a key. Raises ValueError for a key that is no point."""
    steps = b"".join(int(step).to_bytes(4, "big") for step in path.split("/"))
    digest = hmac.digest(chain_code, _LABEL + public_key + steps, sha512)
    amount = int.from_bytes(digest, "little") % _ORDER
    return _compressed(_add(_point(public_key), _times(amount, _BASE)))


def _point(data: bytes) -> Point:
    y, odd = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if x * x % _P != square:
        x = x * _ROOT % _P
    if len(data) != 32 or y >= _P or x * x % _P != square:
        raise ValueError("an Ed25519 key that is no point of the curve")
    return _affine(x if x % 2 == odd else _P - x, y)


def _affine(x: int, y: int) -> Point:
    return x, y, 1, x * y % _P


def _add(one: Point, other: Point) -> Point:
    """RFC 8032, 5.1.4; complete, so that it doubles, too."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(factor: int, point: Point) -> Point:
    found = _affine(0, 1)
    while factor:
        if factor & 1:
            found = _add(found, point)
        point, factor = _add(point, point), factor >> 1
    return found


def _compressed(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
