"""What is there of a wallet: its signers' pods and the identities they tell, its service's pod, zones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_operator.pair.view import trouble
from outcry_operator.wallet.names import (
    CONFIG_ANNOTATION,
    METRICS_PORT,
    NAME_LABEL,
    SERVICE,
    SIGNER,
    SIGNER_LABEL,
    WALLET_LABEL,
    Wallet,
)
from outcry_operator.wallet.signer_pod import ZONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_operator.world import World

IDENTITY = re.compile(r"[0-9a-f]{128}")

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SignerPod:
    """One signer's pod, as far as a decision needs it."""

    index: int
    name: str
    config: str = ""
    """Of the configuration that it started with."""
    identity: str = ""
    """What it tells of itself; empty: nothing yet."""
    ready: bool = False
    node: str = ""
    trouble: str = ""
    """Why it doesn't run, in words."""


@dataclass(frozen=True, kw_only=True)
class ServicePod:
    """The wallet service's pod."""

    name: str
    address: str = ""
    ready: bool = False
    trouble: str = ""

    @property
    def page(self) -> str:
        """Where its metrics are."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{METRICS_PORT}"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All pods of one wallet."""

    signers: Mapping[int, SignerPod] = field(default_factory=dict)
    service: ServicePod | None = None
    zones: Mapping[int, str] = field(default_factory=dict)
    """Where each signer stands now; none known: not in it."""

    @property
    def identities(self) -> dict[int, str]:
        """Those that were told."""
        return {index: pod.identity for index, pod in self.signers.items() if pod.identity}


async def look(wallet: Wallet, world: World) -> Seen:
    """Ask Kubernetes."""
    pods = await world.kube.list("Pod", namespace=wallet.namespace, labels=f"{WALLET_LABEL}={wallet.name}")
    signers = {pod.index: pod for pod in newest(map(read_signer, of(pods, SIGNER)))}
    services = [read_service(body) for body in of(pods, SERVICE)]
    nodes = await world.kube.list("Node", namespace=None) if any(pod.node for pod in signers.values()) else []
    by_node = {body["metadata"]["name"]: body["metadata"].get("labels", {}).get(ZONE, "") for body in nodes}
    return Seen(
        signers=signers,
        service=max(services, key=lambda pod: pod.ready, default=None),
        zones={index: zone for index, pod in signers.items() if (zone := by_node.get(pod.node, ""))},
    )


def of(pods: Iterable[Object], what: str) -> list[Object]:
    """The pods of one sort that aren't on their way out."""
    return [
        body
        for body in pods
        if body["metadata"].get("labels", {}).get(NAME_LABEL) == what
        and "deletionTimestamp" not in body["metadata"]
    ]


def newest(pods: Iterable[SignerPod | None]) -> list[SignerPod]:
    """Those of which it is known whose they are."""
    return [pod for pod in pods if pod is not None]


def read_signer(body: Object) -> SignerPod | None:
    """A signer's pod; None where somebody took its number away."""
    meta, status = body["metadata"], body.get("status", {})
    index = meta.get("labels", {}).get(SIGNER_LABEL, "")
    if not index.isdecimal():
        return None
    conditions = {entry["type"]: entry for entry in status.get("conditions", ())}
    first: Object = next(iter(status.get("initContainerStatuses", ())), {})
    return SignerPod(
        index=int(index),
        name=meta["name"],
        config=meta.get("annotations", {}).get(CONFIG_ANNOTATION, ""),
        identity=told_identity(first),
        ready=conditions.get("Ready", {}).get("status") == "True",
        node=body.get("spec", {}).get("nodeName", ""),
        trouble=trouble(status, conditions) or _not_begun(first),
    )


def told_identity(container: Object) -> str:
    """The identity in a termination message; empty where there is none."""
    ended = container.get("state", {}).get("terminated") or {}
    text = ended.get("message", "").strip()
    return text if ended.get("exitCode") == 0 and IDENTITY.fullmatch(text) else ""


def read_service(body: Object) -> ServicePod:
    """The wallet service's pod."""
    status = body.get("status", {})
    conditions = {entry["type"]: entry for entry in status.get("conditions", ())}
    return ServicePod(
        name=body["metadata"]["name"],
        address=status.get("podIP", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        trouble=trouble(status, conditions),
    )


def _not_begun(container: Object) -> str:
    """What an init container that keeps failing says last."""
    for state in (container.get("state", {}), container.get("lastState", {})):
        ended = state.get("terminated")
        if ended and ended.get("exitCode") != 0:
            lines = str(ended.get("message", "")).strip().splitlines()
            return lines[-1] if lines else "it tells no identity"
    return ""
