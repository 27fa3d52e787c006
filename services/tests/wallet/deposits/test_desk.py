"""What a user asks for, through the order service's front to the wallet's desk; and the whole of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from outcry.v1 import deposit_api_pb2 as api
from outcry.v1.deposit_api_pb2_grpc import (
    DepositDeskStub,
    DepositsAdminStub,
    DepositsStub,
    add_DepositDeskServicer_to_server,
    add_DepositsAdminServicer_to_server,
    add_DepositsServicer_to_server,
)
from outcry_services.common.consul import ConsulKv
from outcry_services.common.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
)
from outcry_services.common.identity import SERVICE, Identity, Permission
from outcry_services.common.pause import WithdrawalPause
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_server import RpcServer
from outcry_services.common.wallets import PREFIX, WalletDirectory
from outcry_services.order.deposits import Deposits as Front
from outcry_services.order.deposits_admin import DepositsAdmin
from outcry_services.order.migrate import migrate as migrate_orders
from outcry_services.order.money_requests import claim_shard
from outcry_services.wallet.deposits.addresses import BitcoinAddresses, EthereumAddresses
from outcry_services.wallet.deposits.deciding import Deciding
from outcry_services.wallet.deposits.metrics import DepositMetrics
from outcry_services.wallet.deposits.model import Aside, Payment, Reason
from outcry_services.wallet.deposits.process import Deposits
from outcry_services.wallet.deposits.rows import DepositRows
from outcry_services.wallet.deposits.rpc import DepositDesk
from outcry_services.wallet.deposits.sources import Block
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan.book import Deposit, Entry, State
from outcry_services.wallet.scan.follow import Place, TakeBack
from outcry_services.wallet.withdraw.quorum import QuorumKey
from prometheus_client import CollectorRegistry

from e2e.backends import AnvilServer, ConsulServer
from services.tests.order.desk import opened
from services.tests.wallet.deposits.making import ALICE, BOB, BTC, XPUB, wallet_file, world_of
from services.tests.wallet.nodes.making import pool_of
from services.tests.wallet.withdraw.house import books_of

pytestmark = pytest.mark.integration

HOUR = 3600 * 10**9
READER = frozenset({Permission.READ})


def user(number):
    return Identity(user_id=number, permissions=READER).metadata()


@asynccontextmanager
async def served(add):
    """A gRPC server with what `add` registers; where it listens."""
    server = RpcServer(registry=CollectorRegistry())
    add(server.server)
    port = await server.start(0)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.drain(seconds=0)


class World:
    def __init__(self, wallet, front, desk):
        self.wallet, self.front, self.desk, self.admin, self.height = wallet, front, desk, None, 100


def add_fronts(directory, server):
    add_DepositsServicer_to_server(Front(directory), server)
    add_DepositsAdminServicer_to_server(DepositsAdmin(directory), server)


@pytest.fixture(scope="module")
def consul():
    """Of these tests alone: wallets that others registered would be asked, too."""
    with ConsulServer() as server:
        yield server


@pytest.fixture
async def world(mariadb, consul):
    """A wallet's desk, registered in Consul as the operator does, and the order service's front."""
    file = wallet_file("bitcoin", [BTC])
    deriver = BitcoinAddresses(XPUB, network="regtest")
    kv, made = ConsulKv(consul.url), World(None, None, None)
    async with world_of(mariadb, file, source=None, deriver=deriver) as wallet:
        desk = DepositDesk(
            file=file,
            store=wallet.store,
            addresses=wallet.addresses,
            deciding=Deciding(wallet.watch, file=file, now=lambda: 6 * HOUR),
            height=lambda: made.height,
            now=lambda: 5 * HOUR,
        )
        directory = WalletDirectory(kv)
        watching = asyncio.create_task(directory.watch())
        async with (
            served(lambda server: add_DepositDeskServicer_to_server(desk, server)) as at,
            served(lambda server: add_fronts(directory, server)) as front,
            RpcChannel(front) as to_front,
            RpcChannel(at) as to_desk,
        ):
            told = {"chain": "bitcoin", "network": "regtest", "grpc": at, "assets": [{"asset": "BTC"}]}
            await kv.put(f"{PREFIX}outcry/bitcoin", json.dumps(told).encode())
            await kv.put(f"{PREFIX}outcry/broken", b"{")
            async with asyncio.timeout(60):
                while not directory.wallets:  # noqa: ASYNC110 - Consul tells nobody but the directory
                    await asyncio.sleep(0.02)
            made.wallet, made.front = wallet, DepositsStub(to_front.channel)
            made.admin = DepositsAdminStub(to_front.channel)
            made.desk = DepositDeskStub(to_desk.channel)
            yield made
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await directory.close()
    for name in ("bitcoin", "broken"):
        await kv.delete(f"{PREFIX}outcry/{name}")
    await kv.close()


async def address_of(world, number, **named):
    request = api.GetDepositAddressRequest(**({"asset": "BTC"} | named))
    return await world.front.GetDepositAddress(request, metadata=user(number))


async def test_every_user_has_one_address_and_it_is_looked_for(world):
    alice, bob = await address_of(world, ALICE), await address_of(world, BOB)
    assert (alice.chain, alice.network, alice.confirmations) == ("bitcoin", "regtest", 2)
    assert alice.minimum == "0.00000546"
    assert alice.address.startswith("bcrt1p")
    assert alice.address != bob.address
    assert (await address_of(world, ALICE, network="bitcoin")).address == alice.address
    assert sorted(world.wallet.addresses.owners.values()) == [ALICE, BOB]
    await world.wallet.start()
    assert sorted(world.wallet.addresses.owners.values()) == [ALICE, BOB]


async def test_a_user_sees_their_own_newest_first(world):
    alice = [
        entry(ALICE, "aa", 0, State.SEEN, height=100),
        entry(ALICE, "bb", 1, State.CREDITED, height=90),
        entry(ALICE, "cc", 2, State.GONE, height=99),
        entry(ALICE, "dd", 3, State.ALARMED, height=95),
    ]
    dust = Aside(id="bitcoin:ee:0", user_id=ALICE, asset="BTC", units=500, reason=Reason.DUST)
    gas = Aside(id="bitcoin:ff:0", user_id=ALICE, asset="BTC", units=500, reason=Reason.OWN)
    async with world.wallet.store.change() as tables:
        rows = DepositRows(tables)
        for number, one in enumerate([*alice, entry(BOB, "99", 0, State.SEEN, height=100)]):
            await rows.keep([one], now=number * HOUR)
        await rows.put_aside([dust, gas], Tip(height=98, hash="h98"), now=9 * HOUR)
    request = api.ListDepositsRequest()
    found = (await world.front.ListDeposits(request, metadata=user(ALICE))).deposits
    assert [(it.transaction_id, it.output, it.status, it.reason, it.confirmations) for it in found] == [
        ("ee", 0, "KEPT_ASIDE", "DUST", 3),
        ("dd", 3, "CREDITED", "", 0),
        ("cc", 2, "GONE", "", 0),
        ("bb", 1, "CREDITED", "", 11),
        ("aa", 0, "CONFIRMING", "", 1),
    ]
    assert (found[-1].amount, found[-1].needed) == ("1.50000000", 2)
    assert found[-1].found_at == "1970-01-01T00:00:00.000000Z"
    one = await world.front.ListDeposits(api.ListDepositsRequest(page_size=1), metadata=user(ALICE))
    assert [it.transaction_id for it in one.deposits] == ["ee"]


def entry(user_id, txid, output, state, *, height):
    deposit = Deposit(id=f"bitcoin:{txid}:{output}", user_id=user_id, asset="BTC", amount=150_000_000)
    return Entry(deposit=deposit, state=state, block=Tip(height=height, hash=f"h{height}"))


ADMIN = Identity(user_id=9, permissions=frozenset({Permission.ADMIN})).metadata()


async def put_aside(world, *, dust=(), tokens=()):
    """Units of bitcoin below what is taken, and of what the exchange doesn't have; their ids."""
    found = [
        Aside(id=f"bitcoin:d{at}:0", user_id=ALICE, asset="BTC", units=units, reason=Reason.DUST)
        for at, units in enumerate(dust)
    ] + [
        Aside(id=f"bitcoin:t{at}:0", user_id=BOB, asset="strange", units=units, reason=Reason.UNSUPPORTED)
        for at, units in enumerate(tokens)
    ]
    async with world.wallet.store.change() as tables:
        for number, one in enumerate(found):
            await DepositRows(tables).put_aside([one], Tip(height=98, hash="h98"), now=(number + 1) * HOUR)
    return [one.id for one in found]


