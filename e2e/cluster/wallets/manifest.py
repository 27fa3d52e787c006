"""A Wallet on a cluster: its example with what this cluster alone knows, and its conditions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from e2e.cluster.errors import ClusterError
from e2e.cluster.helm import PLATFORM, what_is_wrong
from e2e.cluster.paths import CHECKOUT
from e2e.cluster.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.cluster.kubectl import Kubectl
    from e2e.cluster.progress import Step
    from e2e.cluster.provider import Provider

__all__ = ["apply_wallet", "open_wallet", "wallet_of"]

WHERE = ("--namespace", PLATFORM.namespace)
SECONDS = 240.0
CEREMONY = "outcry.trade/ceremony"


def apply_wallet(provider: Provider, chain: str) -> None:
    """Apply `examples/wallet-CHAIN-local.yaml`, told by which key this cluster's risk signs."""
    manifest = yaml.safe_load((CHECKOUT / "examples" / f"wallet-{chain}-local.yaml").read_text())
    keys = provider.kubectl.get("configmap", "approval-keys", *WHERE)["data"]
    manifest["spec"]["approvals"]["riskKeys"] = [
        {"name": name, "publicKey": key} for name, key in sorted(keys.items())
    ]
    provider.kubectl.apply(json.dumps(manifest))


def open_wallet(provider: Provider, chain: str, *, step: Step) -> dict[str, Any]:
    """Ask for the ceremony unless there is a key; the Wallet, once it works."""
    kubectl = provider.kubectl
    if condition(wallet_of(kubectl, chain), "KeysGenerated") != "True":
        step.detail = "three signers"
        wait_ready(kubectl, chain, "QuorumReady", step=step)
        step.detail = "the ceremony"
        kubectl.run("annotate", "--overwrite", "wallet", chain, *WHERE, f"{CEREMONY}=generate")
    for wanted in ("KeysGenerated", "QuorumReady", "NodesHealthy"):
        wait_ready(kubectl, chain, wanted, step=step)
    step.detail = "the wallet service"
    rollout = ("rollout", "status", f"deployment/wallet-{chain}", f"--timeout={SECONDS:.0f}s")
    kubectl.run(*rollout, *WHERE, timeout=SECONDS + 10)
    return wallet_of(kubectl, chain)


def wallet_of(kubectl: Kubectl, chain: str) -> dict[str, Any]:
    """The object."""
    return kubectl.get("wallet", chain, *WHERE)


def wait_ready(kubectl: Kubectl, chain: str, kind: str, *, step: Step) -> None:
    """Until a condition is true; raises ClusterError with its own words, and what isn't well around it."""

    def holds(wallet: dict[str, Any]) -> bool:
        step.detail = f"{kind}: {reason(wallet, kind)}"
        return condition(wallet, kind) == "True"

    wait_wallet(kubectl, chain, f"{kind} of wallet {chain}", holds)


def wait_wallet(kubectl: Kubectl, chain: str, what: str, holds: Callable[[dict[str, Any]], bool]) -> None:
    """Until something holds of the Wallet; raises ClusterError."""

    def attempt() -> None:
        wallet = wallet_of(kubectl, chain)
        if not holds(wallet):
            raise ClusterError("; ".join(conditions(wallet)))

    try:
        wait_for(what, attempt, seconds=SECONDS, error=ClusterError)
    except ClusterError as error:
        raise ClusterError(f"{error}\n{what_is_wrong(PLATFORM.namespace, kubectl=kubectl)}") from error


def condition(wallet: dict[str, Any], kind: str) -> str:
    """`True`, `False`, `Unknown`; the last also before the operator looked at the present generation."""
    status = wallet.get("status", {})
    if status.get("observedGeneration") != wallet["metadata"]["generation"]:
        return "Unknown"
    found = (one["status"] for one in status.get("conditions", ()) if one["type"] == kind)
    return str(next(found, "Unknown"))


def reason(wallet: dict[str, Any], kind: str) -> str:
    """Why a condition is as it is."""
    found = wallet.get("status", {}).get("conditions", ())
    return str(next((one["reason"] for one in found if one["type"] == kind), "not looked at yet"))


def conditions(wallet: dict[str, Any]) -> list[str]:
    """All conditions, each with reason and message."""
    found = wallet.get("status", {}).get("conditions", ())
    return [f"{one['type']} {one['status']} {one['reason']}: {one['message']}" for one in found]
