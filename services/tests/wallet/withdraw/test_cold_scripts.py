"""Cold wallets by address and by descriptor: the same scripts that signers take for cold."""

from __future__ import annotations

import pytest
from embit.descriptor import Descriptor
from outcry_services.common.addresses import parse_address
from outcry_services.common.errors import ConfigError
from outcry_services.wallet.withdraw.bitcoin.cold import COLD_ADDRESSES, cold_scripts

# BIP-86's and BIP-84's account keys of the words "abandon … about".
TAPROOT = (
    "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2af"
    "YWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
)
FIRST = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


@pytest.mark.parametrize("origin", ["", "[73c5da0a/86'/0'/0']"])
def test_a_descriptor_s_first_addresses_are_derived_as_others_do(origin):
    descriptor = f"tr({origin}{TAPROOT}/0/*)"
    found = cold_scripts([f"{descriptor}#checksum"], network="mainnet")
    wanted = Descriptor.from_string(descriptor)
    assert list(found) == [
        bytes(wanted.derive(index).script_pubkey().data) for index in range(COLD_ADDRESSES)
    ]
    assert next(iter(found)) == parse_address("bitcoin", "mainnet", FIRST).script


def test_several_are_known_by_their_places():
    found = cold_scripts([ADDRESS, f"wpkh({TAPROOT}/1/*)"], network="mainnet")
    assert found[parse_address("bitcoin", "mainnet", ADDRESS).script] == "cold/0/0"
    assert list(found.values())[-1] == f"cold/1/{COLD_ADDRESSES - 1}"
    last = Descriptor.from_string(f"wpkh({TAPROOT}/1/*)").derive(COLD_ADDRESSES - 1)
    assert list(found)[-1] == bytes(last.script_pubkey().data)


@pytest.mark.parametrize("wrong", ["", "tr(xpub/0/*)", "wsh(0/*)", ADDRESS[:-1] + "5", f"tr({TAPROOT})"])
def test_what_is_neither_is_named(wrong):
    with pytest.raises(ConfigError, match="cold"):
        cold_scripts([wrong], network="mainnet")
