"""The wallet's process in a simulation: the shipped saga over fakes, wired as its `service` does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from outcry.v1.instruction_pb2 import ReleaseReason
from outcry_services.common.errors import TooManyError, UnavailableError
from outcry_services.common.kafka import DeadLetters
from outcry_services.common.order_log import read_answers
from outcry_services.common.pause import Pause, WithdrawalPause
from outcry_services.order.entries import Entry
from outcry_services.order.payouts import PayoutStep, Release, Retry, Stage
from outcry_services.order.read_store import ReadTables
from outcry_services.wallet.schema import migrate
from outcry_services.wallet.settings import WalletFile
from outcry_services.wallet.withdraw.desk import Desk
from outcry_services.wallet.withdraw.heard import follow_holds
from outcry_services.wallet.withdraw.metrics import WithdrawMetrics
from outcry_services.wallet.withdraw.saga import Saga
from outcry_services.wallet.withdraw.store import WalletStore
from outcry_services.wallet.withdraw.world import World as SagaWorld
from prometheus_client import CollectorRegistry

from e2e.simulation.chance import Chance
from e2e.simulation.consul import FakeConsul
from e2e.simulation.kafka_ends import FakeLogEnds
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader
from e2e.simulation.loop import simulate
from e2e.simulation.market import SHARDS
from e2e.simulation.mysql_client import FakeMySql
from e2e.simulation.saga.chain import CONFIRMATIONS, SagaChain, Transfer
from e2e.simulation.saga.desk_channel import DeskChannel
from e2e.simulation.saga.rail import NATIVE_SCALE, FakeRail
from e2e.simulation.saga.reviewer import FakeReviewer, Verdicts
from e2e.simulation.saga.signers import FakeSigners

if TYPE_CHECKING:
    from e2e.simulation.mysql_server import FakeMySqlServer
    from e2e.simulation.world import World

__all__ = ["FILE", "Surroundings", "live_as_saga", "make_wallet"]

TICK_SECONDS = 0.4
BLOCK_SECONDS = 0.5
FILE = WalletFile.model_validate(
    {
        "name": "sim",
        "chain": "ethereum",
        "network": "sim",
        "nodes": {
            "chain": "ethereum",
            "network": "sim",
            "chain_id": 1337,
            "genesis": "0x" + "ab" * 32,
            "nodes": [{"name": "a", "url": "http://fake"}],
        },
        "assets": [
            {
                "asset": name,
                "scale": NATIVE_SCALE,
                "chain_scale": NATIVE_SCALE,
                "confirmations": CONFIRMATIONS,
            }
            | ({} if name == "BTC" else {"contract": "0x" + name[0].lower().replace("u", "d") * 40})
            for name in ("BTC", "ETH", "USDT")
        ],
        "signers": {"1": "fake:1", "2": "fake:2", "3": "fake:3"},
        "tls": dict.fromkeys(("authority_file", "certificate_file", "key_file"), "/none"),
        "fees": {"max_fee_per_withdrawal": "60", "max_rate": 60, "bump_after_seconds": 1.5},
        "batch": {"most": 3, "seconds": 0.2},
    }
)


def make_wallet(server: FakeMySqlServer) -> None:
    """As the wallet's migration does."""
    simulate(migrate(FakeMySql(server), database=FILE.database), Chance())  # type: ignore[arg-type]


