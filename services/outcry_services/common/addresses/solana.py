"""Solana's addresses: the 32 bytes of a public key, or of an account that programs own, in base58."""

from __future__ import annotations

from outcry_services.common.addresses import base58
from outcry_services.common.addresses.errors import ADDRESS_CHAIN, ADDRESS_UNPAYABLE, AddressError

__all__ = ["read"]

LENGTH, LONGEST = 32, 44


def read(text: str) -> tuple[str, bytes]:
    """The spelling and the 32 bytes; raises `AddressError`. There is no checksum to hold it to."""
    if text.lower().startswith(("0x", "bc1", "tb1", "bcrt1")):
        raise AddressError("this is an address of another chain, not of Solana", name=ADDRESS_CHAIN)
    data = base58.decode(text) if len(text) <= LONGEST else b""
    if len(data) != LENGTH:
        raise AddressError("an address of Solana is 32 bytes in base58")
    if not any(data):
        raise AddressError("this is the system program: coins sent there are gone", name=ADDRESS_UNPAYABLE)
    return text, data
