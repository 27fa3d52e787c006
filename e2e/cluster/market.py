"""The first market on a cluster: the example pair, an order flow into it, and a look at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.cluster.environment import environment_of
from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.cluster.kubectl import Kubectl
    from e2e.cluster.progress import Progress, Step
    from e2e.cluster.provider import Provider

__all__ = ["NAMESPACE", "PAIR", "SYMBOL", "apply_pair", "start_flow", "watch"]

EXAMPLE = CHECKOUT / "examples" / "btc-usdt.yaml"
NAMESPACE, PAIR, SYMBOL = "outcry", "btc-usdt", "BTC-USDT"
READY_SECONDS = 180.0
FLOW = Path(__file__).with_name("flow.yaml")
# One line a change: the generation, the one that the status answers, and each condition.
LINE = (
    "{.metadata.generation} {.status.observedGeneration}"
    '{range .status.conditions[*]} {.type}={.status}={.reason}{end}{"\\n"}'
)
LIVE_SECONDS, PLAIN_SECONDS = 20, 3
BIN = Path(sys.executable).parent


def apply_pair(kubectl: Kubectl, *, progress: Progress) -> None:
    """Apply the example and wait until the operator calls it ready."""
    with progress.step(f"waiting for {SYMBOL} to be Ready", key="pair ready") as step:
        kubectl.run("apply", "-f", str(EXAMPLE))  # as a person would, who may go on editing it
        wait_ready(kubectl, step)


def wait_ready(kubectl: Kubectl, step: Step) -> None:
    """Follow the pair's conditions until `Ready`; raises ClusterError with those that don't hold."""
    deadline = time.monotonic() + READY_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        for line in follow(kubectl, seconds=left):
            lacking = lacks(line)
            if not lacking:
                return
            step.detail = ", ".join(lacking)
    told = kubectl.run("describe", "pair", PAIR, "--namespace", NAMESPACE)
    raise ClusterError(f"{SYMBOL} isn't Ready after {READY_SECONDS:.0f} s: {step.detail}\n{told}")


def follow(kubectl: Kubectl, *, seconds: float) -> Iterator[str]:
    """A line for the pair's present state and for each change, until the watch ends."""
    where = ["--namespace", NAMESPACE, "--watch", "--output", f"jsonpath={LINE}"]
    command = [*kubectl.program, "get", "pair", PAIR, *where, f"--request-timeout={seconds:.0f}s"]
    with subprocess.Popen(
        command, env=kubectl.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            yield from watching.stdout
        finally:
            watching.kill()


def lacks(line: str) -> list[str]:
    """What a line of `follow` says is missing; nothing once the present generation is Ready."""
    generation, *words = line.split()
    if not words or words[0] != generation:
        return ["the operator's first look"]
    conditions = [word.split("=") for word in words[1:]]
    if ["Ready", "True"] in (condition[:2] for condition in conditions):
        return []
    return [f"{name} {reason}" for name, status, reason in conditions if status != "True" and name != "Ready"]


def start_flow(provider: Provider, image: str, *, progress: Progress) -> None:
    """Have the seeded order flow run as a Job; one that runs already with this image goes on."""
    kubectl = provider.kubectl
    found = kubectl.run("get", "job/order-flow", "--namespace", NAMESPACE, "--ignore-not-found", "-o", "json")
    job = json.loads(found or "{}")
    if job.get("status", {}).get("active") and image == image_of(job):
        return
    with progress.step("starting the order flow", key="flow"):
        kubectl.run("delete", "job/order-flow", "--namespace", NAMESPACE, "--ignore-not-found")
        kubectl.apply(FLOW.read_text().replace("@IMAGE@", image))
        kubectl.run(
            *("wait", "--for=condition=Ready", "pod", "--selector=job-name=order-flow"),
            *("--namespace", NAMESPACE, "--timeout=60s"),
            timeout=70,
        )


def image_of(job: dict[str, Any]) -> str:
    """The image that a Job runs."""
    return str(job["spec"]["template"]["spec"]["containers"][0]["image"])


def watch(provider: Provider) -> None:
    """The live market: a screen for a while on a terminal, some lines elsewhere; Ctrl-C ends it."""
    seconds = LIVE_SECONDS if sys.stdout.isatty() else PLAIN_SECONDS
    command = [str(BIN / "outcry"), "watch", SYMBOL, "--seconds", str(seconds)]
    subprocess.run(command, env={**os.environ, **environment_of(provider)}, check=False)
