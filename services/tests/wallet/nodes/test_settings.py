"""A pool's settings are whole, or the process doesn't start and says which field is wrong."""

from __future__ import annotations

import json

import pytest
from outcry_services.common.errors import ConfigError
from outcry_services.wallet.nodes.bitcoin import GENESIS
from outcry_services.wallet.nodes.metrics import PoolMetrics
from outcry_services.wallet.nodes.model import Identity
from outcry_services.wallet.nodes.opening import bitcoin_pool, ethereum_pool
from outcry_services.wallet.nodes.policy import BITCOIN, ETHEREUM
from outcry_services.wallet.nodes.settings import PoolSettings
from prometheus_client import CollectorRegistry

KEY = "pr0vider-key"
NODE = {"name": "a", "url": f"https://node.example/{KEY}"}
BITCOIN_POOL = {"chain": "bitcoin", "network": "regtest", "nodes": [NODE]}
ETHEREUM_POOL = {
    "chain": "ethereum",
    "network": "dev",
    "chain_id": 1337,
    "genesis": "0x" + "ab" * 32,
    "nodes": [NODE],
}


def load(tmp_path, whole, **changes):
    file = tmp_path / "pool.json"
    file.write_text(json.dumps(whole | changes))
    return PoolSettings.load(file)


def test_each_chain_has_its_identity_and_its_numbers(tmp_path):
    bitcoin = load(tmp_path, BITCOIN_POOL, max_lag=7)
    assert bitcoin.identity == Identity(genesis=GENESIS["regtest"])
    assert (bitcoin.policy.max_lag, bitcoin.policy.settled) == (7, BITCOIN.settled)
    ethereum = load(tmp_path, ETHEREUM_POOL)
    assert ethereum.identity == Identity(genesis="0x" + "ab" * 32, chain_id=1337)
    assert ethereum.policy == ETHEREUM


@pytest.mark.parametrize(
    ("whole", "changes", "said"),
    [
        (BITCOIN_POOL, {"network": "elsewhere"}, "network is one of"),
        (BITCOIN_POOL, {"chain_id": 1}, "chain_id is not"),
        (BITCOIN_POOL, {"nodes": []}, "nodes"),
        (BITCOIN_POOL, {"nodes": [NODE, NODE]}, "a name of its own"),
        (BITCOIN_POOL, {"nodes": [NODE | {"url": f"ftp://{KEY}"}]}, "http:// or https://"),
        (BITCOIN_POOL, {"nodes": [NODE | {"url": f"http://u:{KEY}@h"}]}, "credentials_file"),
        (BITCOIN_POOL, {"nodes": [NODE | {"weight": 0}]}, "weight"),
        (BITCOIN_POOL, {"nodes": [NODE | {"name": "A/../b"}]}, "name"),
        (BITCOIN_POOL, {"spelt_wrong": 1}, "spelt_wrong"),
        (ETHEREUM_POOL, {"genesis": None}, "set both"),
        (ETHEREUM_POOL, {"chain_id": None}, "set both"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_shows_no_key(tmp_path, whole, changes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load(tmp_path, whole, **changes)
    assert KEY not in str(caught.value)


def test_settings_that_are_not_there_name_their_file(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.json can't be read"):
        PoolSettings.load(tmp_path / "gone.json")


def test_a_url_shows_in_no_text(tmp_path):
    settings = load(tmp_path, BITCOIN_POOL)
    assert KEY not in repr(settings) + repr(settings.nodes[0].endpoint())


async def test_a_pool_is_of_its_own_chain(tmp_path):
    metrics = PoolMetrics(CollectorRegistry())
    pool = bitcoin_pool(load(tmp_path, BITCOIN_POOL), metrics)
    assert list(pool.members) == ["a"]
    assert "1 are needed" in pool.problem()
    with pytest.raises(ValueError, match="settings of bitcoin make no pool of ethereum"):
        ethereum_pool(load(tmp_path, BITCOIN_POOL), metrics)
