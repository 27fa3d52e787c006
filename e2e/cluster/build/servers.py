"""Every server that a cluster or a test needs, and building all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.backends.jars import KAFKA_VERSION, kafka_libs
from e2e.cluster.build.artifact import Artifact, ensure, file_lock
from e2e.cluster.build.go import install_artifact, module_artifact
from e2e.cluster.build.npm import npm_artifact
from e2e.cluster.paths import CHECKOUT, servers_root

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.cluster.progress import Progress

__all__ = [
    "ANVIL",
    "BTCD",
    "CONSUL",
    "COREDNS",
    "GETH",
    "HELM",
    "K6",
    "KIND",
    "KUBERNETES",
    "KWOK",
    "PAUSE",
    "build_all",
    "build_chains",
    "kafka_jars",
]

SOURCES = CHECKOUT / "e2e" / "cluster" / "servers"

KUBERNETES = module_artifact(
    name="kubernetes",
    version="1.34.4",
    source=SOURCES / "kubernetes",
    program="outcry-kube",
    ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4",
)
CONSUL = module_artifact(
    name="consul", version="1.22.0", source=SOURCES / "consul", program="consul", ldflags="-s -w"
)
PAUSE = module_artifact(name="pause", version="1", source=SOURCES / "pause", program="pause", ldflags="-s -w")
COREDNS = install_artifact(name="coredns", version="1.15.0", package="github.com/coredns/coredns")
HELM = install_artifact(name="helm", version="3.22.0", package="helm.sh/helm/v3/cmd/helm")
KWOK = install_artifact(name="kwok", version="0.8.0", package="sigs.k8s.io/kwok/cmd/kwok")
# What load tests send with; they build it themselves.
K6 = install_artifact(name="k6", version="1.8.1", package="go.k6.io/k6")
# The client only, for those who have Docker; nothing here waits for it.
KIND = install_artifact(name="kind", version="0.33.0", package="sigs.k8s.io/kind")

# Chain nodes.
BTCD = install_artifact(name="btcd", version="0.26.2", package="github.com/btcsuite/btcd")
GETH = install_artifact(name="geth", version="1.16.9", package="github.com/ethereum/go-ethereum/cmd/geth")
ANVIL = npm_artifact(name="anvil", version="1.7.1", source=SOURCES / "anvil", program="anvil")

# The longest first: everything else waits for Kubernetes anyway.
ALL: tuple[Artifact, ...] = (KUBERNETES, CONSUL, PAUSE, COREDNS, HELM, KWOK)

# The quickest first: what fails, fails soon. Only tests of wallets wait for these.
CHAINS: tuple[Artifact, ...] = (ANVIL, BTCD, GETH)


def kafka_jars(*, progress: Progress) -> Path:
    """The folder of Kafka's jars, fetched now if they aren't there."""
    with file_lock(servers_root() / f".kafka-{KAFKA_VERSION}.lock"):
        if any((servers_root() / f"kafka-{KAFKA_VERSION}" / "libs").glob("kafka_2.13-*.jar")):
            return kafka_libs()
        with progress.step(f"fetching Kafka {KAFKA_VERSION}'s jars", key="fetch kafka"):
            return kafka_libs()


def build_all(*, progress: Progress) -> None:
    """Build what isn't there. Jars first: they take seconds and the integration tests want them."""
    kafka_jars(progress=progress)
    for artifact in ALL:
        ensure(artifact, progress=progress)


def build_chains(*, progress: Progress) -> None:
    """Build the chain nodes that aren't there."""
    for artifact in CHAINS:
        ensure(artifact, progress=progress)