async def listed(world, **named):
    found = await world.admin.ListAside(api.ListAsideRequest(**named), metadata=ADMIN)
    return [(it.deposit, it.decision) for it in found.deposits]


async def test_an_administrator_sees_what_lies_aside_and_credits_or_dismisses_it_once(world):
    first, second, strange = await put_aside(world, dust=(500, 1), tokens=(7,))
    assert await listed(world) == [(it, "WAITING") for it in (strange, second, first)]
    assert await listed(world, reason="DUST", page_size=1) == [(second, "WAITING")]
    assert await listed(world, user_id=str(BOB)) == [(strange, "WAITING")]
    asked = api.DecideAsideRequest(deposit=first, reason="it is theirs")
    for _ in range(2):  # an answer was lost
        done = await world.admin.CreditAside(asked, metadata=ADMIN)
        assert (done.decision, done.note, done.amount) == ("CREDIT", "it is theirs", "0.00000500")
    with pytest.raises(ConflictError) as decided:
        await world.admin.DismissAside(asked, metadata=ADMIN)
    assert decided.value.name == "DEPOSIT_DECIDED"
    with pytest.raises(RefusedError) as refused:
        await world.admin.CreditAside(
            api.DecideAsideRequest(deposit=strange, reason="why not"), metadata=ADMIN
        )
    assert refused.value.name == "DEPOSIT_NOT_CREDITABLE"
    gone = await world.admin.DismissAside(
        api.DecideAsideRequest(deposit=strange, reason="sent back by hand"), metadata=ADMIN
    )
    assert (gone.decision, gone.actor, bool(gone.decided_at)) == ("DISMISS", done.actor, True)
    assert await listed(world) == [(second, "WAITING")]
    assert len(await listed(world, all=True)) == 3
    async with world.wallet.store.look() as tables:
        assert await DepositRows(tables).aside_counts() == {("BTC", "DUST"): 1}
    # Its user sees a deposit, once, which is credited as deep as any other.
    mine = (await world.front.ListDeposits(api.ListDepositsRequest(), metadata=user(ALICE))).deposits
    assert [(it.transaction_id, it.status) for it in mine] == [("d1", "KEPT_ASIDE"), ("d0", "CONFIRMING")]
    (entry,) = world.wallet.watch._book.due(height=99, confirmations={"BTC": 2})
    assert (entry.deposit.id, entry.deposit.amount) == (first, 500)


