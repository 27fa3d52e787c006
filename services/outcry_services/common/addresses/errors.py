"""What is wrong with an address.

InvalidError (common)
└── AddressError    `ADDRESS_MALFORMED` and narrower names
"""

from __future__ import annotations

from outcry_services.common.errors import InvalidError

__all__ = [
    "ADDRESS_CHAIN",
    "ADDRESS_CHARACTERS",
    "ADDRESS_CHECKSUM",
    "ADDRESS_MALFORMED",
    "ADDRESS_NETWORK",
    "ADDRESS_UNPAYABLE",
    "AddressError",
]

ADDRESS_MALFORMED = "ADDRESS_MALFORMED"
ADDRESS_CHARACTERS = "ADDRESS_CHARACTERS"
"""A character that no address of the chain has: one mistaken for another, or of another script."""
ADDRESS_CHECKSUM = "ADDRESS_CHECKSUM"
ADDRESS_NETWORK = "ADDRESS_NETWORK"
"""An address of the same chain, of another network."""
ADDRESS_CHAIN = "ADDRESS_CHAIN"
"""An address of another chain."""
ADDRESS_UNPAYABLE = "ADDRESS_UNPAYABLE"
"""Well formed, and whatever is sent there is gone."""


class AddressError(InvalidError):
    """No address of that chain and network; the message says why."""

    default_name = ADDRESS_MALFORMED

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message, name=name, field="address")
