"""Whose signature it is: the account that nodes will recover from it (SEC 1, 4.1.6; EIP-2 on low s).

In plain Python, since nothing here is secret and the library below has no recovery everywhere.
"""

from __future__ import annotations

from outcry_services.common.addresses.ethereum import keccak256

__all__ = ["recover"]

# secp256k1 (SEC 2, 2.4.1).
_P = 2**256 - 2**32 - 977
_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

Point = tuple[int, int] | None


def recover(digest: bytes, *, r: int, s: int, parity: int) -> bytes | None:
    """The 20 bytes of the account; None for what is no signature that a node takes."""
    if not (0 < r < _N and 0 < s <= _N // 2 and parity in (0, 1)):
        return None
    square = (pow(r, 3, _P) + 7) % _P
    y = pow(square, (_P + 1) // 4, _P)
    if y * y % _P != square:
        return None
    nonce = (r, y if y % 2 == parity else _P - y)
    inverse = pow(r, -1, _N)
    message = int.from_bytes(digest, "big")
    key = _add(_times(s * inverse % _N, nonce), _times(-message * inverse % _N, _G))
    if key is None:
        return None
    return keccak256(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:]


def _add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0]:
        if (one[1] + other[1]) % _P == 0:
            return None
        slope = 3 * one[0] * one[0] * pow(2 * one[1], -1, _P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, _P)
    x = (slope * slope - one[0] - other[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _times(factor: int, point: Point) -> Point:
    found: Point = None
    while factor:
        if factor & 1:
            found = _add(found, point)
        point, factor = _add(point, point), factor >> 1
    return found
