"""A cluster's own secrets: made once, kept beside its kubeconfig, given to it as Kubernetes Secrets.

None of them is in the checkout or on a command line. `down` deletes them with the cluster.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from e2e.cluster.errors import ClusterError
from e2e.cluster.helm import BACKENDS, PLATFORM
from e2e.cluster.local.certificates import Request, make_authority, sign, write_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.cluster.kubectl import Kubectl

__all__ = ["USERS", "Credentials", "User", "apply_secrets", "load_key"]

MYSQL_USERS = ("order", "position", "settlement", "reconciler", "risk", "wallet")
BTCD_USER = "outcry"
BTCD_NAMES = (
    "btcd",
    f"btcd.{BACKENDS.namespace}",
    f"btcd.{BACKENDS.namespace}.svc",
    "localhost",
    "127.0.0.1",
)
GATEWAY_NAMES = (
    "envoy",
    f"envoy.{PLATFORM.namespace}",
    f"envoy.{PLATFORM.namespace}.svc",
    "localhost",
    "127.0.0.1",
)


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody with an API key of that name."""

    name: str
    user_id: int
    permissions: tuple[str, ...]


USERS = (
    User(name="admin", user_id=1, permissions=("admin", "read")),
    User(name="alice", user_id=1001, permissions=("read", "trade", "withdraw")),
    User(name="bob", user_id=1002, permissions=("read", "trade", "withdraw")),
)


class Credentials:
    """The folder of one cluster's secrets; `make` fills in what isn't there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def authority(self) -> Path:
        """The certificate that clients of the gateway trust."""
        return self.folder / "ca.crt"

    @property
    def node_authority(self) -> Path:
        """The certificate that clients of chain nodes trust."""
        return self.folder / "nodes-ca.crt"

    def key(self, user: str) -> Path:
        """A user's private key, Ed25519 in PEM."""
        return self.folder / f"{user}.pem"

    def make(self, *, address: str) -> None:
        """Passwords, users' keys, and a certificate for the gateway at `address`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for name in (*MYSQL_USERS, "redis", "btcd"):
            make_once(self.folder / f"{name}.password", lambda: secrets.token_urlsafe(24).encode())
        for user in USERS:
            make_once(self.key(user.name), lambda: private_pem(Ed25519PrivateKey.generate()))
        make_once(self.folder / "sessions.pem", lambda: private_pem(Ed25519PrivateKey.generate()))
        make_once(self.folder / "approval.pem", lambda: private_pem(Ed25519PrivateKey.generate()))
        self.make_certificate(address)
        self.make_node_certificate()

    def make_node_certificate(self) -> None:
        """An authority and what it signs, for the Bitcoin node: it serves nobody without TLS."""
        if (self.folder / "btcd.crt").exists():
            return
        authority, key = make_authority("outcry-local-nodes"), ec.generate_private_key(ec.SECP256R1())
        certificate = sign(authority, Request(file="btcd", user="btcd", names=BTCD_NAMES), key)
        self.node_authority.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
        write_key(self.folder / "btcd.key", key)
        # The last: what is not whole is made anew.
        (self.folder / "btcd.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def make_certificate(self, address: str) -> None:
        """An authority and what it signs, anew when the address is another one."""
        marker = self.folder / "address"
        if marker.exists() and marker.read_text() == address:
            return
        authority, key = make_authority("outcry-local-gateway"), ec.generate_private_key(ec.SECP256R1())
        request = Request(file="gateway", user="gateway", names=(address, *GATEWAY_NAMES))
        certificate = sign(authority, request, key)
        self.authority.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
        write_key(self.folder / "gateway.key", key)
        (self.folder / "gateway.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        marker.write_text(address)

    def read(self, name: str) -> str:
        """A file's text."""
        return (self.folder / name).read_text()

    def public_key(self, user: str) -> bytes:
        """The 32 bytes by which a user's signatures are checked."""
        return public_bytes(self.key(user))

    def api_keys(self) -> str:
        """The gateway's file of API keys: public keys alone."""
        keys = [
            {
                "key": user.name,
                "userId": str(user.user_id),
                "algorithm": "ed25519",
                "publicKey": b64encode(self.public_key(user.name)).decode(),
                "permissions": list(user.permissions),
            }
            for user in USERS
        ]
        return json.dumps({"version": 1, "keys": keys}, indent=1)

    def jwks(self) -> str:
        """The public key of sessions (RFC 7517, RFC 8037)."""
        public = urlsafe_b64encode(public_bytes(self.folder / "sessions.pem")).decode().rstrip("=")
        key = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "sessions-1", "x": public}
        return json.dumps({"keys": [key]}, indent=1)

    def manifests(self) -> list[dict[str, Any]]:
        """Both namespaces and every Secret in them."""
        mysql = {user: self.read(f"{user}.password") for user in MYSQL_USERS}
        redis = {"password": self.read("redis.password")}
        approval = {"approval.pem": self.read("approval.pem")}
        approval_public = {"risk-1": public_bytes(self.folder / "approval.pem").hex()}
        certificate = {"tls.crt": self.read("gateway.crt"), "tls.key": self.read("gateway.key")}
        btcd = {
            "btcd.conf": btcd_conf(self.read("btcd.password")),
            "tls.crt": self.read("btcd.crt"),
            "tls.key": self.read("btcd.key"),
        }
        bitcoin_nodes = {"btcd": self.btcd_login(), "authority": self.node_authority.read_text()}
        return [
            namespace(BACKENDS.namespace),
            namespace(PLATFORM.namespace),
            secret("mariadb", BACKENDS.namespace, mysql),
            secret("redis", BACKENDS.namespace, redis),
            secret("mysql", PLATFORM.namespace, mysql),
            secret("redis", PLATFORM.namespace, redis),
            secret("approval-key", PLATFORM.namespace, approval),
            config_map("approval-keys", PLATFORM.namespace, approval_public),
            secret("api-keys", PLATFORM.namespace, {"api-keys.json": self.api_keys()}),
            secret("sessions", PLATFORM.namespace, {"jwks.json": self.jwks()}),
            secret("gateway-tls", PLATFORM.namespace, certificate, kind="kubernetes.io/tls"),
            secret("btcd", BACKENDS.namespace, btcd),
            secret("bitcoin-nodes", PLATFORM.namespace, bitcoin_nodes),
        ]

    def btcd_login(self) -> str:
        """`user:password` of the Bitcoin node's JSON-RPC."""
        return f"{BTCD_USER}:{self.read('btcd.password')}"


