"""What a provider of clusters offers. Everything above is the same for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from e2e.cluster.images.oci import Image
    from e2e.cluster.kubectl import Kubectl
    from e2e.cluster.progress import Progress

__all__ = ["PROVIDERS", "Provider"]

PROVIDERS = ("local", "kind", "current")


class Provider(Protocol):
    """One cluster, whether it runs or not. Every method may raise ClusterError."""

    name: str
    cluster: str
    # A free virtual address to which the cluster's DNS forwards `consul.`; empty when it doesn't.
    consul_dns_address: str

    @property
    def root(self) -> Path:
        """The folder with what is known of the cluster."""

    @property
    def kubectl(self) -> Kubectl:
        """The kubectl program and a kubeconfig with full rights."""

    @property
    def address(self) -> str:
        """Where node ports answer, seen from this machine."""

    @property
    def is_up(self) -> bool:
        """Whether the cluster was started and runs."""

    def begin(self) -> None:
        """Called before anything of `up` is started, builds too."""

    def up(self, *, progress: Progress) -> None:
        """Start what doesn't run; return when nodes are ready and DNS answers."""

    def load(self, images: Sequence[Image], *, progress: Progress) -> None:
        """Give images to all nodes, those that aren't there yet."""

    def down(self, *, progress: Progress) -> None:
        """Take the cluster away, however far `up` came; nothing is left."""
