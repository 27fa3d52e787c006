"""The wallet as a process: a deposit arrives at an address that it gave, and pays for a withdrawal."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
import uuid
from contextlib import asynccontextmanager

import pytest
from outcry.v1.deposit_api_pb2 import GiveAddressRequest, ListArrivalsRequest
from outcry.v1.deposit_api_pb2_grpc import DepositDeskStub
from outcry.v1.withdrawal_api_pb2 import ListPayoutsResponse
from outcry.v1.withdrawal_api_pb2_grpc import add_WithdrawalDeskServicer_to_server
from outcry_services.common.addresses import parse_address
from outcry_services.common.identity import SERVICE
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.order.migrate import migrate
from outcry_services.order.money_requests import claim_shard
from outcry_services.order.treasury import Treasury
from outcry_services.order.withdrawal_rpc import WithdrawalDesk
from outcry_services.topics.ensure import ensure_topics

from e2e.backends import KafkaServer
from e2e.backends.ports import free_port
from e2e.backends.server import Server
from services.tests.order.desk import opened
from services.tests.wallet.withdraw.ether import ETHER, balance, ether_fields
from services.tests.wallet.withdraw.house import BTC, Running
from services.tests.wallet.withdraw.risk import served

pytestmark = [pytest.mark.integration, pytest.mark.chains]

ORDER = ((SERVICE, "order"),)


class WalletProcess(Server):
    """`python -m outcry_services.wallet`."""

    def __init__(self, **env):
        super().__init__(name="wallet")
        self.port, self.http_port = free_port(), free_port()
        self._env = {**env, "OUTCRY_GRPC_PORT": str(self.port), "OUTCRY_HTTP_PORT": str(self.http_port)}

    def start(self):
        self.process.start([sys.executable, "-m", "outcry_services.wallet"], env=self._env)
        self.process.wait_ready(self._ready, seconds=120)

    def _ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


def fields(node, quorum, directory):
    """The file as the operator writes it."""
    login = directory / "node.login"
    login.write_text(node.login)
    entry = {"name": "btcd", "url": node.url, "credentials_file": str(login)}
    return {
        "name": f"p{uuid.uuid4().hex[:8]}",
        "chain": "bitcoin",
        "network": "regtest",
        "nodes": {"chain": "bitcoin", "network": "regtest", "min_peers": 0, "timeout": 30, "nodes": [entry]},
        "assets": [{"asset": "BTC", "scale": 8, "chain_scale": 8, "confirmations": 2, "dust": "546"}],
        "signers": quorum.targets,
        "tls": quorum.tls,
        "fees": {"max_fee_per_withdrawal": "20000", "max_rate": 100},
        "batch": {"seconds": 0},
        "coins": {"spare": 1},
        "scan_from": node.tip()[0],
    }


class OneShard(WithdrawalDesk):
    """The order service's desk, where all other shards are empty."""

    def __init__(self, books):
        super().__init__(desk=books.payouts, treasury=Treasury(books.at.world, switch=Running()))
        self._shard = books.shard

    async def ListPayouts(self, request, context):  # noqa: N802
        if request.shard != self._shard:
            return ListPayoutsResponse()
        return await super().ListPayouts(request, context)


@pytest.fixture(scope="module")
def broker():
    with KafkaServer() as server:
        list(ensure_topics(server.bootstrap, partitions=4, replication=1))
        yield server


async def test_a_deposit_is_credited_through_a_kill_and_pays_for_a_withdrawal(
    wallet, wallet_database, btcd, quorum, faucet, broker, consul, tmp_path
):
    file = tmp_path / "wallet.json"
    file.write_text(json.dumps(fields(btcd, quorum, tmp_path)))
    async with running(wallet, broker, consul, file) as process:
        user = wallet.books.user
        address = await given(process, user, "BTC")
        script = parse_address("bitcoin", "regtest", address).script
        await asyncio.to_thread(process.kill)
        # It is made, and deep enough, while nobody looks.
        txid = faucet.pay((script, 2 * BTC))
        await claimable(wallet_database, *(f"bitcoin:regtest:{txid}:{output}" for output in range(3)))
        btcd.mine(2)
        await asyncio.to_thread(process.start)
        found = await credited(process, user)
        assert (found.transaction_id, found.amount) == (txid, "2.00000000")
        assert in_books(wallet) == [(user, "BTC", 2 * BTC)]
        id_ = await wallet.books.ask("0.5")
        await asyncio.to_thread(process.restart)  # which looks at what is open
        await sent(wallet, id_)
        assert process.process.running


