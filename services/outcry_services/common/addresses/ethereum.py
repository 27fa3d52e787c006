"""Ethereum's addresses: 20 bytes, whose letters' case is a checksum (EIP-55)."""

from __future__ import annotations

import re

from Crypto.Hash import keccak

from outcry_services.common.addresses.errors import (
    ADDRESS_CHAIN,
    ADDRESS_CHECKSUM,
    ADDRESS_UNPAYABLE,
    AddressError,
)

__all__ = ["checksummed", "keccak256", "read"]

_HEX = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_OTHERS = re.compile(r"(bc|tb|bcrt)1[a-z0-9]+", re.ASCII | re.IGNORECASE)


def read(text: str) -> tuple[str, bytes]:
    """The checksummed spelling and the 20 bytes; raises `AddressError`.

    All lower or all upper case carries no checksum and is taken (EIP-55).
    """
    if not _HEX.fullmatch(text):
        if _OTHERS.fullmatch(text):
            raise AddressError("this is an address of Bitcoin, not of Ethereum", name=ADDRESS_CHAIN)
        raise AddressError("an Ethereum address is 0x and 40 hexadecimal digits")
    digits = text[2:]
    account = bytes.fromhex(digits)
    canonical = checksummed(account)
    if digits not in (digits.lower(), digits.upper()) and text != canonical:
        raise AddressError(
            "the case of the address's letters is not that of its checksum: a digit was mistyped",
            name=ADDRESS_CHECKSUM,
        )
    if not any(account):
        raise AddressError("nobody has the key of the zero address", name=ADDRESS_UNPAYABLE)
    return canonical, account


def checksummed(account: bytes) -> str:
    """The address of 20 bytes in mixed case."""
    digits = account.hex()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, digest, strict=False)
    )


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it, which is not SHA3-256."""
    return keccak.new(digest_bits=256, data=data).digest()
