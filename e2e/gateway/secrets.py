"""What the gateway keeps secret, made for a test: a certificate, API keys, a key that signs sessions."""

from __future__ import annotations

import datetime
import ipaddress
import json
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from outcry_services.common.signing import Ed25519Signer, HmacKey, Signer

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Sessions", "TestKey", "swap_certificate", "write_api_keys"]


def swap_certificate(folder: Path) -> int:
    """Put a new self-signed certificate for 127.0.0.1 in place as Kubernetes does; gives its serial number.

    The files are links through `..data`, which is renamed over: a reader sees the old pair or the new one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    version = folder / f"..{certificate.serial_number}"
    version.mkdir(parents=True)
    (version / "tls.crt").write_bytes(certificate.public_bytes(pem))
    (version / "tls.key").write_bytes(private)
    (folder / "..new").symlink_to(version.name)
    (folder / "..new").rename(folder / "..data")
    for file in ("tls.crt", "tls.key"):
        if not (folder / file).is_symlink():
            (folder / file).symlink_to(f"..data/{file}")
    return certificate.serial_number


class TestKey:
    """One API key, both its halves."""

    __test__ = False

    def __init__(
        self,
        name: str,
        *,
        user: int,
        permissions: str = "read,trade",
        algorithm: str = "ed25519",
        addresses: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.signer: Signer
        self.entry: dict[str, Any] = {
            "key": name,
            "userId": str(user),
            "algorithm": algorithm,
            "permissions": permissions.split(",") if permissions else [],
            "addresses": list(addresses),
        }
        if algorithm == "ed25519":
            private = Ed25519PrivateKey.generate()
            self.signer = Ed25519Signer(private)
            self.public = private.public_key().public_bytes_raw()
            self.entry["publicKey"] = b64encode(self.public).decode()
        else:
            secret = secrets.token_bytes(32)
            self.signer = HmacKey(secret)
            self.entry["secret"] = b64encode(secret).decode()


def write_api_keys(path: Path, *keys: TestKey) -> None:
    """Put a file of API keys in place in one step."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"version": 1, "keys": [key.entry for key in keys]}))
    new.replace(path)


class Sessions:
    """Whoever issues sessions: a key, its public half as JWKS, and tokens."""

    def __init__(self, private: Ed25519PrivateKey | None = None, *, name: str = "1") -> None:
        self.private = private or Ed25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes_raw()
        self.name = name

    def jwks(self) -> str:
        """What the gateway checks tokens with."""
        x = urlsafe_b64encode(self.public).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.name, "x": x}
        return json.dumps({"keys": [key]})

    def claims(self, user: int, permissions: str = "read,trade", **changed: Any) -> dict[str, Any]:  # noqa: ANN401
        """Of a right token, some of them changed; None leaves one out."""
        now = int(time.time())
        right = {
            "iss": "outcry",
            "aud": "outcry",
            "sub": str(user),
            "permissions": permissions,
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in (right | changed).items() if value is not None}

    def token(self, user: int, permissions: str = "read,trade", **changed: Any) -> str:  # noqa: ANN401
        """Signed as it should be."""
        claims = self.claims(user, permissions, **changed)
        return jwt.encode(claims, self.private, algorithm="EdDSA", headers={"kid": self.name})
