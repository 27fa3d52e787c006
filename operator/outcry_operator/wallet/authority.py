"""The certificate authority of one quorum, and what it signs. Pure, but for randomness.

One authority for each wallet: a certificate of another quorum opens nothing here. An authority that comes of
age is signed anew by its own key, so that what it signed before stays good and nothing has to change at once.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROLES = ("signer-1", "signer-2", "signer-3", "wallet", "ceremony")
"""Names in certificates: what signers check (docs/services/signer.md)."""

AUTHORITY_LIFE, AUTHORITY_LEFT = datetime.timedelta(days=3650), datetime.timedelta(days=365)
LIFE, LEFT = datetime.timedelta(days=90), datetime.timedelta(days=30)
"""How long each lives, and with how much left it is renewed."""

# Clocks of nodes may differ by so much.
SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate that signs others, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """Tells this certificate of the authority from an older one."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()[:16]


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate for one role, and its key, as PEM."""

    certificate: bytes
    key: bytes
    serial: str
    until: datetime.datetime


def new_authority(name: str, *, now: datetime.datetime) -> Authority:
    """An authority that never was before."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(certificate=_self_signed(name, key, now=now), key=key)


def renewed(authority: Authority, *, now: datetime.datetime) -> Authority:
    """The same, or its own key's new certificate where the old one comes to its end."""
    if authority.certificate.not_valid_after_utc - now > AUTHORITY_LEFT:
        return authority
    (name,) = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Authority(certificate=_self_signed(str(name.value), authority.key, now=now), key=authority.key)


def read_authority(certificate: bytes, key: bytes) -> Authority:
    """From PEM; raises ValueError where it is none of ours."""
    private = serialization.load_pem_private_key(key, password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is on no elliptic curve")
    loaded = x509.load_pem_x509_certificate(certificate)
    if loaded.public_key() != private.public_key():
        raise ValueError("the authority's certificate is of another key")
    return Authority(certificate=loaded, key=private)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """PKCS#8, unencrypted: it goes into a Secret."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def issue(authority: Authority, role: str, *, now: datetime.datetime) -> Issued:
    """A certificate that names the role and nothing else: signers serve, the others call."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if role.startswith("signer-") else ExtendedKeyUsageOID.CLIENT_AUTH
    until = now + LIFE
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(role))
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(role)]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=private_pem(key),
        serial=f"{certificate.serial_number:x}",
        until=until,
    )


def _self_signed(name: str, key: ec.EllipticCurvePrivateKey, *, now: datetime.datetime) -> x509.Certificate:
    subject = _name(name)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
