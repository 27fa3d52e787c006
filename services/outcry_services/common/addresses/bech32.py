"""Bech32 and Bech32m of segregated witness addresses (BIP-173, BIP-350)."""

from __future__ import annotations

from dataclasses import dataclass

from outcry_services.common.addresses.errors import ADDRESS_CHARACTERS, ADDRESS_CHECKSUM, AddressError

__all__ = ["Witness", "decode", "encode"]

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
BECH32, BECH32M = 1, 0x2BC830A3
CHECKSUM, LONGEST = 6, 90


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness program and the prefix of its network."""

    prefix: str
    version: int
    program: bytes


def decode(text: str) -> Witness:
    """Raises `AddressError` (`ADDRESS_CHECKSUM`, `ADDRESS_CHARACTERS`, `ADDRESS_MALFORMED`)."""
    if text not in (text.lower(), text.upper()):
        raise AddressError(
            "the address mixes upper and lower case, which its checksum doesn't cover; copy it again",
            name=ADDRESS_CHECKSUM,
        )
    prefix, one, rest = text.lower().rpartition("1")
    if not prefix or not one or len(rest) <= CHECKSUM or len(text) > LONGEST:
        raise AddressError("the address is cut short, or longer than any")
    values = [_value(letter) for letter in rest]
    kind = _polymod([*_expanded(prefix), *values])
    version, program = values[0], _bytes(values[1:-CHECKSUM])
    if kind != (BECH32M if version else BECH32):
        raise AddressError(
            "the address's checksum is wrong: a letter was mistyped, or it is of the older kind for a newer "
            "version",
            name=ADDRESS_CHECKSUM,
        )
    if version > 16 or not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise AddressError(f"version {version} with {len(program)} bytes is no witness program")
    return Witness(prefix, version, program)


def encode(prefix: str, version: int, program: bytes) -> str:
    """The address of a witness program, in lower case."""
    values = [version, *_groups(program)]
    kind = BECH32M if version else BECH32
    polymod = _polymod([*_expanded(prefix), *values, *[0] * CHECKSUM]) ^ kind
    checksum = [polymod >> 5 * (CHECKSUM - 1 - at) & 31 for at in range(CHECKSUM)]
    return f"{prefix}1{''.join(CHARSET[value] for value in (*values, *checksum))}"


def _value(letter: str) -> int:
    found = _VALUES.get(letter)
    if found is None:
        raise AddressError(
            f"{letter!a} stands in no such address (1, b, i and o are left out); copy it again",
            name=ADDRESS_CHARACTERS,
        )
    return found


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def _expanded(prefix: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]


def _bytes(values: list[int]) -> bytes:
    """Groups of five bits as bytes; what is left over must be less than a group, and zero."""
    number = 0
    for value in values:
        number = number << 5 | value
    rest = len(values) * 5 % 8
    if rest >= 5 or number & (1 << rest) - 1:
        raise AddressError("the address ends in bits that mean nothing")
    return (number >> rest).to_bytes(len(values) * 5 // 8, "big")


def _groups(data: bytes) -> list[int]:
    count = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << count * 5 - len(data) * 8
    return [number >> 5 * (count - 1 - at) & 31 for at in range(count)]
