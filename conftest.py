"""Servers that every package's integration tests share: one of each kind per test run."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from e2e.backends import ConsulServer, KafkaServer, KubeApi, MariaDbServer, RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine makes no property wrong: an example may take as long as it takes.
settings.register_profile("outcry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("outcry")


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaServer]:
    """A broker that nobody may stop: a test that does makes its own `KafkaServer`."""
    with KafkaServer() as server:
        yield server


@pytest.fixture(scope="session")
def consul() -> Iterator[ConsulServer]:
    """A Consul server that nobody may stop."""
    with ConsulServer() as server:
        yield server


@pytest.fixture(scope="session")
def kube_api() -> Iterator[KubeApi]:
    """A Kubernetes API without nodes; a test that installs something removes it."""
    with KubeApi() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDbServer]:
    """A MariaDB server that nobody may stop; a test makes databases with names of its own."""
    with MariaDbServer() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server that nobody may stop or flush; a test takes keys with names of its own."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def symbol() -> str:
    """A pair's name that no other test uses, so that its topics and Consul entries are its own."""
    return f"T{uuid.uuid4().hex[:8].upper()}-USDT"
