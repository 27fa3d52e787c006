"""Which provider a cluster has: what the command line says, else what it was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.cluster.current import CurrentProvider
from e2e.cluster.errors import ClusterError
from e2e.cluster.kind import KindProvider
from e2e.cluster.local.provider import LocalProvider
from e2e.cluster.paths import cluster_root

if TYPE_CHECKING:
    import argparse

    from e2e.cluster.provider import Provider

__all__ = ["choose", "remember"]

RECORD = "provider"


def choose(options: argparse.Namespace) -> Provider:
    """The provider of the cluster named on the command line."""
    recorded = recorded_for(options.name)
    wanted = options.provider or recorded or "local"
    if recorded and wanted != recorded:
        raise ClusterError(
            f"cluster {options.name} was made with provider {recorded}: "
            f"say PROVIDER={recorded}, or another NAME"
        )
    if wanted == "local":
        return LocalProvider(cluster=options.name)
    if wanted == "kind":
        return KindProvider(cluster=options.name)
    return CurrentProvider(cluster=options.name, agreed=getattr(options, "yes", False))


def recorded_for(cluster: str) -> str:
    """What `up` recorded; empty when there is no such cluster."""
    try:
        return (cluster_root(cluster) / RECORD).read_text().strip()
    except OSError:
        return ""


def remember(provider: Provider) -> None:
    """Record it for `env`, `status` and `down`."""
    provider.root.mkdir(parents=True, exist_ok=True)
    (provider.root / RECORD).write_text(f"{provider.name}\n")
