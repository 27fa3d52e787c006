"""The certificates of one cluster: an authority of its own and what it signs.

Made once when the cluster is made and deleted with it; keys never leave the cluster's folder.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from e2e.cluster.local.layout import API_SERVICE_ADDRESS, NODES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Request", "make_authority", "sign", "write_all", "write_key"]

LIFETIME = datetime.timedelta(days=365)
API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One certificate to be signed: who it is for, in Kubernetes' words user and group."""

    file: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Authority:
    """The cluster's own certificate authority."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def write_all(folder: Path, *, inner_address: str) -> None:
    """Write every certificate and key into `folder`, unless all of it is there for this address.

    `inner_address` is where the machine reaches the API server.
    """
    marker = folder / "address"
    if marker.exists() and marker.read_text() == inner_address:
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    authority = make_authority("outcry-local-cluster")
    (folder / "ca.crt").write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    write_key(folder / "service-account.key", ec.generate_private_key(ec.SECP256R1()))
    for request in requests(inner_address=inner_address):
        key = ec.generate_private_key(ec.SECP256R1())
        signed = sign(authority, request, key)
        write_key(folder / f"{request.file}.key", key)
        (folder / f"{request.file}.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    marker.write_text(inner_address)


def requests(*, inner_address: str) -> list[Request]:
    """All certificates that a cluster needs."""
    api = (*API_NAMES, "127.0.0.1", API_SERVICE_ADDRESS, NODES[0].address, inner_address)
    kubelets = [
        Request(
            file=node.name,
            user=f"system:node:{node.name}",
            group="system:nodes",
            names=(node.name, node.address),
        )
        for node in NODES
    ]
    return [
        Request(file="apiserver", user="kube-apiserver", group="system:masters", names=api),
        Request(file="admin", user="admin", group="system:masters"),
        Request(file="controller-manager", user="system:kube-controller-manager"),
        Request(file="scheduler", user="system:kube-scheduler"),
        Request(file="proxy", user="system:kube-proxy"),
        *kubelets,
    ]


def make_authority(called: str) -> Authority:
    """A new self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        builder(subject=name, issuer=name, key=key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key=key, certificate=certificate)


def sign(authority: Authority, request: Request, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A certificate for clients and servers alike."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, request.user)]
    if request.group:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, request.group))
    unsigned = builder(subject=x509.Name(attributes), issuer=authority.certificate.subject, key=key)
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    unsigned = unsigned.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if request.names:
        alternatives = x509.SubjectAlternativeName([general_name(name) for name in request.names])
        unsigned = unsigned.add_extension(alternatives, critical=False)
    return unsigned.sign(authority.key, hashes.SHA256())


def builder(
    *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """What all certificates have in common. Valid from an hour ago, against clocks that differ."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def general_name(name: str) -> x509.GeneralName:
    """An address or a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """A private key that only its owner can read."""
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,  # what service account tokens are read from
            serialization.NoEncryption(),
        )
    )
