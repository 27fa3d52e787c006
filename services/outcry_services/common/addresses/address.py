"""One address of whichever chain."""

from __future__ import annotations

from dataclasses import dataclass

from outcry_services.common.addresses import bitcoin, ethereum, solana
from outcry_services.common.addresses.errors import ADDRESS_CHARACTERS, AddressError

__all__ = ["Address", "looks_like", "parse_address"]

LONGEST = 128
SHOWN = 4
"""What people compare of an address: so many characters at its front, behind what all have, and its end."""
_PREFIXES = ("0x", "bc1", "tb1", "bcrt1")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was checked."""

    chain: str
    network: str
    canonical: str
    """The spelling by which two are compared."""
    script: bytes
    """Bitcoin: an output's script; Ethereum: 20 bytes; Solana: 32."""


def parse_address(chain: str, network: str, text: str) -> Address:
    """Check an address; raises `AddressError`, also for a chain or a network of Bitcoin that isn't known."""
    if not text or len(text) > LONGEST:
        raise AddressError(f"an address has 1 to {LONGEST} characters")
    if not text.isascii() or not text.isalnum():
        raise AddressError(
            "the address has a character that only looks like a letter or digit, or a space; copy it again",
            name=ADDRESS_CHARACTERS,
        )
    if chain == "bitcoin" and network in bitcoin.NETWORKS:
        canonical, script = bitcoin.read(network, text)
    elif chain == "ethereum":
        canonical, script = ethereum.read(text)
    elif chain == "solana":
        canonical, script = solana.read(text)
    else:
        raise AddressError(f"there is no chain {chain[:32]!a} with a network {network[:32]!a}")
    return Address(chain, network, canonical, script)


def looks_like(one: str, other: str) -> bool:
    """Whether people would take two different addresses for the same by their front and end.

    Somebody who wants to be paid by mistake makes an address like one that their victim pays to.
    """
    return one != other and _shown(one) == _shown(other)


def _shown(address: str) -> tuple[str, str]:
    lower = address.lower()
    prefix = next((prefix for prefix in _PREFIXES if lower.startswith(prefix)), "")
    # The version behind a prefix is the same for all: it tells nobody anything.
    begin = len(prefix) + (prefix.endswith("1"))
    return lower[begin : begin + SHOWN], lower[-SHOWN:]
