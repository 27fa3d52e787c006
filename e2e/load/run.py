"""One load on one exchange: start it, give users money, let k6 send, judge."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends import wait_until
from e2e.exchange import Exchange
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey
from e2e.load.judge import Judgement, judge
from e2e.load.send import Load, build, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.load.told import Told

__all__ = ["FIRST_USER", "UNLIMITED", "UPSTREAMS", "Result", "fund", "run"]

FIRST_USER = 2_000
MONEY = {"BTC": "1000", "USDT": "100000000"}
_RATES = {"perSecond": 1_000_000, "burst": 1_000_000}
_CLASSES = dict.fromkeys(("orders", "cancels", "others"), _RATES)
UNLIMITED = {"rates": {"address": _RATES, "user": _CLASSES, "key": _CLASSES}}
"""Values of the gateway: one address sends all of it, and one Envoy takes it."""
UPSTREAMS = ("order", "position", "risk", "settlement")


@dataclass(frozen=True)
class Result:
    """What came of it."""

    told: Told
    judgement: Judgement
    quiet_seconds: float
    """From k6's end until every order had ended and every book agreed."""


def run(load: Load) -> Result:
    """Raises `ServerStartError` when the exchange doesn't come up, or doesn't come to rest."""
    build()
    users = range(FIRST_USER, FIRST_USER + load.users)
    keys = tuple(TestKey(f"load-{user}", user=user, algorithm="hmac-sha256") for user in users)
    with ExitStack() as stack:
        exchange = stack.enter_context(Exchange())
        upstreams = {
            name: service.ports.grpc for name, service in exchange.services.items() if name in UPSTREAMS
        }
        front = stack.enter_context(
            Front(upstreams=upstreams, keys=keys, redis=exchange.redis.url, values=UNLIMITED)
        )
        fund(exchange, users)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outcry-load-")))
        people = [{"id": key.entry["userId"], "key": key.name, "secret": key.entry["secret"]} for key in keys]
        killer = threading.Thread(target=_kill_in_turn, args=(load, exchange), daemon=True)
        killer.start()
        told = send(load, front=front, symbol=exchange.symbol, people=people, folder=folder)
        killer.join()
        ended = time.monotonic()
        judgement = judge(exchange, told, users)
        return Result(told, judgement, time.monotonic() - ended)


def fund(exchange: Exchange, users: Sequence[int]) -> None:
    """Give each user money, and wait until it is there."""
    admin = exchange.admin()
    for user in users:
        for asset, amount in MONEY.items():
            admin.deposit(user, asset, amount, reference=f"load-{user}-{asset}")
    for user in users:
        client = exchange.client(user)
        wait_until(
            lambda client=client: all(float(client.position(asset)[0]) > 0 for asset in MONEY),  # type: ignore[misc]
            seconds=60,
            what=f"the deposits of user {user}",
        )


def _kill_in_turn(load: Load, exchange: Exchange) -> None:
    """Each of the services once, the first after one share of the time."""
    share = load.seconds / (len(load.kill) + 1)
    for name in load.kill:
        time.sleep(share)
        exchange.services[name].restart()
        exchange.services[name].wait_ready()
