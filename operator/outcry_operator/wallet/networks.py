"""Who may speak to whom: wallet service and ceremony to the signers, and the signers to nobody. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from outcry_operator.pair.objects import NAMESPACE_NAME
from outcry_operator.wallet.names import (
    CEREMONY,
    GRPC_PORT,
    METRICS_PORT,
    NAME_LABEL,
    SERVICE,
    SIGNER,
    SIGNER_PORT,
    Wallet,
)

if TYPE_CHECKING:
    from outcry_operator.settings import Settings

Object = dict[str, Any]

DNS = {"ports": [{"port": port, "protocol": protocol} for port in (53, 1053) for protocol in ("UDP", "TCP")]}


def policies(wallet: Wallet, settings: Settings) -> list[Object]:
    """One for each sort of pod; each denies what it doesn't name."""
    return [signers(wallet), ceremony(wallet), service(wallet, settings)]


def signers(wallet: Wallet) -> Object:
    """In: this wallet's service and ceremony. Out: nothing, not even a name server."""
    callers = [{"podSelector": {"matchLabels": wallet.selector(what)}} for what in (SERVICE, CEREMONY)]
    return _policy(
        wallet,
        f"{wallet.base}-signers",
        SIGNER,
        ingress=[{"from": callers, "ports": [_tcp(SIGNER_PORT)]}],
        egress=[],
    )


def ceremony(wallet: Wallet) -> Object:
    """In: nobody. Out: the signers."""
    return _policy(wallet, wallet.ceremony, CEREMONY, ingress=[], egress=[DNS, _to_signers(wallet)])


def service(wallet: Wallet, settings: Settings) -> Object:
    """In: metrics, order for deposits, settlement for reserves.

    Out: signers, order, risk; the ports of nodes, Kafka and stores, which stand anywhere, inside the cluster
    or not: their ports alone can be named.
    """
    system = {NAMESPACE_NAME: settings.namespace}
    order, risk, settlement = (
        {
            "namespaceSelector": {"matchLabels": system},
            "podSelector": {"matchLabels": {NAME_LABEL: name}},
        }
        for name in ("order", "risk", "settlement")
    )
    return _policy(
        wallet,
        wallet.base,
        SERVICE,
        ingress=[{"ports": [_tcp(METRICS_PORT)]}, {"from": [order, settlement], "ports": [_tcp(GRPC_PORT)]}],
        egress=[
            DNS,
            _to_signers(wallet),
            {"to": [order, risk], "ports": [_tcp(GRPC_PORT)]},
            {"ports": [_tcp(port) for port in outside_ports(wallet, settings)]},
        ],
    )


def outside_ports(wallet: Wallet, settings: Settings) -> list[int]:
    """Of nodes, Kafka, Consul and the database, each once."""
    urls = [node.url for node in wallet.spec.nodes]
    urls += [settings.consul, settings.wallet_database]
    urls += [f"kafka://{server.strip()}" for server in settings.kafka.split(",")]
    defaults = {"http": 80, "https": 443, "mysql": 3306, "kafka": 9092}
    split = [urlsplit(url) for url in urls]
    return sorted({part.port or defaults.get(part.scheme, 443) for part in split})


def _to_signers(wallet: Wallet) -> Object:
    return {
        "to": [{"podSelector": {"matchLabels": wallet.selector(SIGNER)}}],
        "ports": [_tcp(SIGNER_PORT)],
    }


def _policy(wallet: Wallet, name: str, what: str, *, ingress: list[Object], egress: list[Object]) -> Object:
    spec: Object = {
        "podSelector": {"matchLabels": wallet.selector(what)},
        "policyTypes": ["Ingress", "Egress"],
    }
    # The API server drops empty lists, and what is stated but not stored would be written again and again.
    spec |= {key: value for key, value in (("ingress", ingress), ("egress", egress)) if value}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": wallet.meta(name, what),
        "spec": spec,
    }


def _tcp(port: int) -> Object:
    return {"port": port, "protocol": "TCP"}
