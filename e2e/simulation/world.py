"""One world: servers, the processes that live and die around them, and what was seen of it all.

Whatever is killed is started again after a while, as Kubernetes does. So is a process that ends by an error;
only an error that says `ask again` (`UnavailableError`) may end one without being a fault.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from outcry_services.common.errors import UnavailableError

from e2e.simulation.chain import FakeChain
from e2e.simulation.chance import CALM, ROUGH, Chance
from e2e.simulation.consul import FakeConsulServer
from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_publisher import GIVEN_UP_SECONDS
from e2e.simulation.processes import WORLD, Process
from e2e.simulation.redis_server import FakeRedisServer
from e2e.simulation.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from outcry.v1.risk_api_pb2 import CheckRequest, CheckResponse
    from outcry_services.common.pairs import Pair
    from outcry_services.order.entries import Entry, Outcome
    from outcry_services.order.withdrawal_rpc import WithdrawalDesk
    from outcry_services.risk.admin import Admin

    from e2e.simulation.breaking import Broken
    from e2e.simulation.mysql_server import FakeMySqlServer
    from e2e.simulation.risk_side import Risk
    from e2e.simulation.saga.chain import SagaChain
    from e2e.simulation.saga.desk_channel import DeskCall
    from e2e.simulation.saga.side import Surroundings

    Ask = Callable[[Entry], Awaitable[Outcome]]
    Life = Callable[["World"], Coroutine[object, object, None]]

__all__ = ["LONGEST_AWAY", "World"]

S = TypeVar("S")
T = TypeVar("T")

LONGEST_AWAY = 2.0
"""Virtual seconds that a killed process stays away."""
REDIS_DIES = 0.25
"""Of all that die."""
REDIS_LOST = 0.2
"""Of its deaths: no replica is left."""
CUT_OFF = 0.2
"""Of the others, instead of being killed: all that Kafka has stays away from them for a while."""
LONGEST_CUT_OFF = 5.0
MOST_LOST = 40
MOST_STEPS_LATE = 40
TAKEOVER_SECONDS = 2 * GIVEN_UP_SECONDS


class World:
    """All that there is. `chance` rules time and faults, `story` what people do."""

    def __init__(self, seed: int, *, mysql: FakeMySqlServer, traced: bool = False) -> None:
        self.seed = seed
        self.chance = Chance(f"{seed} faults", ROUGH)
        self.story = Chance(f"{seed} story")
        self.kafka = FakeKafka()
        self.redis = FakeRedisServer()
        self.consul = FakeConsulServer()
        self.pairs: dict[str, Pair] = {}
        self.mysql = mysql
        self.books_chain = FakeChain()
        """Of a wallet that knows the books alone."""
        self.broken: list[Broken] = []
        """By hand."""
        self.breakable = False
        """Whether somebody breaks things: then Redis doesn't lose everything as well."""
        self.redis_deaths = 0
        self.going_on: list[asyncio.Task[None]] = []
        """Of the world itself: blocks, operators."""
        self.faults: list[str] = []
        self.trace: list[str] = []
        self.lives: dict[str, int] = {}
        self._traced = traced
        self._alive: dict[str, Process] = {}
        self._desks: dict[Process, Ask] = {}
        self._payout_desks: dict[Process, WithdrawalDesk] = {}
        self.saga: Surroundings | None = None
        """Where the wallet's own saga runs, and no wallet that knows the books alone."""
        self.risks: dict[Process, Risk] = {}
        self.asks_risk = False
        """Whether order asks: in a story without risk nobody would answer."""
        self.witness = Witness(self.kafka, fault=self.faults.append)
        self._fatal: set[int] = set()
        self._ending = False
        self._steps = 0
        if traced:
            self.kafka.seen = self.redis.seen = self.consul.seen = self.note

    @property
    def symbols(self) -> tuple[str, ...]:
        """Of the pairs that are traded."""
        return tuple(self.pairs)

    # What happens to whom.

    def strike(self, deaths: int, *, within: float) -> None:
        """So many die in the next seconds, each some steps behind a moment: at any await."""
        moments = [within * self.chance.fraction() for _ in range(deaths)]
        for moment in sorted(moments):
            asyncio.get_running_loop().call_later(moment, self._aim, context=WORLD.context)

    def _aim(self) -> None:
        self._fatal.add(self._steps + self.chance.between(1, MOST_STEPS_LATE))

    def before_step(self, step: int) -> None:
        """Called by the loop."""
        self._steps = step
        if step in self._fatal:
            self._fatal.discard(step)
            if not self._ending:
                self._strike()

    @property
    def calm_now(self) -> bool:
        """Whether nothing is to go wrong any more."""
        return self._ending

    def calm(self) -> None:
        """From now on nothing goes wrong, save for what is under way."""
        self._ending = True
        self.chance.odds = CALM

    def _strike(self) -> None:
        if self.chance.happens(REDIS_DIES):
            asyncio.get_running_loop().create_task(self._promote(), name="promotion")
            return
        # Position keeps most in memory, and dies most.
        names = sorted(self._alive) + ["position"] * 2 * ("position" in self._alive)
        names += ["reconciler"] * 2 * (self.breakable and "reconciler" in self._alive)
        if names:
            name = names[self.chance.below(len(names))]
            if self.chance.happens(CUT_OFF):
                # Risk alone tells how old its view is.
                name = "risk" if "risk" in self._alive else name
                self.note(f"{name} can't read from Kafka")
                self.kafka.cut_off(name, seconds=LONGEST_CUT_OFF * self.chance.fraction())
                return
            self.note(f"{name} is killed")
            self._alive[name].kill()

    async def _promote(self) -> None:
        """Redis dies, and a replica takes over that lacks the last moments, or an empty server.

        Not before a request to Kafka that was on its way has arrived: noticing takes longer than that.
        """
        if not self.redis.up:
            return
        lost, all_of_it = self.chance.between(0, MOST_LOST), self.chance.happens(REDIS_LOST)
        # It would be made again from the ledger, and nobody says that a ledger changed by hand is right.
        all_of_it = all_of_it and not self.breakable
        self.redis.up = False
        self.redis_deaths += 1
        self.note(
            "Redis is lost with all it had" if all_of_it else f"Redis dies; its replica lacks {lost} changes"
        )
        await asyncio.sleep(TAKEOVER_SECONDS + self.chance.fraction())
        if all_of_it:
            self.redis.lose_all()
        else:
            self.redis.promote(lost=lost)
        self.redis.up = True
        self.note("Redis answers again")

    # Who lives.

    def keep_alive(self, name: str, life: Life) -> None:
        """Run `life` in a process of its own, again and again."""
        asyncio.get_running_loop().create_task(self._supervise(name, life), name=f"supervisor of {name}")

    async def _supervise(self, name: str, life: Life) -> None:
        while True:
            self.lives[name] = self.lives.get(name, 0) + 1
            process = Process(name)
            ended = asyncio.Event()
            process.at_death(ended.set)
            self._alive[name] = process
            task = process.start(life(self))
            task.add_done_callback(partial(_tell, ended), context=process.context.copy())
            await ended.wait()
            self._alive.pop(name, None)
            self._judge_end(name, process, task)
            process.kill()
            await asyncio.sleep(self.chance.fraction() * LONGEST_AWAY)

    def _judge_end(self, name: str, process: Process, task: asyncio.Task[None]) -> None:
        if not process.alive:
            return
        error = task.exception()
        self.note(f"{name} ended: {error!r}")
        self.faults += [f"{name} ended by {leaf!r}" for leaf in _leaves(error) if not _may_end(leaf)]

    # Who is asked.

    def open_desk(self, process: Process, ask: Ask) -> None:
        """A replica of order takes requests from now on."""
        _open(self._desks, process, ask)

    def open_payout_desk(self, process: Process, desk: WithdrawalDesk) -> None:
        """A replica of order takes the wallet's calls from now on."""
        _open(self._payout_desks, process, desk)

    def open_risk(self, process: Process, risk: Risk) -> None:
        """A life of risk takes questions from now on."""
        _open(self.risks, process, risk)

    async def through_the_gateway(self, entry: Entry) -> Outcome:
        """A request of somebody's to order."""
        return await self._call(self._desks, lambda ask: ask(entry))

    async def ask_desk(self, method: str, request: object, context: DeskCall) -> object:
        """A call of the wallet's to order's desk."""
        return await self._call(self._payout_desks, lambda desk: getattr(desk, method)(request, context))

    @property
    def chain(self) -> FakeChain | SagaChain:
        """Where withdrawals are paid."""
        return self.books_chain if self.saga is None else self.saga.chain

    async def ask_risk(self, request: CheckRequest) -> CheckResponse:
        """A question of order's to risk."""
        return await self._call(self.risks, lambda risk: self.witness.check(risk, request))

    async def administer(self, work: Callable[[Admin], Awaitable[T]]) -> T:
        """What an administrator asks of risk."""
        return await self._call(self.risks, lambda risk: work(risk.admin))

    async def _call(self, servers: Mapping[Process, S], work: Callable[[S], Awaitable[T]]) -> T:
        """One request to one replica; raises `UnavailableError` when there is none, or it dies meanwhile."""
        if not servers:
            raise UnavailableError("nobody is there")
        process, server = list(servers.items())[self.chance.below(len(servers))]
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def broken() -> None:
            if not answer.done():
                answer.set_exception(UnavailableError("the connection broke"))

        async def handle() -> None:
            try:
                outcome = await work(server)
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if self.chance.happens(self.chance.odds.lost_answer):
                    broken()
                elif not answer.done():
                    answer.set_result(outcome)

        process.at_death(broken)
        process.start(handle(), name="request")
        return await answer

    # What was seen.

    def note(self, text: str) -> None:
        """A line of the trace."""
        if self._traced:
            now = asyncio.get_running_loop().time() % 1_000_000
            self.trace.append(f"{now:10.4f} step {self._steps:6}  {text}")


def _open(servers: dict[Process, S], process: Process, server: S) -> None:
    """Until it dies."""
    servers[process] = server

    def close() -> None:
        servers.pop(process, None)

    process.at_death(close)


def _tell(ended: asyncio.Event, _: object) -> None:
    ended.set()


def _leaves(error: BaseException | None) -> list[BaseException | None]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


def _may_end(error: BaseException | None) -> bool:
    """A process that asks to be started again, as its service does when a store is away."""
    return isinstance(error, UnavailableError)
