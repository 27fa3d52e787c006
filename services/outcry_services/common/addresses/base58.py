"""Base58, with and without the checksum of Bitcoin (Bitcoin Core, `base58.cpp`)."""

from __future__ import annotations

from hashlib import sha256

from outcry_services.common.addresses.errors import ADDRESS_CHARACTERS, ADDRESS_CHECKSUM, AddressError

__all__ = ["decode", "decode_checked", "encode"]

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
CHECKSUM = 4


def decode(text: str) -> bytes:
    """The bytes; raises `AddressError` (`ADDRESS_CHARACTERS`)."""
    number = 0
    for letter in text:
        value = _VALUES.get(letter)
        if value is None:
            raise AddressError(
                f"{letter!a} stands in no base58 address (0, O, I and l are left out); copy it again",
                name=ADDRESS_CHARACTERS,
            )
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode(data: bytes) -> str:
    """What `decode` reads."""
    number, letters = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        letters = ALPHABET[rest] + letters
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + letters


def decode_checked(text: str) -> bytes:
    """The bytes before the checksum; raises `AddressError` (`ADDRESS_CHECKSUM`, `ADDRESS_CHARACTERS`)."""
    data = decode(text)
    body, checksum = data[:-CHECKSUM], data[-CHECKSUM:]
    if len(data) <= CHECKSUM or sha256(sha256(body).digest()).digest()[:CHECKSUM] != checksum:
        raise AddressError("the address's checksum is wrong: a letter was mistyped", name=ADDRESS_CHECKSUM)
    return body