async def test_a_deposit_of_ether_is_credited_through_a_kill_and_comes_home(
    open_ether_wallet, wallet_database, geth, ether_quorum, broker, consul, tmp_path
):
    wallet = await open_ether_wallet(geth)
    file = tmp_path / "wallet.json"
    file.write_text(json.dumps(ether_fields(geth, ether_quorum)))
    async with running(wallet, broker, consul, file) as process:
        user = wallet.books.user
        address = await given(process, user, "ETH")
        await asyncio.to_thread(process.kill)
        txid = geth.send(address, 2 * ETHER)
        await claimable(wallet_database, f"ethereum:dev:{txid}:0", f"ethereum:{geth.chain_id}:{txid}:0")
        geth.mine(2)
        await asyncio.to_thread(process.start)
        found = await credited(process, user)
        assert (found.transaction_id, found.amount) == (txid, "2.000000000000000000")
        assert in_books(wallet) == [(user, "ETH", 2 * 10**8)]
        async with asyncio.timeout(120):
            while balance(geth, address) == 2 * ETHER:  # noqa: ASYNC110 - the chain tells nobody
                await asyncio.sleep(0.2)
        assert balance(geth, address) < ETHER // 100
        assert int(geth.rpc("eth_getTransactionCount", address, "latest"), 16) == 1
        assert process.process.running


@asynccontextmanager
async def running(wallet, broker, consul, file):
    """The process over a wallet's books, risk and database."""
    desk, mysql = OneShard(wallet.books), wallet.mariadb
    async with served(lambda server: add_WithdrawalDeskServicer_to_server(desk, server)) as order:
        process = WalletProcess(
            OUTCRY_KAFKA=broker.bootstrap,
            OUTCRY_CONSUL=consul.url,
            OUTCRY_WALLET_FILE=str(file),
            OUTCRY_ORDER=order,
            OUTCRY_RISK=wallet.risk_target,
            OUTCRY_MYSQL=f"mysql://{mysql.host}:{mysql.port}",
            OUTCRY_MYSQL_USER=mysql.user,
            OUTCRY_TICK_SECONDS="0.2",
        )
        try:
            await asyncio.to_thread(process.start)
            yield process
        finally:
            process.close()


async def given(process, user, asset):
    """A user's address, as the order service asks for it."""
    async with RpcChannel(f"127.0.0.1:{process.port}") as channel:
        request = GiveAddressRequest(user_id=user, asset=asset)
        return (await DepositDeskStub(channel.channel).GiveAddress(request, metadata=ORDER)).address


async def claimable(server, *references):
    """The shards where deposits of those names are known."""
    async with opened(server) as mysql:
        await migrate(mysql, sorted({claim_shard(it) for it in references}), made=lambda _: None)


async def credited(process, user):
    """A user's one deposit, once it is."""
    request = ListArrivalsRequest(user_id=user, most=5)
    async with RpcChannel(f"127.0.0.1:{process.port}") as channel, asyncio.timeout(120):
        while True:
            answer = await DepositDeskStub(channel.channel).ListArrivals(request, metadata=ORDER)
            if [it.status for it in answer.deposits] == ["CREDITED"]:
                return answer.deposits[0]
            await asyncio.sleep(0.2)


def in_books(wallet):
    """Deposits that the order service committed."""
    shard = f"orders_{wallet.books.shard:04}"
    return list(
        wallet.mariadb.execute(
            f"SELECT user_id, asset, amount FROM {shard}.instructions WHERE kind = 'DEPOSIT'"
        )
    )


async def sent(wallet, id_):
    """Until the withdrawal's transaction may be on its way: signed by two of three, with risk's approval."""
    async with asyncio.timeout(120):
        while True:
            seen = await wallet.books.seen(id_)
            if seen.status == "SENT":
                return
            await asyncio.sleep(0.2)
