"""One gateway for the tests of this folder: Envoy, its authorization service, small services behind."""

from __future__ import annotations

import pytest

from e2e.gateway.client import Client
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey
from e2e.gateway.upstreams import Upstreams

KEYS = {
    key.name: key
    for key in (
        TestKey("trader", user=7),
        TestKey("hmac", user=7, algorithm="hmac-sha256"),
        TestKey("reader", user=8, permissions="read"),
        TestKey("payer", user=7, permissions="withdraw"),
        TestKey("admin", user=1, permissions="admin,read"),
        TestKey("nothing", user=9, permissions=""),
        TestKey("home", user=7, addresses=("127.0.0.0/8",)),
        TestKey("elsewhere", user=7, addresses=("203.0.113.0/24", "2001:db8::/32")),
    )
}


@pytest.fixture(scope="session")
def shared_upstreams():
    with Upstreams() as upstreams:
        yield upstreams


@pytest.fixture
def upstreams(shared_upstreams):
    shared_upstreams.reset()
    return shared_upstreams


@pytest.fixture(scope="session")
def front(shared_upstreams):
    """A gateway that nobody may stop."""
    with Front(upstreams=shared_upstreams.ports, keys=tuple(KEYS.values())) as front:
        yield front


@pytest.fixture(scope="session")
def client(front):
    return Client(front)


@pytest.fixture(scope="session")
def keys():
    return KEYS
