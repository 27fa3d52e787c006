"""The provider `current`: the cluster of the present kubeconfig, after asking.

It was run on a local cluster, never on a foreign one.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.errors import ClusterError, CommandError
from e2e.cluster.helm import PLATFORM, RELEASES, uninstall
from e2e.cluster.kubectl import Kubectl, find_kubectl, node_address
from e2e.cluster.paths import cluster_root
from e2e.cluster.wallets.wanted import chains_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.cluster.images.oci import Image
    from e2e.cluster.progress import Progress

__all__ = ["CurrentProvider"]


class CurrentProvider:
    """A cluster that somebody else made: only what `up` put there is taken away."""

    name = "current"
    consul_dns_address = ""

    def __init__(self, *, cluster: str, agreed: bool) -> None:
        self.cluster = cluster
        self.root = cluster_root(cluster)
        self.agreed = agreed

    @property
    def kubectl(self) -> Kubectl:
        """As kubectl itself would find it."""
        kubeconfig = os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config"
        return Kubectl(program=find_kubectl(), kubeconfig=Path(kubeconfig))

    @property
    def address(self) -> str:
        """A node's address, where this machine must reach node ports."""
        return node_address(self.kubectl)

    @property
    def is_up(self) -> bool:
        """Whether the cluster answers."""
        try:
            self.kubectl.run("get", "--raw", "/readyz", timeout=10)
        except CommandError:
            return False
        return True

    def begin(self) -> None:
        """Ask whether this is the cluster that is meant."""
        self.ask("Install Outcry")
        self.root.mkdir(parents=True, exist_ok=True)

    def up(self, *, progress: Progress) -> None:
        """Make sure that it answers."""
        with progress.step("asking the cluster"):
            self.kubectl.run("get", "nodes")

    def load(self, images: Sequence[Image], *, progress: Progress) -> None:
        """Nothing is loaded into a foreign cluster: its nodes have the images or pull them."""
        for image in images:
            progress.line(f"  the nodes must have, or pull, {image.name}")

    def down(self, *, progress: Progress) -> None:
        """Take away the market, the charts and their namespaces; refuse while other pairs are there."""
        self.ask("Remove Outcry and all its data")
        pairs = self.kubectl.run("get", "pairs", "--all-namespaces", "--output", "name").split()
        if others := [pair for pair in pairs if not pair.endswith("/btc-usdt")]:
            raise ClusterError(f"pairs {', '.join(others)} are still there: delete them first")
        wallets = self.kubectl.run("get", "wallets", "--all-namespaces", "--output", "name").split()
        ours = {f"wallet.outcry.trade/{chain}" for chain in chains_of(self)}
        if others := [wallet for wallet in wallets if wallet not in ours]:
            raise ClusterError(f"wallets {', '.join(others)} are still there: delete them first")
        where = ("--namespace", "outcry")
        with progress.step("removing the market and the platform"):
            if pairs:  # the example's own policy is to retain
                patch = '{"spec": {"deletionPolicy": "Delete"}}'
                self.kubectl.run("patch", "pair/btc-usdt", *where, "--type=merge", "--patch", patch)
            self.kubectl.run(
                *("delete", "job/order-flow", "pair/btc-usdt", *where, "--ignore-not-found"),
                timeout=180,
            )
            if wallets:  # while the operator is there to take its finalizer off
                self.kubectl.run(
                    *("delete", *wallets, "--namespace", PLATFORM.namespace, "--timeout=120s"), timeout=130
                )
            for release in reversed(RELEASES):
                uninstall(release, kubectl=self.kubectl)
            for namespace in sorted({release.namespace for release in RELEASES}):
                self.kubectl.run("delete", "namespace", namespace, "--ignore-not-found", timeout=180)
        shutil.rmtree(self.root, ignore_errors=True)

    def ask(self, what: str) -> None:
        """Go on only when a person agrees, or agreed on the command line."""
        context = self.kubectl.run("config", "current-context").strip()
        if self.agreed:
            return
        if not sys.stdin.isatty():
            raise ClusterError(f"{what} in the cluster of context {context}? Nobody to ask: say --yes")
        if input(f"{what} in the cluster of context {context}? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise ClusterError("nothing was done")
