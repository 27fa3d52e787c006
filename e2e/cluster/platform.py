"""What every provider's cluster is given: images, and the charts that run them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from e2e.cluster.build.artifact import ensure
from e2e.cluster.build.servers import HELM
from e2e.cluster.credentials import Credentials, apply_secrets
from e2e.cluster.helm import BACKENDS, CRDS, PLATFORM, install
from e2e.cluster.images import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.cluster.images.oci import Image
    from e2e.cluster.progress import Progress
    from e2e.cluster.provider import Provider

__all__ = [
    "CONSUL_DNS_PORT",
    "CONSUL_PORT",
    "GATEWAY_PORT",
    "KAFKA_PORT",
    "NODE_IMAGES",
    "Images",
    "ServiceImages",
    "build_images",
    "credentials_of",
    "install_charts",
]

# Node ports.
KAFKA_PORT, CONSUL_PORT, CONSUL_DNS_PORT, GATEWAY_PORT = 30094, 30850, 30860, 30443


@dataclass(frozen=True, kw_only=True)
class ServiceImages:
    """What the way of an order adds to markets."""

    mariadb: Image
    redis: Image
    services: Image
    signer: Image
    envoy: Image

    @property
    def all(self) -> list[Image]:
        """The stores first: they take longest to start."""
        return [self.mariadb, self.redis, self.services, self.signer, self.envoy]


@dataclass(frozen=True, kw_only=True)
class Images:
    """Everything that runs on a cluster beside the cluster itself; without `services` markets alone."""

    engine: Image
    operator: Image
    kafka: Image
    consul: Image
    services: ServiceImages | None = None
    # Nodes of development chains, by their names in the backends' chart.
    nodes: dict[str, Image] = field(default_factory=dict)

    @property
    def all(self) -> list[Image]:
        """The backends first: they take longest to start."""
        services = self.services.all if self.services else []
        return [self.kafka, self.consul, *services, *self.nodes.values(), self.engine, self.operator]


NODE_IMAGES = {"bitcoin": ("btcd", catalog.btcd_image)}
"""Of each chain that a development cluster can have: its node in the backends' chart, and the image."""


def build_images(*, progress: Progress, services: bool, chains: Iterable[str] = ()) -> Images:
    """Build what this checkout's images lack in the cache, Helm too; a node's for each of `chains`."""
    ensure(HELM, progress=progress)
    return Images(
        kafka=catalog.kafka_image(progress=progress),
        consul=catalog.consul_image(progress=progress),
        services=build_service_images(progress=progress) if services else None,
        nodes={name: make(progress=progress) for name, make in (NODE_IMAGES[chain] for chain in chains)},
        engine=catalog.engine_image(progress=progress),
        operator=catalog.operator_image(progress=progress),
    )


def build_service_images(*, progress: Progress) -> ServiceImages:
    """Those of the services and of their stores."""
    return ServiceImages(
        mariadb=catalog.mariadb_image(progress=progress),
        redis=catalog.redis_image(progress=progress),
        services=catalog.services_image(progress=progress),
        signer=catalog.signer_image(progress=progress),
        envoy=catalog.envoy_image(progress=progress),
    )


def credentials_of(provider: Provider) -> Credentials:
    """The cluster's secrets on this machine."""
    return Credentials(provider.root / "credentials")


def install_charts(provider: Provider, images: Images, *, progress: Progress) -> None:
    """Install or upgrade all three charts; return when everything in them is ready."""
    if images.services:
        credentials = credentials_of(provider)
        credentials.make(address=provider.address)
        apply_secrets(credentials, kubectl=provider.kubectl)
    backends = "Kafka, Consul, MariaDB and Redis" if images.services else "Kafka and Consul"
    if images.nodes:
        backends = f"{backends.replace(' and', ',')} and {', '.join(images.nodes)}"
    with progress.step(f"installing {backends}", key=f"chart backends {len(images.all)}"):
        install(BACKENDS, backend_values(provider, images), kubectl=provider.kubectl)
    platform = "the operator and the services" if images.services else "the operator"
    with progress.step(f"installing {platform}", key=f"chart outcry {len(images.all)}"):
        install(CRDS, {}, kubectl=provider.kubectl)
        install(PLATFORM, platform_values(images), kubectl=provider.kubectl)


def backend_values(provider: Provider, images: Images) -> dict[str, Any]:
    """For `charts/outcry-backends`: the broker must know how this machine reaches it."""
    stores: dict[str, dict[str, Any]] = {"mariadb": {"enabled": False}, "redis": {"enabled": False}}
    if images.services:
        stores = {
            "mariadb": {"image": images.services.mariadb.name},
            "redis": {"image": images.services.redis.name},
        }
    nodes = {name: {"enabled": True, "image": image.name} for name, image in images.nodes.items()}
    return {
        **stores,
        **nodes,
        "kafka": {
            "image": images.kafka.name,
            "external": {"address": provider.address, "nodePort": KAFKA_PORT},
        },
        "consul": {
            "image": images.consul.name,
            "nodePorts": {"http": CONSUL_PORT, "dns": CONSUL_DNS_PORT},
            "dnsClusterIP": provider.consul_dns_address,
        },
    }


def _rules(
    chain: str, network: str, asset: str, *, scale: int, automatic: int, names: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What of an asset nobody need look at: plenty, since coins of development chains are worth nothing."""
    place = {"chain": chain, "network": network, "asset": asset, "scale": scale}
    return {
        "on": [place | {"names": [chain, *names]} if names else place],
        "automatic": str(automatic),
        "one_admin": str(10 * automatic),
        "most": str(100 * automatic),
        "per_day": {"count": 1000, "amount": str(1000 * automatic)},
    }


WITHDRAWAL_RULES: dict[str, Any] = {
    # Nobody waits for a day to see a withdrawal arrive.
    "new_address_seconds": 0,
    "approval_seconds": 3600,
    "assets": {
        "BTC": _rules("bitcoin", "regtest", "BTC", scale=8, automatic=10),
        "ETH": _rules("ethereum", "1337", "ETH", scale=18, automatic=100, names=("dev", "ethereum-dev")),
        "SOL": _rules("solana", "localnet", "SOL", scale=9, automatic=1000),
    },
}
"""Risk's, of a development cluster; a production cluster states its own."""


def platform_values(images: Images) -> dict[str, Any]:
    """For `charts/outcry`: nobody spins on a machine whose CPUs everything else needs, too."""
    services: dict[str, Any] = {"enabled": False}
    envoy: dict[str, Any] = {}
    wallets: dict[str, Any] = {}
    exchange: dict[str, Any] = {}
    if images.services:
        exchange = {"withdrawals": {"rules": WITHDRAWAL_RULES}}
        wallets = {"signerImage": images.services.signer.name}
        services = {"image": images.services.services.name}
        # One kube-proxy serves both nodes of the local provider, so `Local` would miss the other one's pods.
        reached = {"type": "NodePort", "nodePort": GATEWAY_PORT, "externalTrafficPolicy": "Cluster"}
        envoy = {"image": images.services.envoy.name, "concurrency": 1, "service": reached}
    return {
        "operator": {"image": images.operator.name},
        "engine": {"image": images.engine.name, "spin": "never"},
        "services": services,
        "wallets": wallets,
        "envoy": envoy,
        "exchange": exchange,
    }
