"""Which wallet takes an asset's deposits."""

from __future__ import annotations

import json

import pytest
from outcry_services.common.addresses import AddressError
from outcry_services.common.errors import InvalidError, NotFoundError
from outcry_services.common.wallets import WalletDirectory, WalletEntry, choose
from pydantic import ValidationError


def entry(chain, network, *assets):
    """As the operator writes it, with what isn't for us."""
    told = {
        "name": chain,
        "namespace": "outcry",
        "chain": chain,
        "network": network,
        "paused": False,
        "grpc": f"wallet-{chain}.outcry.svc:7080",
        "assets": [{"asset": asset, "scale": 8} for asset in assets],
    }
    return WalletEntry.read(json.dumps(told).encode())


WALLETS = (entry("bitcoin", "mainnet", "BTC"), entry("ethereum", "mainnet", "ETH", "USDT"))
WITH_SOLANA = (*WALLETS, entry("solana", "mainnet-beta", "SOL", "USDT"))


@pytest.mark.parametrize(
    ("asset", "network", "chain"),
    [
        ("BTC", "", "bitcoin"),
        ("BTC", "bitcoin", "bitcoin"),
        ("USDT", "solana", "solana"),
        ("USDT", "ethereum-mainnet", "ethereum"),
        ("USDT", "mainnet-beta", "solana"),
    ],
)
def test_an_asset_on_one_network_needs_no_other_word(asset, network, chain):
    found = choose(WITH_SOLANA, asset=asset, network=network)
    assert (found.chain, found.address) == (chain, f"wallet-{chain}.outcry.svc:7080")


def test_an_asset_on_several_networks_needs_one_named():
    with pytest.raises(InvalidError, match="ethereum-mainnet, solana-mainnet-beta") as caught:
        choose(WITH_SOLANA, asset="USDT", network="")
    assert caught.value.name == "NETWORK_MISSING"


@pytest.mark.parametrize(("asset", "network"), [("DOGE", ""), ("BTC", "ethereum"), ("", "")])
def test_what_nobody_takes_says_where_it_is_taken(asset, network):
    with pytest.raises(NotFoundError) as caught:
        choose(WALLETS, asset=asset, network=network)
    assert caught.value.name == "NO_WALLET"
    assert ("bitcoin-mainnet" in caught.value.message) is (asset == "BTC")


@pytest.fixture
def directory():
    found = WalletDirectory(consul=None)
    found._wallets = WITH_SOLANA
    return found


@pytest.mark.parametrize(
    ("asset", "network", "address", "name"),
    [
        ("BTC", "", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "ADDRESS_CHECKSUM"),
        (
            "BTC",
            "bitcoin",
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            "ADDRESS_NETWORK",
        ),
        ("ETH", "", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "ADDRESS_CHECKSUM"),
        ("USDT", "ethereum", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ADDRESS_CHAIN"),
    ],
)
def test_an_address_that_its_chain_would_not_take_is_refused_before_funds_are_held(
    directory, asset, network, address, name
):
    with pytest.raises(AddressError) as caught:
        directory.check_address(asset, network, address)
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("asset", "network", "address"),
    [
        ("BTC", "", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        # Nobody can tell: no wallet, or several.
        ("DOGE", "", "D-anything"),
        ("USDT", "", "anything"),
    ],
)
def test_an_address_that_is_one_or_of_which_nobody_can_tell_passes(directory, asset, network, address):
    directory.check_address(asset, network, address)


@pytest.mark.parametrize("text", [b"", b"[]", b'{"chain": "bitcoin"}', b"\xff"])
def test_an_entry_that_makes_no_sense_is_none(text):
    with pytest.raises(ValidationError):
        WalletEntry.read(text)
