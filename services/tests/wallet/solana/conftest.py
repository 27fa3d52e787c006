"""One chain, one quorum, one risk for all of these tests."""

from __future__ import annotations

import itertools
import uuid

import pytest
from outcry_services.order.migrate import migrate
from outcry_services.wallet.settings import WalletFile

from e2e.backends import MariaDbServer, SignerQuorum, SvmServer
from services.tests.order.desk import make_pair, opened
from services.tests.wallet.nodes.making import pool_of
from services.tests.wallet.solana.hot import Hot, policy_of, relay_to
from services.tests.wallet.withdraw.house import Wallet, books_of, risk_served
from services.tests.wallet.withdraw.risk import SigningRisk

_shards = itertools.count(1)


@pytest.fixture(scope="session")
def solana_risk():
    """Signers know its key from their start."""
    return SigningRisk()


@pytest.fixture
def risk(solana_risk):
    solana_risk.asked, solana_risk.rule, solana_risk.fixed = [], lambda _: None, {}
    return solana_risk


@pytest.fixture(scope="session")
def chain():
    with SvmServer() as node:
        node.mine(40)
        yield node


@pytest.fixture(scope="session")
def solana_quorum(solana_risk):
    with SignerQuorum(policy=policy_of(solana_risk), schemes=["ed25519"]) as signers:
        yield signers


@pytest.fixture
def quorum(solana_quorum):
    return solana_quorum


@pytest.fixture
async def hot(chain, quorum):
    async with relay_to(quorum) as relay:
        status = (await relay.status())[1]
        (address,) = (key.address for key in status.keys if key.scheme == "ed25519")
        return Hot(chain, address)


@pytest.fixture
async def pool(chain, tmp_path):
    genesis = chain.rpc("getGenesisHash")
    async with pool_of({"a": chain}, directory=tmp_path, chain="solana", genesis=genesis) as pool:
        await pool.round()
        yield pool


@pytest.fixture(scope="session")
def wallet_database():
    """Tables that are quick to make."""
    with MariaDbServer(settings={"innodb-file-per-table": "0"}) as server:
        yield server


@pytest.fixture
async def wallet(wallet_database, chain, quorum, risk, hot):
    """Not running yet, with two nonce accounts of its own."""
    shard = next(_shards)
    async with opened(wallet_database) as mysql:
        await migrate(mysql, [shard], made=lambda _: None)
    file = wallet_file(chain, quorum, [str(hot.nonce_account()) for _ in range(2)])
    async with books_of(wallet_database, shard) as books, risk_served(risk) as target:
        books.at.pairs.found["SOL-USDT"] = make_pair("SOL-USDT")
        yield Wallet(file, chain, books, risk, target, wallet_database)


def wallet_file(chain, quorum, nonces):
    """A wallet's settings on this chain."""
    pool = {
        "chain": "solana",
        "network": "localnet",
        "genesis": chain.rpc("getGenesisHash"),
        "min_peers": 0,
        "timeout": 30,
        "nodes": [{"name": "svm", "url": chain.url}],
    }
    asset = {"asset": "SOL", "scale": 8, "chain_scale": 9, "confirmations": 1}
    fees = {"max_fee_per_withdrawal": "9000", "bump_after_seconds": 600}
    whole = {
        "name": f"t{uuid.uuid4().hex[:8]}",
        "chain": "solana",
        "network": "localnet",
        "nodes": pool,
        "assets": [asset],
        "signers": quorum.targets,
        "tls": quorum.tls,
        "fees": fees,
        "batch": {"seconds": 0},
        "nonces": nonces,
    }
    return WalletFile.model_validate(whole)
