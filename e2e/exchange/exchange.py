"""Stores, engines and services, started in the order in which a cluster would come to have them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from e2e.backends import (
    ConsulServer,
    EnginePair,
    KafkaServer,
    MariaDbServer,
    RedisServer,
    create_pair_topics,
)
from e2e.backends.server import Started
from e2e.exchange.client import Client
from e2e.exchange.market import example_spec, open_market
from e2e.exchange.migrated import migrated_directory, order_settings
from e2e.exchange.services import SERVICES, Ports, ServiceUnderTest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from e2e.backends.server import Server

__all__ = ["Exchange"]

ADMIN = 1_048_575
"""The user id of the administrator; in the last shard."""


class Exchange(Started):
    """One exchange with one market, `BTC-USDT` as in the example, on servers of its own.

    `without` names services that don't run; `more` gives further settings, from MariaDB's URL.
    """

    def __init__(
        self,
        *,
        symbol: str = "BTC-USDT",
        without: Sequence[str] = (),
        more: Callable[[str], Mapping[str, str]] = lambda _: {},
    ) -> None:
        self._more = more
        self.symbol = symbol
        self.directory = Path(tempfile.mkdtemp(prefix="outcry-exchange-"))
        self.kafka = KafkaServer()
        self.consul = ConsulServer()
        self.mariadb = MariaDbServer(directory=migrated_directory(self.directory / "mariadb"))
        self.redis = RedisServer()
        self.spec = example_spec()
        self._opened: list[Started] = []
        self.pair: EnginePair | None = None
        ports = {name: Ports.free() for name in SERVICES}
        self.addresses = {name: f"127.0.0.1:{port.grpc}" for name, port in ports.items()}
        self._channels = {name: grpc.insecure_channel(place) for name, place in self.addresses.items()}
        self._ports = ports
        self._names = [name for name in SERVICES if name not in without]
        self.services: dict[str, ServiceUnderTest] = {}

    def start(self) -> None:
        """Start everything and wait until all of it is ready."""
        stores: tuple[Server, ...] = (self.kafka, self.consul, self.mariadb, self.redis)
        for store in stores:
            self._open(store)
        self._prepare()
        create_pair_topics(self.kafka, self.symbol)
        self.pair = EnginePair(symbol=self.symbol, kafka=self.kafka, consul=self.consul)
        self._open(self.pair)
        open_market(self.symbol, self.spec, kafka=self.kafka, consul=self.consul)
        settings = self.settings()
        for name in self._names:
            service = ServiceUnderTest(
                name, ports=self._ports[name], settings=settings, directory=self.directory
            )
            self.services[name] = service
            service.start()
        self.pair.wait_ready()
        for service in self.services.values():
            service.wait_ready()

    def client(self, user_id: int) -> Client:
        """A user who may read, trade and withdraw."""
        return self._client(user_id, "read,trade,withdraw")

    def admin(self) -> Client:
        """An administrator."""
        return self._client(ADMIN, "read,admin")

    def settings(self) -> dict[str, str]:
        """Of every service."""
        mariadb = f"mysql://{self.mariadb.host}:{self.mariadb.port}"
        return {
            **order_settings(self.mariadb),
            "OUTCRY_KAFKA": self.kafka.bootstrap,
            "OUTCRY_CONSUL": self.consul.url,
            "OUTCRY_REDIS": self.redis.url,
            "OUTCRY_LEDGER": mariadb,
            "OUTCRY_RISK": self.addresses["risk"],
            "OUTCRY_LOG_LEVEL": "info",
            **self._more(mariadb),
        }

    def close(self) -> None:
        """End and remove all of it."""
        for channel in self._channels.values():
            channel.close()
        for service in reversed(self.services.values()):
            service.process.kill()
        for part in reversed(self._opened):
            part.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _client(self, user_id: int, permissions: str) -> Client:
        return Client(user_id, channels=self._channels, permissions=permissions)

    def _open(self, part: Started) -> None:
        self._opened.append(part)
        part.start()

    def _prepare(self) -> None:
        """What jobs of the chart do before any service starts."""
        self.mariadb.execute("CREATE DATABASE ledger")
        environment = {**os.environ, **self.settings()}
        command = [sys.executable, "-m", "outcry_services.topics"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
