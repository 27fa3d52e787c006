"""Which chains a cluster has nodes and Wallets of: remembered, so that a plain `up` takes none away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.cluster.helm import BACKENDS
from e2e.cluster.platform import NODE_IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.cluster.provider import Provider

__all__ = ["chains_of", "has_node", "want_chains"]

RECORD = "chains"


def chains_of(provider: Provider) -> tuple[str, ...]:
    """In the order of NODE_IMAGES; none where nobody asked for any."""
    try:
        recorded = (provider.root / RECORD).read_text().split()
    except OSError:
        return ()
    return tuple(chain for chain in NODE_IMAGES if chain in recorded)


def has_node(provider: Provider, chain: str) -> bool:
    """Whether the chain's node was installed and is ready."""
    if chain not in chains_of(provider):
        return False
    name, _ = NODE_IMAGES[chain]
    where = ("--namespace", BACKENDS.namespace, "--output", "jsonpath={.status.readyReplicas}")
    return provider.kubectl.run("get", "statefulset", name, *where, "--ignore-not-found").strip() == "1"


def want_chains(provider: Provider, chains: Iterable[str]) -> tuple[str, ...]:
    """Remember these, too; all that the cluster is to have."""
    wanted = {*chains_of(provider), *chains}
    ordered = tuple(chain for chain in NODE_IMAGES if chain in wanted)
    if ordered:
        provider.root.mkdir(parents=True, exist_ok=True)
        (provider.root / RECORD).write_text(" ".join(ordered))
    return ordered
