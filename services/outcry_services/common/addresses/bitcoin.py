"""Bitcoin's addresses: witness programs (BIP-173, BIP-350) and the two kinds of base58."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.addresses import base58, bech32
from outcry_services.common.addresses.errors import ADDRESS_CHAIN, ADDRESS_NETWORK, AddressError

if TYPE_CHECKING:
    from outcry_services.common.addresses.bech32 import Witness

__all__ = ["NETWORKS", "address_of_taproot", "read"]

NETWORKS = {"mainnet": "bc", "testnet4": "tb", "signet": "tb", "regtest": "bcrt"}
"""The prefix of witness addresses; testnet and signet can't be told apart."""
_KEY_HASH = {0x00: True, 0x6F: False}
_SCRIPT_HASH = {0x05: True, 0xC4: False}
"""Version bytes of base58: whether they are mainnet's. (Bitcoin Core, `chainparams.cpp`)"""
HASH = 20


def read(network: str, text: str) -> tuple[str, bytes]:
    """The canonical spelling, and the script that an output to it holds; raises `AddressError`."""
    if text.lower().startswith("0x"):
        raise AddressError("this is an address of Ethereum, not of Bitcoin", name=ADDRESS_CHAIN)
    prefix = text.lower().rpartition("1")[0]
    if prefix in NETWORKS.values():
        witness = bech32.decode(text)
        if witness.prefix != NETWORKS[network]:
            raise _elsewhere(network, f"begins with {witness.prefix}1 and not {NETWORKS[network]}1")
        return text.lower(), _witness_script(witness)
    return text, _base58_script(network, base58.decode_checked(text))


def address_of_taproot(network: str, output_key: bytes) -> str:
    """Of a taproot output key, 32 bytes (BIP-341)."""
    return bech32.encode(NETWORKS[network], 1, output_key)


def _witness_script(witness: Witness) -> bytes:
    opcode = 0x50 + witness.version if witness.version else 0
    return bytes([opcode, len(witness.program)]) + witness.program


def _base58_script(network: str, body: bytes) -> bytes:
    version, digest = body[0], body[1:]
    if len(digest) != HASH or version not in _KEY_HASH | _SCRIPT_HASH:
        raise AddressError("this is base58 with a checksum, and no address of Bitcoin", name=ADDRESS_CHAIN)
    if (_KEY_HASH | _SCRIPT_HASH)[version] != (network == "mainnet"):
        raise _elsewhere(network, "has the version byte of another network")
    if version in _KEY_HASH:
        return b"\x76\xa9\x14" + digest + b"\x88\xac"
    return b"\xa9\x14" + digest + b"\x87"


def _elsewhere(network: str, why: str) -> AddressError:
    return AddressError(f"this address is not of {network}: it {why}", name=ADDRESS_NETWORK)