async def test_what_was_granted_is_a_deposit_in_its_next_block_too(world):
    (first,) = await put_aside(world, dust=(500,))
    await world.admin.CreditAside(api.DecideAsideRequest(deposit=first, reason="theirs"), metadata=ADMIN)
    block = Tip(height=98, hash="h98")
    watch = world.wallet.watch
    await watch._back(Place((Tip(height=97, hash="h97"), block)), TakeBack(block))
    await address_of(world, ALICE)
    (owner,) = world.wallet.addresses.owners
    again = Block(Tip(height=98, hash="other"), (Payment("d0", 0, owner, None, 500),))
    await watch._on(Place((Tip(height=97, hash="h97"),)), again)
    assert [(it.deposit.id, it.state, it.block.hash) for it in watch._book.entries.values()] == [
        (first, State.SEEN, "other")
    ]
    assert await world.wallet.aside() == []


async def test_only_administrators_decide_and_with_a_reason(world):
    (first,) = await put_aside(world, dust=(500,))
    asked = api.DecideAsideRequest(deposit=first, reason="theirs")
    for call in (world.admin.CreditAside, world.admin.DismissAside):
        with pytest.raises(ForbiddenError):
            await call(asked, metadata=user(ALICE))
        with pytest.raises(InvalidError):
            await call(api.DecideAsideRequest(deposit=first, reason=" "), metadata=ADMIN)
        for unknown in ("bitcoin:none:0", "solana:d0:0", ""):
            with pytest.raises(NotFoundError):
                await call(api.DecideAsideRequest(deposit=unknown, reason="x"), metadata=ADMIN)
    with pytest.raises(ForbiddenError):
        await world.admin.ListAside(api.ListAsideRequest(), metadata=user(ALICE))
    with pytest.raises(InvalidError):
        await world.admin.ListAside(api.ListAsideRequest(page_size=501), metadata=ADMIN)
    decide = api.DecideKeptAsideRequest(deposit=first, decision="CREDIT", actor="me", note="mine")
    with pytest.raises(UnauthenticatedError):
        await world.desk.DecideKeptAside(decide, metadata=ADMIN)
    decide.decision = "KEEP"
    with pytest.raises(InvalidError):
        await world.desk.DecideKeptAside(decide, metadata=((SERVICE, "order"),))
    assert await listed(world) == [(first, "WAITING")]


@pytest.mark.parametrize(
    ("named", "kind", "name"),
    [
        ({"asset": "DOGE"}, NotFoundError, "NO_WALLET"),
        ({"network": "ethereum"}, NotFoundError, "NO_WALLET"),
    ],
)
async def test_what_nobody_takes_has_a_name(world, named, kind, name):
    with pytest.raises(kind) as caught:
        await address_of(world, ALICE, **named)
    assert caught.value.name == name