def apply_secrets(credentials: Credentials, *, kubectl: Kubectl) -> None:
    """Give them to the cluster, by standard input: arguments can be read by everybody."""
    items = {"apiVersion": "v1", "kind": "List", "items": credentials.manifests()}
    kubectl.apply(json.dumps(items))


def btcd_conf(password: str) -> str:
    """Btcd's own file, for what must not stand on its command line."""
    return f"[Application Options]\nrpcuser={BTCD_USER}\nrpcpass={password}\n"


def namespace(name: str) -> dict[str, Any]:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def secret(name: str, where: str, values: dict[str, str], *, kind: str = "Opaque") -> dict[str, Any]:
    """A Secret with these values."""
    meta = {"name": name, "namespace": where, "labels": {"app.kubernetes.io/part-of": "outcry"}}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta, "stringData": values}


def config_map(name: str, where: str, values: dict[str, str]) -> dict[str, Any]:
    """A ConfigMap with these values: for what is no secret."""
    meta = {"name": name, "namespace": where, "labels": {"app.kubernetes.io/part-of": "outcry"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": values}


def make_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write a file that only its owner can read, whole or not at all, unless it is there."""
    if path.exists():
        return
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_bytes(content())
    new.rename(path)


def private_pem(key: Ed25519PrivateKey) -> bytes:
    """What `openssl pkeyutl -sign` takes."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_bytes(pem: Path) -> bytes:
    """The raw public key behind a private one."""
    return load_key(pem).public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def load_key(pem: Path) -> Ed25519PrivateKey:
    """A private key from its PEM file; raises ClusterError when it is of another kind."""
    key = serialization.load_pem_private_key(pem.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ClusterError(f"{pem} is no Ed25519 key")
    return key
