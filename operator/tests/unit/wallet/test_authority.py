"""Certificates: for one role each, of one quorum alone, renewed in time."""

from __future__ import annotations

import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from outcry_operator.wallet.authority import (
    LIFE,
    ROLES,
    issue,
    new_authority,
    private_pem,
    read_authority,
    renewed,
)

NOW = datetime.datetime(2026, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def authority():
    return new_authority("outcry wallet here/bitcoin", now=NOW)


def verify(authority, issued, name, *, at=NOW):
    """As a client of that server does it."""
    store = verification.Store([authority.certificate])
    builder = verification.PolicyBuilder().store(store).time(at)
    leaf = x509.load_pem_x509_certificate(issued.certificate)
    return builder.build_server_verifier(x509.DNSName(name)).verify(leaf, [])


def test_a_signers_certificate_serves_under_its_own_name_alone(authority):
    issued = issue(authority, "signer-1", now=NOW)
    assert verify(authority, issued, "signer-1")
    for other in ("signer-2", "wallet", "ceremony"):
        with pytest.raises(verification.VerificationError):
            verify(authority, issued, other)


def test_another_quorums_certificate_is_no_good(authority):
    other = new_authority("outcry wallet here/bitcoin", now=NOW)
    with pytest.raises(verification.VerificationError):
        verify(authority, issue(other, "signer-1", now=NOW), "signer-1")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_the_only_name_and_the_only_use(authority, role):
    issued = issue(authority, role, now=NOW)
    leaf = x509.load_pem_x509_certificate(issued.certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [role]
    uses = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    serves = role.startswith("signer-")
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH if serves else ExtendedKeyUsageOID.CLIENT_AUTH]
    assert issued.until - NOW == LIFE
    assert f"{leaf.serial_number:x}" == issued.serial
    key = serialization.load_pem_private_key(issued.key, password=None)
    assert key.public_key() == leaf.public_key()


def test_what_python_and_openssl_load_is_what_was_made(authority, tmp_path):
    issued = issue(authority, "wallet", now=NOW)
    (tmp_path / "tls.crt").write_bytes(issued.certificate)
    (tmp_path / "tls.key").write_bytes(issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    context.load_verify_locations(cadata=authority.pem.decode())
    assert context.cert_store_stats()["x509_ca"] == 1


def test_an_authority_is_kept_until_it_ages(authority):
    assert renewed(authority, now=NOW + datetime.timedelta(days=3000)) is authority
    later = NOW + datetime.timedelta(days=3400)
    fresh = renewed(authority, now=later)
    assert fresh.fingerprint != authority.fingerprint
    assert fresh.key is authority.key


def test_what_an_authority_signed_before_it_was_renewed_stays_good(authority):
    later = NOW + datetime.timedelta(days=3400)
    before = issue(authority, "signer-3", now=later)
    fresh = renewed(authority, now=later)
    assert verify(fresh, before, "signer-3", at=later)
    assert verify(authority, issue(fresh, "signer-3", now=later), "signer-3", at=later)


def test_an_authority_is_read_back_and_a_strange_one_refused(authority):
    again = read_authority(authority.pem, private_pem(authority.key))
    assert again.fingerprint == authority.fingerprint
    other = new_authority("x", now=NOW)
    with pytest.raises(ValueError, match="of another key"):
        read_authority(authority.pem, private_pem(other.key))
    with pytest.raises(ValueError, match=r".+"):
        read_authority(b"", b"")