async def test_only_users_ask_the_front_and_only_the_front_asks_the_desk(world):
    nobody = Identity(user_id=ALICE, permissions=frozenset({Permission.TRADE})).metadata()
    with pytest.raises(ForbiddenError):
        await world.front.ListDeposits(api.ListDepositsRequest(), metadata=nobody)
    with pytest.raises(UnauthenticatedError):
        await world.front.GetDepositAddress(api.GetDepositAddressRequest(asset="BTC"))
    request = api.GiveAddressRequest(user_id=ALICE, asset="BTC")
    for metadata in ((), user(ALICE), ((SERVICE, "wallet"),)):
        with pytest.raises(UnauthenticatedError):
            await world.desk.GiveAddress(request, metadata=metadata)
        with pytest.raises(UnauthenticatedError):
            await world.desk.ListArrivals(api.ListArrivalsRequest(user_id=ALICE, most=1), metadata=metadata)


async def test_the_desk_gives_no_address_that_nobody_could_derive_or_looks_for(world):
    order = ((SERVICE, "order"),)
    for number in (0, 2**62, 2**63):
        with pytest.raises(InvalidError):
            await world.desk.GiveAddress(api.GiveAddressRequest(user_id=number, asset="BTC"), metadata=order)
    with pytest.raises(InvalidError):
        await world.desk.ListArrivals(api.ListArrivalsRequest(user_id=ALICE, most=501), metadata=order)
    with pytest.raises(InvalidError):
        await world.front.ListDeposits(api.ListDepositsRequest(page_size=501), metadata=user(ALICE))
    with pytest.raises(NotFoundError):
        await world.desk.GiveAddress(api.GiveAddressRequest(user_id=ALICE, asset="ETH"), metadata=order)
    world.height = 0
    with pytest.raises(UnavailableError) as caught:
        await address_of(world, ALICE)
    assert caught.value.name == "DEPOSITS_NOT_READY"


@pytest.mark.chains
async def test_the_books_are_credited_once_and_an_orphan_stops_withdrawals(tmp_path, mariadb, consul):
    """All of it: a chain, the order service's desk over its database, the flag in Consul."""
    shard, number = 7, 7 + 1024
    file = wallet_file(
        "ethereum", [{"asset": "BTC", "scale": 8, "chain_scale": 18, "confirmations": 1, "dust": "0"}]
    )
    hot = EthereumAddresses(XPUB).derive("0/0")
    kv, paths = ConsulKv(consul.url), {}
    with AnvilServer() as node:
        async with opened(mariadb) as mysql:
            await migrate_orders(mysql, [shard], made=lambda _: None)
        genesis = node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
        settings = {"chain_id": node.chain_id, "genesis": genesis}
        async with (
            pool_of({"a": node}, directory=tmp_path, chain="ethereum", **settings) as pool,
            world_of(mariadb, file, source=None, deriver=None) as world,
            books_of(mariadb, shard) as books,
            RpcChannel(books.target) as order,
        ):
            await pool.round()
            deposits = Deposits(
                file,
                store=world.store,
                pool=pool,
                key=QuorumKey(XPUB, hot.address),
                order=order,
                consul=kv,
                metrics=DepositMetrics(CollectorRegistry()),
                known=paths.__setitem__,
            )
            await deposits.load()
            address = await deposits._addresses.give(number, now=7)
            assert list(paths.values()) == [f"1/0/{number}"]
            node.mine(1)
            txid = node.send(address, 25 * 10**16 + 9_999_999_999)
            reference = f"ethereum:{file.approval_network}:{txid}:0"
            async with opened(mariadb) as mysql:  # where deposits of that name are known
                await migrate_orders(mysql, [claim_shard(reference)], made=lambda _: None)
            await deposits._watch.step()
            await deposits._watch._books.credit(
                next(it.deposit for it in deposits._watch._book.entries.values())
            )
            assert credited(mariadb, shard) == [(number, "BTC", 25_000_000, reference)]
            node.reorganise(1)
            node.mine(1)
            try:
                await deposits._watch.step()
                pause = await WithdrawalPause(kv).now()
                assert (pause.by, txid in pause.reason) == (f"wallet {file.name}", True)
            finally:
                await WithdrawalPause(kv).clear()
                await kv.close()


def credited(mariadb, shard):
    """Deposits that the order service committed in a shard."""
    return list(
        mariadb.execute(f"SELECT user_id, asset, amount, reference FROM orders_{shard:04}.instructions")
    )
