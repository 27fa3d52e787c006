"""Addresses of chains: what people write, checked to the last character, and what a transaction pays to.

    parse_address("bitcoin", "mainnet", "bc1q…").script      what an output must hold
    parse_address("ethereum", "1", "0xab…").canonical        the one spelling by which it is compared

A checksum that doesn't fit, letters of another script, an address of another network or chain: each is
refused by a name of its own, since funds sent there are gone.
"""

from outcry_services.common.addresses.address import Address, looks_like, parse_address
from outcry_services.common.addresses.errors import AddressError

__all__ = ["Address", "AddressError", "looks_like", "parse_address"]
