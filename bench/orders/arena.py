"""The whole exchange with its gateway, its users and their money, and what one step of load shows of it."""

from __future__ import annotations

import resource
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from bench.cpu import cpu_by_name
from bench.orders.trades import TradeWatch
from e2e.backends import wait_until
from e2e.backends.server import Started
from e2e.exchange import Exchange
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey
from e2e.load.processes import FIRST_USER, UNLIMITED, UPSTREAMS, fund
from e2e.load.send import Load, build, send

if TYPE_CHECKING:
    from e2e.load.told import Told

__all__ = ["Arena", "Step"]

REST_SECONDS = 300
CLIENT = "client"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one load came to."""

    load: Load
    told: Told
    trades: dict[int, float]
    """Unix seconds of the first trade in Kafka, by the order that took."""
    behind: int
    """Instructions that were accepted and not in the ledger when the last request was answered."""
    cpu: dict[str, float]
    """CPU seconds by process from the first request until the ledger had everything."""

    @property
    def answers(self) -> list[float]:
        """Seconds from a request to its 201."""
        return [placed.took for placed in self.told.placed]

    @property
    def to_trade(self) -> list[float]:
        """Seconds from a request to its trade in Kafka, of all orders that traded as they came."""
        begun = {placed.order_id: placed.at for placed in self.told.placed}
        return [at - begun[order] for order, at in self.trades.items() if order in begun]

    @property
    def sustained(self) -> bool:
        """Whether all that was due was sent and accepted, and the ledger is less than a second behind."""
        due = self.load.rate * self.load.seconds
        refused = sum(self.told.refused.values()) + len(self.told.unknown)
        return refused == 0 and len(self.told.placed) >= 0.995 * due and self.behind <= self.load.rate


class Arena(Started):
    """Users come by sessions, whose tokens Envoy checks by itself, or sign each request (`signed`)."""

    def __init__(self, *, users: int, signed: bool = False) -> None:
        self._users = range(FIRST_USER, FIRST_USER + users)
        self._keys = tuple(
            TestKey(f"bench-{user}", user=user, algorithm="hmac-sha256") for user in self._users if signed
        )
        self._stack = ExitStack()
        self.exchange = Exchange()
        self._front: Front | None = None

    def start(self) -> None:
        """Start everything and give everybody money."""
        build()
        self._stack.enter_context(self.exchange)
        services = self.exchange.services
        self._front = self._stack.enter_context(
            Front(
                upstreams={name: services[name].ports.grpc for name in UPSTREAMS},
                keys=self._keys,
                redis=self.exchange.redis.url,
                values=UNLIMITED,
            )
        )
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="outcry-bench-")))
        fund(self.exchange, self._users)

    def close(self) -> None:
        """End all of it."""
        self._stack.close()

    def step(self, load: Load) -> Step:
        """Send it, and wait until the ledger has all of it."""
        wait_until(lambda: self._behind() == 0, seconds=REST_SECONDS, what="the ledger at rest", every=0.25)
        before, client = cpu_by_name(self._processes()), _children_seconds()
        with TradeWatch(self.exchange.kafka.bootstrap, self.exchange.symbol) as watch:
            told = send(
                load,
                front=self.front,
                symbol=self.exchange.symbol,
                people=self._people(),
                folder=self._folder,
            )
            behind = self._behind()
            client = _children_seconds() - client
            wait_until(lambda: self._behind() == 0, seconds=REST_SECONDS, what="the ledger", every=0.05)
            after = cpu_by_name(self._processes())
        cpu = {name: after[name] - before[name] for name in after}
        return Step(load=load, told=told, trades=watch.seen, behind=behind, cpu=cpu | {CLIENT: client})

    @property
    def front(self) -> Front:
        """The gateway; raises `RuntimeError` before the start."""
        if self._front is None:
            raise RuntimeError("the gateway was not started")
        return self._front

    def _people(self) -> list[dict[str, str]]:
        if self._keys:
            return [
                {"id": key.entry["userId"], "key": key.name, "secret": key.entry["secret"]}
                for key in self._keys
            ]
        sessions = self.front.sessions
        return [{"id": str(user), "token": sessions.token(user)} for user in self._users]

    def _processes(self) -> dict[str, list[int]]:
        exchange, front = self.exchange, self.front
        if exchange.pair is None or front.envoy is None:
            raise RuntimeError("the exchange was not started")
        return {
            **{name: [service.process.pid] for name, service in exchange.services.items()},
            "authorization": [front.authorization.pid],
            "Envoy": [front.envoy.process.pid],
            "engine": [replica.process.pid for replica in exchange.pair.replicas],
            "Kafka": [exchange.kafka.process.pid],
            "MariaDB": [exchange.mariadb.process.pid],
            "Redis": [exchange.redis.process.pid],
            "Consul": [exchange.consul.process.pid],
        }

    def _behind(self) -> int:
        """Instructions that the order service has accepted and the ledger has not."""
        services = self.exchange.services
        accepted = _counted(services["order"].metrics(), "outcry_order_accepted")
        return accepted - _counted(services["settlement"].metrics(), "outcry_settlement_instructions")


def _counted(text: str, name: str) -> int:
    """A counter, over all its labels."""
    families = (family for family in text_string_to_metric_families(text) if family.name == name)
    samples = (sample for family in families for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name == f"{name}_total"))


def _children_seconds() -> float:
    """CPU time of child processes that have ended: k6 among them, servers not."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
