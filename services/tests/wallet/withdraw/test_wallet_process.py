"""The wallet as a process: a deposit arrives at an address that it gave, and pays for a withdrawal."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
import uuid

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


@pytest.fixture
def broker():
    with KafkaServer() as server:
        list(ensure_topics(server.bootstrap, partitions=4, replication=1))
        yield server


async def test_a_deposit_is_credited_through_a_kill_and_pays_for_a_withdrawal(
    wallet, wallet_database, btcd, quorum, faucet, broker, consul, tmp_path
):
    file = tmp_path / "wallet.json"
    file.write_text(json.dumps(fields(btcd, quorum, tmp_path)))
    desk = OneShard(wallet.books)
    async with served(lambda server: add_WithdrawalDeskServicer_to_server(desk, server)) as order:
        process = WalletProcess(
            OUTCRY_KAFKA=broker.bootstrap,
            OUTCRY_CONSUL=consul.url,
            OUTCRY_WALLET_FILE=str(file),
            OUTCRY_ORDER=order,
            OUTCRY_RISK=wallet.risk_target,
            OUTCRY_MYSQL=f"mysql://{wallet_database.host}:{wallet_database.port}",
            OUTCRY_MYSQL_USER=wallet_database.user,
            OUTCRY_TICK_SECONDS="0.2",
        )
        user = wallet.books.user
        try:
            await asyncio.to_thread(process.start)
            async with RpcChannel(f"127.0.0.1:{process.port}") as channel:
                deposits = DepositDeskStub(channel.channel)
                given = await deposits.GiveAddress(
                    GiveAddressRequest(user_id=user, asset="BTC"), metadata=ORDER
                )
            script = parse_address("bitcoin", "regtest", given.address).script
            await asyncio.to_thread(process.kill)
            # It is made, and deep enough, while nobody looks.
            txid = faucet.pay((script, 2 * BTC))
            async with opened(wallet_database) as mysql:
                references = [f"bitcoin:regtest:{txid}:{output}" for output in range(3)]
                await migrate(mysql, sorted({claim_shard(it) for it in references}), made=lambda _: None)
            btcd.mine(2)
            await asyncio.to_thread(process.start)
            async with RpcChannel(f"127.0.0.1:{process.port}") as channel:
                deposits = DepositDeskStub(channel.channel)
                request = ListArrivalsRequest(user_id=user, most=5)
                async with asyncio.timeout(60):
                    while True:
                        (found,) = (await deposits.ListArrivals(request, metadata=ORDER)).deposits or [None]
                        if found is not None and found.status == "CREDITED":
                            break
                        await asyncio.sleep(0.2)
            assert (found.transaction_id, found.amount) == (txid, "2.00000000")
            rows = wallet_database.execute(
                f"SELECT user_id, asset, amount FROM orders_{wallet.books.shard:04}.instructions "
                "WHERE kind = 'DEPOSIT'"
            )
            assert list(rows) == [(user, "BTC", 2 * BTC)]
            id_ = await wallet.books.ask("0.5")
            await asyncio.to_thread(process.restart)  # which looks at what is open
            await sent(wallet, id_)
            assert process.process.running
        finally:
            process.close()


async def sent(wallet, id_):
    """Until the withdrawal's transaction may be on its way: signed by two of three, with risk's approval."""
    async with asyncio.timeout(120):
        while True:
            seen = await wallet.books.seen(id_)
            if seen.status == "SENT":
                return
            await asyncio.sleep(0.2)
