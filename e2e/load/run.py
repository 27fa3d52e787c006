"""One load on one exchange: start it, give users money, let k6 send, judge."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends import wait_until
from e2e.cluster.build.artifact import ensure
from e2e.cluster.build.servers import K6
from e2e.cluster.progress import Progress
from e2e.exchange import Exchange
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey
from e2e.load.judge import Judgement, judge
from e2e.load.scenarios import options
from e2e.load.told import Told, read_told

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Load", "Result", "run"]

SCRIPT = Path(__file__).parent / "orders.js"
FIRST_USER = 2_000
MONEY = {"BTC": "1000", "USDT": "100000000"}
# One address sends all of it, and one Envoy takes it.
RATES = {"perSecond": 1_000_000, "burst": 1_000_000}
PRICE = 30_000.0
UPSTREAMS = ("order", "position", "risk", "settlement")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is sent. `kill` names services that are killed once each, evenly over the time."""

    scenario: str = "constant"
    rate: int = 100
    seconds: int = 30
    users: int = 100
    cancels: float = 0.3
    kill: tuple[str, ...] = ()
    connections: int = 200


@dataclass(frozen=True)
class Result:
    """What came of it."""

    told: Told
    judgement: Judgement
    quiet_seconds: float
    """From k6's end until every order had ended and every book agreed."""


def run(load: Load) -> Result:
    """Raises `ServerStartError` when the exchange doesn't come up, or doesn't come to rest."""
    ensure(K6, progress=Progress())
    users = range(FIRST_USER, FIRST_USER + load.users)
    keys = tuple(TestKey(f"load-{user}", user=user, algorithm="hmac-sha256") for user in users)
    limits = {"rates": {"address": RATES, "user": _all(RATES), "key": _all(RATES)}}
    with ExitStack() as stack:
        exchange = stack.enter_context(Exchange())
        upstreams = {
            name: service.ports.grpc for name, service in exchange.services.items() if name in UPSTREAMS
        }
        front = stack.enter_context(
            Front(upstreams=upstreams, keys=keys, redis=exchange.redis.url, values=limits)
        )
        _fund(exchange, users)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outcry-load-")))
        told = _send(load, exchange, front, keys, folder)
        ended = time.monotonic()
        judgement = judge(exchange, told, users)
        return Result(told, judgement, time.monotonic() - ended)


def _all(rates: dict[str, int]) -> dict[str, dict[str, int]]:
    return {"orders": rates, "cancels": rates, "others": rates}


def _fund(exchange: Exchange, users: Sequence[int]) -> None:
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


def _send(load: Load, exchange: Exchange, front: Front, keys: Sequence[TestKey], folder: Path) -> Told:
    people = [{"id": key.entry["userId"], "key": key.name, "secret": key.entry["secret"]} for key in keys]
    (folder / "users.json").write_text(json.dumps(people))
    shape = options(load.scenario, rate=load.rate, seconds=load.seconds, connections=load.connections)
    (folder / "options.json").write_text(json.dumps(shape))
    environment = {
        **os.environ,
        "SSL_CERT_FILE": str(front.certificate),
        "LOAD_URL": f"https://{front.host}:{front.port}",
        "LOAD_USERS": str(folder / "users.json"),
        "LOAD_SYMBOL": exchange.symbol,
        "LOAD_PRICE": str(PRICE),
        "LOAD_CANCELS": str(load.cancels),
        "LOAD_RUN": base64.b32encode(os.urandom(5)).decode(),
    }
    log = folder / "told.log"
    command = [str(K6.folder / "k6"), "run", "--quiet", "--no-usage-report", "--log-format", "raw"]
    command += ["--config", str(folder / "options.json"), "--console-output", str(log), str(SCRIPT)]
    killer = threading.Thread(target=_kill_in_turn, args=(load, exchange), daemon=True)
    killer.start()
    subprocess.run(command, env=environment, check=True)
    killer.join()
    return read_told(log.read_text().splitlines())


def _kill_in_turn(load: Load, exchange: Exchange) -> None:
    """Each of the services once, the first after one share of the time."""
    share = load.seconds / (len(load.kill) + 1)
    for name in load.kill:
        time.sleep(share)
        exchange.services[name].restart()
        exchange.services[name].wait_ready()
