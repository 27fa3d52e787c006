"""k6 as the clients: who they are, what they send, and what they were told."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.build.artifact import ensure
from e2e.cluster.build.servers import K6
from e2e.cluster.progress import Progress
from e2e.load.errors import LoadError
from e2e.load.scenarios import options
from e2e.load.told import Told, read_told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from e2e.cluster.progress import Step
    from e2e.load.place import Gate

__all__ = ["Load", "build", "send"]

SCRIPT = Path(__file__).parent / "orders.js"
PRICE = 30_000.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is sent. `kill` names what is killed once each, evenly over the time."""

    scenario: str = "constant"
    rate: int = 100
    seconds: int = 30
    users: int = 100
    cancels: float = 0.3
    crossing: float = 0.15
    """Share of orders whose price crosses the middle, so that most of them trade at once."""
    kill: tuple[str, ...] = ()
    connections: int = 200


def build() -> None:
    """Build k6, unless it is there."""
    ensure(K6, progress=Progress())


def send(
    load: Load,
    *,
    front: Gate,
    symbol: str,
    people: Sequence[Mapping[str, str]],
    folder: Path,
    step: Step | None = None,
) -> Told:
    """Send it all, by people with a `key` and its `secret` or with the `token` of a session.

    Raises `LoadError` with k6's own words when it fails.
    """
    (folder / "users.json").write_text(json.dumps(people))
    shape = options(load.scenario, rate=load.rate, seconds=load.seconds, connections=load.connections)
    (folder / "options.json").write_text(json.dumps(shape))
    environment = {
        **os.environ,
        "SSL_CERT_FILE": str(front.certificate),
        "LOAD_URL": f"https://{front.host}:{front.port}",
        "LOAD_USERS": str(folder / "users.json"),
        "LOAD_SYMBOL": symbol,
        "LOAD_PRICE": str(PRICE),
        "LOAD_CANCELS": str(load.cancels),
        "LOAD_CROSSING": str(load.crossing),
        "LOAD_RUN": base64.b32encode(os.urandom(5)).decode(),
        "LOAD_SUMMARY": str(folder / "summary.json"),
    }
    log, own = folder / "told.log", folder / "k6.log"
    log.write_bytes(b"")
    command = [str(K6.folder / "k6"), "run", "--quiet", "--no-usage-report", "--log-format", "raw"]
    command += ["--log-output", f"file={own}", "--console-output", str(log)]
    command += ["--config", str(folder / "options.json"), str(SCRIPT)]
    with log.open("rb") as told, subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as k6:
        try:
            _wait(k6, told, step)
        except BaseException:
            k6.kill()
            raise
    if k6.returncode != 0:
        raise LoadError(f"k6 ended with {k6.returncode}: {own.read_text()[-2000:]}")
    found = read_told(log.read_text().splitlines())
    found.unsent = json.loads((folder / "summary.json").read_text())["unsent"]
    return found


def _wait(k6: subprocess.Popen[bytes], told: IO[bytes], step: Step | None) -> None:
    """Until it ends; each second the step says how many answers there are."""
    answers = 0
    while True:
        try:
            k6.wait(1)
        except subprocess.TimeoutExpired:
            answers += told.read().count(b"\n")
            if step:
                step.detail = f"{answers} answers"
        else:
            return
