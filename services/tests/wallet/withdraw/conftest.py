"""One chain, one quorum, one risk for all of these tests; a wallet, a shard and coins of its own for each."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack

import pytest
from outcry_services.order.migrate import migrate

from e2e.backends import AnvilServer, BtcdServer, GethServer, MariaDbServer, SignerQuorum
from services.tests.order.desk import opened
from services.tests.wallet.withdraw.coins import Faucet
from services.tests.wallet.withdraw.ether import ether_file, ether_policy_of
from services.tests.wallet.withdraw.house import Wallet, books_of, policy_of, risk_served, wallet_file
from services.tests.wallet.withdraw.risk import SigningRisk

_shards = itertools.count(1)


@pytest.fixture(scope="session")
def wallet_database():
    """Tables that are quick to make."""
    with MariaDbServer(settings={"innodb-file-per-table": "0"}) as server:
        yield server


@pytest.fixture(scope="session")
def btcd():
    """A chain whose first coins may be spent."""
    with BtcdServer() as server:
        server.mine(150)
        yield server


@pytest.fixture(scope="session")
def faucet(btcd):
    return Faucet(btcd)


@pytest.fixture(scope="session")
def risk_key():
    """One for all tests: signers know its key from their start."""
    return SigningRisk()


@pytest.fixture(scope="session")
def quorum(risk_key):
    with SignerQuorum(policy=policy_of(risk_key)) as signers:
        yield signers


@pytest.fixture
def risk(risk_key):
    risk_key.asked, risk_key.rule, risk_key.fixed, risk_key.valid_seconds = [], lambda _: None, {}, 86_400
    return risk_key


@pytest.fixture
async def wallet(wallet_database, btcd, quorum, risk, tmp_path):
    """Not running yet, and without coins: all wallets have one quorum, so each scans from its own start."""
    shard = await shard_of(wallet_database)
    file = wallet_file({"btcd": btcd}, quorum, tmp_path, scan_from=btcd.tip()[0])
    async with books_of(wallet_database, shard) as books, risk_served(risk) as target:
        yield Wallet(file, btcd, books, risk, target, wallet_database)


async def shard_of(server):
    """One that no other test has."""
    shard = next(_shards)
    async with opened(server) as mysql:
        await migrate(mysql, [shard], made=lambda _: None)
    return shard


@pytest.fixture(scope="session")
def ether_quorum(risk_key):
    with SignerQuorum(policy=ether_policy_of(risk_key), schemes=("ecdsa",)) as signers:
        yield signers


@pytest.fixture(scope="session")
def geth():
    """A chain that makes a block for each transaction."""
    with GethServer() as server:
        yield server


@pytest.fixture(scope="session")
def anvil():
    """The same chain id, and blocks when a test wants them."""
    with AnvilServer(chain_id=GethServer.chain_id, arguments=("--no-mining",)) as server:
        yield server


@pytest.fixture
async def open_ether_wallet(wallet_database, ether_quorum, risk):
    """Opens wallets over a node of Ethereum, not running yet."""
    async with AsyncExitStack() as stack:

        async def open_one(node):
            books = await stack.enter_async_context(
                books_of(wallet_database, await shard_of(wallet_database))
            )
            target = await stack.enter_async_context(risk_served(risk))
            file = ether_file(node, ether_quorum)
            return Wallet(file, node, books, risk, target, wallet_database)

        yield open_one
