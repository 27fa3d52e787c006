"""A cluster's secrets are made once, for their owner's eyes alone; the gateway gets public keys."""

from __future__ import annotations

import json
import re
from base64 import b64decode, urlsafe_b64decode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from e2e.cluster.credentials import USERS, Credentials, load_key


@pytest.fixture
def credentials(tmp_path):
    made = Credentials(tmp_path / "credentials")
    made.make(address="10.213.0.2")
    return made


def contents(credentials):
    return {path.name: path.read_bytes() for path in credentials.folder.iterdir()}


def secrets_of(credentials):
    return {
        (each["metadata"]["namespace"], each["metadata"]["name"]): each["stringData"]
        for each in credentials.manifests()
        if each["kind"] == "Secret"
    }


def test_what_is_there_stays(credentials):
    before = contents(credentials)
    credentials.make(address="10.213.0.2")
    assert contents(credentials) == before


def test_another_address_has_another_certificate_and_the_same_keys(credentials):
    before = contents(credentials)
    credentials.make(address="exchange.example")
    after = contents(credentials)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"address", "ca.crt", "gateway.crt", "gateway.key"}


def test_nobody_else_can_read_them(credentials):
    assert credentials.folder.stat().st_mode & 0o077 == 0
    private = [path for path in credentials.folder.iterdir() if path.suffix in {".pem", ".key", ".password"}]
    assert len(private) == 8 + len(USERS) + 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)


def test_the_certificate_is_for_the_address_and_the_authority_signed_it(credentials):
    certificate = x509.load_pem_x509_certificate((credentials.folder / "gateway.crt").read_bytes())
    authority = x509.load_pem_x509_certificate(credentials.authority.read_bytes())
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "10.213.0.2" in map(str, names.get_values_for_type(x509.IPAddress))
    assert "envoy.outcry-system" in names.get_values_for_type(x509.DNSName)


def test_the_gateway_gets_public_keys_alone(credentials):
    text = credentials.api_keys()
    assert "PRIVATE" not in text
    keys = {key["key"]: key for key in json.loads(text)["keys"]}
    assert keys.keys() == {"admin", "alice", "bob"}
    assert "admin" not in keys["alice"]["permissions"]
    private = load_key(credentials.key("alice"))
    public = Ed25519PublicKey.from_public_bytes(b64decode(keys["alice"]["publicKey"]))
    public.verify(private.sign(b"an order"), b"an order")


def test_sessions_are_checked_with_the_public_key(credentials):
    (key,) = json.loads(credentials.jwks())["keys"]
    assert "d" not in key
    private = load_key(credentials.folder / "sessions.pem")
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "="))
    public.verify(private.sign(b"a session"), b"a session")


def test_a_store_and_its_clients_have_one_password(credentials):
    found = secrets_of(credentials)
    assert found["outcry-backends", "mariadb"] == found["outcry-system", "mysql"]
    assert found["outcry-backends", "redis"] == found["outcry-system", "redis"]
    passwords = [*found["outcry-system", "mysql"].values(), *found["outcry-system", "redis"].values()]
    assert len(set(passwords)) == 7
    # What the stores' start scripts take without quoting.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", password) for password in passwords)


def test_the_half_of_the_approval_key_that_signers_check_by_is_no_secret(credentials):
    pem = secrets_of(credentials)["outcry-system", "approval-key"]["approval.pem"]
    private = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    (public,) = [each for each in credentials.manifests() if each["kind"] == "ConfigMap"]
    assert public["metadata"]["name"] == "approval-keys"
    assert public["data"] == {"risk-1": private.public_key().public_bytes_raw().hex()}


def test_the_bitcoin_node_and_its_wallet_have_one_login_and_the_wallet_trusts_its_certificate(credentials):
    secrets = secrets_of(credentials)
    node, wallet = secrets["outcry-backends", "btcd"], secrets["outcry-system", "bitcoin-nodes"]
    user, _, password = wallet["btcd"].partition(":")
    assert f"rpcuser={user}\nrpcpass={password}\n" in node["btcd.conf"]
    certificate = x509.load_pem_x509_certificate(node["tls.crt"].encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(wallet["authority"].encode()))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "btcd.outcry-backends" in names.get_values_for_type(x509.DNSName)
    assert "PRIVATE" not in json.dumps(wallet)
