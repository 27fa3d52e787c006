"""A signer that is stopped on purpose, as when the machine below it is taken away for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2e.cluster.helm import PLATFORM
from e2e.cluster.wallets.manifest import reason, wait_wallet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.cluster.kubectl import Kubectl
    from e2e.cluster.progress import Progress

__all__ = ["stopped"]

WHERE = ("--namespace", PLATFORM.namespace)


@contextmanager
def stopped(kubectl: Kubectl, chain: str, index: int, *, progress: Progress) -> Iterator[str]:
    """Signer `index` is gone while the block runs; its pod. All three are ready again at the end.

    Deleted alone it would be back within seconds, so its node takes no new pods meanwhile.
    """
    pod = f"wallet-{chain}-signer-{index}-0"
    node = str(kubectl.get("pod", pod, *WHERE)["spec"]["nodeName"])
    kubectl.run("cordon", node)
    try:
        with progress.step(f"stopping signer-{index}", key="signer stops"):
            kubectl.run("delete", "pod", pod, *WHERE, "--grace-period=1", timeout=120)
            quorum(kubectl, chain, "OneDown")
        yield pod
    finally:
        kubectl.run("uncordon", node)
    with progress.step(f"starting signer-{index} again", key="signer starts"):
        quorum(kubectl, chain, "QuorumReady")


def quorum(kubectl: Kubectl, chain: str, wanted: str) -> None:
    """Until the operator says so of the signers; raises ClusterError."""
    what = f"wallet {chain} says {wanted}"
    wait_wallet(kubectl, chain, what, lambda wallet: reason(wallet, "QuorumReady") == wanted)
