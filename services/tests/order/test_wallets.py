"""Which wallet takes an asset's deposits."""

from __future__ import annotations

import json

import pytest
from outcry_services.common.errors import InvalidError, NotFoundError
from outcry_services.order.wallets import WalletEntry, choose
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


@pytest.mark.parametrize("text", [b"", b"[]", b'{"chain": "bitcoin"}', b"\xff"])
def test_an_entry_that_makes_no_sense_is_none(text):
    with pytest.raises(ValidationError):
        WalletEntry.read(text)
