"""What every provider's cluster is given: images, and the charts that run them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.cluster.build.artifact import ensure
from e2e.cluster.build.servers import HELM
from e2e.cluster.helm import BACKENDS, CRDS, PLATFORM, install
from e2e.cluster.images.catalog import backend_images, engine_image, operator_image

if TYPE_CHECKING:
    from e2e.cluster.images.oci import Image
    from e2e.cluster.progress import Progress
    from e2e.cluster.provider import Provider

__all__ = ["CONSUL_DNS_PORT", "CONSUL_PORT", "KAFKA_PORT", "Images", "build_images", "install_charts"]

# Node ports.
KAFKA_PORT, CONSUL_PORT, CONSUL_DNS_PORT = 30094, 30850, 30860


@dataclass(frozen=True, kw_only=True)
class Images:
    """Everything that runs on a cluster beside the cluster itself."""

    engine: Image
    operator: Image
    kafka: Image
    consul: Image

    @property
    def all(self) -> list[Image]:
        """The backends first: they take longest to start."""
        return [self.kafka, self.consul, self.engine, self.operator]


def build_images(*, progress: Progress) -> Images:
    """Build what this checkout's images lack in the cache, Helm too."""
    ensure(HELM, progress=progress)
    kafka, consul = backend_images(progress=progress)
    return Images(
        engine=engine_image(progress=progress),
        operator=operator_image(progress=progress),
        kafka=kafka,
        consul=consul,
    )


def install_charts(provider: Provider, images: Images, *, progress: Progress) -> None:
    """Install or upgrade all three charts; return when everything in them is ready."""
    with progress.step("installing Kafka and Consul", key="chart backends"):
        install(BACKENDS, backend_values(provider, images), kubectl=provider.kubectl)
    with progress.step("installing the operator", key="chart outcry"):
        install(CRDS, {}, kubectl=provider.kubectl)
        install(PLATFORM, platform_values(images), kubectl=provider.kubectl)


def backend_values(provider: Provider, images: Images) -> dict[str, Any]:
    """For `charts/outcry-backends`: the broker must know how this machine reaches it."""
    return {
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


def platform_values(images: Images) -> dict[str, Any]:
    """For `charts/outcry`: nobody spins on a machine whose CPUs everything else needs, too."""
    return {
        "operator": {"image": images.operator.name},
        "engine": {"image": images.engine.name, "spin": "never"},
    }