class Surroundings:
    """What outlives every wallet: the chain, what risk decided, what was ever signed; and who meddles."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = Chance(f"{world.seed} chain")
        self.coins = self._chance.happens(0.5)
        """Else the numbers of one account."""
        self.chain = SagaChain()
        self.verdicts = Verdicts(world.seed)
        self.whole: list[Transfer] = []
        self.cleared = False
        """Whether withdrawals were let run again: where they stood still, nobody pauses them once more."""

    async def go_on(self) -> None:
        """Blocks come, for ever; until all is calm others than the wallet have a hand in what is in them."""
        chance, chain = self._chance, self.chain
        while True:
            await asyncio.sleep(BLOCK_SECONDS * (0.5 + chance.fraction()))
            if not self._world.calm_now:
                if chain.blocks and chance.happens(0.1):
                    chain.undo()
                if self.whole and chance.happens(0.1):
                    chain.offer(self.whole[chance.below(len(self.whole))])
                if self.whole and chance.happens(0.03):
                    self._steal()
            chain.mine(chance, most=20 if self._world.calm_now else chance.below(3))

    def _steal(self) -> None:
        """Somebody else has the same key."""
        point = self.whole[-1].points[0]
        self.chain.offer(Transfer(txid=f"stranger-{point}", points=(point,), unsigned=b'{"stranger": 1}'))

    async def operate(self) -> None:
        """Operators cancel, retry and pause at the worst of times, and clear every flag when all is calm."""
        world, chance = self._world, self._chance
        tables = ReadTables(FakeMySql(world.mysql))  # type: ignore[arg-type]
        pause = WithdrawalPause(FakeConsul(world.consul))  # type: ignore[arg-type]
        while True:
            await asyncio.sleep(chance.fraction())
            flag = await pause.now()
            if flag is not None and (world.calm_now or chance.happens(0.5)):
                self.cleared = True
                await pause.clear()
            if world.calm_now:
                continue
            if chance.happens(0.05):
                await pause.set(Pause(reason="a drill", by="ops"))
            shard = SHARDS[chance.below(len(SHARDS))]
            found = await tables.open_payouts(shard, after=0, most=100)
            payouts = [it for it in found if it.stage is not Stage.PENDING]
            if payouts and chance.happens(0.3):
                payout = payouts[chance.below(len(payouts))]
                cancel = Release(
                    code=ReleaseReason.RELEASE_REASON_CANCELED_BY_OPERATOR, note="why", actor="ops"
                )
                step = cancel if chance.happens(0.4) else Retry(note="why", actor="ops")
                try:
                    await world.through_the_gateway(Entry(PayoutStep.of(payout, step)))
                except (UnavailableError, TooManyError):
                    continue


async def live_as_saga(world: World) -> None:
    """One life of the wallet's process."""
    loop, chance = asyncio.get_running_loop(), world.chance
    around = world.saga
    if around is None:
        raise AssertionError("this story has no saga")
    mysql: Any = FakeMySql(world.mysql, chance)
    store = WalletStore(mysql, database=FILE.database)
    await store.open()

    def now() -> int:
        return int(loop.time() * 1e9)

    pause = WithdrawalPause(FakeConsul(world.consul, chance))  # type: ignore[arg-type]

    async def paused() -> str | None:
        found = await pause.now()
        return None if found is None else found.reason

    shared: dict[str, Any] = {"chance": chance, "now": now, "sleep": asyncio.sleep}
    rail = FakeRail(FILE, chain=around.chain, store=store, coins=around.coins, **shared)
    saga = Saga(
        SagaWorld(
            file=FILE,
            store=store,
            desk=Desk(DeskChannel(world), shards=SHARDS),  # type: ignore[arg-type]
            reviewer=FakeReviewer(around.verdicts, chain=rail.chain, network=rail.network, **shared),
            signers=FakeSigners(around.whole, coins=around.coins, **shared),
            rail=rail,
            metrics=WithdrawMetrics(CollectorRegistry(), assets=[it.asset for it in FILE.assets]),
            now=now,
            paused=paused,
        )
    )
    publisher: Any = FakePublisher(world.kafka, chance)
    letters = DeadLetters(publisher, replica="wallet", registry=CollectorRegistry())
    reader: Any = FakeReader(world.kafka, chance, decode=read_answers, dead_letters=letters)
    ends: Any = FakeLogEnds(world.kafka, chance)
    async with asyncio.TaskGroup() as group:
        group.create_task(follow_holds(reader, ends, saga))
        group.create_task(saga.run(tick_seconds=TICK_SECONDS))
