"""The file of API keys is taken whole or not at all, and followed as it changes."""

from __future__ import annotations

import json
from base64 import b64encode
from ipaddress import ip_network

import pytest
from outcry_services.common.errors import ConfigError
from outcry_services.common.identity import Permission
from outcry_services.gateway.key_store import KeyStore
from outcry_services.gateway.keys import parse_keys

from e2e.gateway.secrets import TestKey, write_api_keys

SECRET = b64encode(b"s" * 32).decode()
RIGHT = {"key": "k", "userId": "7", "algorithm": "hmac-sha256", "secret": SECRET, "permissions": ["read"]}


def text(*entries, **changed):
    return json.dumps({"version": 1, "keys": list(entries)} | changed)


def test_a_key_is_what_the_file_says():
    keys = parse_keys(text(RIGHT | {"addresses": ["203.0.113.0/24", "2001:db8::1"]}), where="f")
    assert keys["k"].identity.user_id == 7
    assert keys["k"].identity.permissions == {Permission.READ}
    assert keys["k"].addresses == (ip_network("203.0.113.0/24"), ip_network("2001:db8::1/128"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "file: Invalid JSON"),
        ("[]", "file: "),
        (text(version=2), "version"),
        (text(RIGHT, RIGHT), "names a key twice"),
        (text(RIGHT | {"key": "a b"}), "key"),
        (text(RIGHT | {"key": "k\n"}), "key"),
        (text(RIGHT | {"key": ""}), "key"),
        (text(RIGHT | {"userId": "0"}), "userId"),
        (text(RIGHT | {"userId": "x"}), "userId"),
        (text(RIGHT | {"permissions": ["root"]}), "permissions"),
        (text(RIGHT | {"addresses": ["10.0.0.1/8"]}), "addresses"),
        (text(RIGHT | {"addresses": ["home"]}), "addresses"),
        (text(RIGHT | {"adresses": ["10.0.0.0/8"]}), "adresses"),
        (text(RIGHT | {"algorithm": "none"}), "keys.0"),
        (text(RIGHT | {"algorithm": "ed25519"}), "publicKey"),
        (text(RIGHT | {"secret": b64encode(b"s" * 31).decode()}), "31 bytes is too short"),
        (text(RIGHT | {"secret": "!"}), "not base64"),
        (text({**RIGHT, "algorithm": "ed25519", "secret": None, "publicKey": SECRET[:8]}), "publicKey"),
    ],
)
def test_a_file_with_a_fault_is_refused_whole_and_shows_no_secret(content, said):
    with pytest.raises(ConfigError) as raised:
        parse_keys(content, where="f")
    assert said in raised.value.message
    assert SECRET not in raised.value.message
    assert raised.value.__cause__ is None


def test_a_change_is_taken_up_and_a_slip_changes_nothing(tmp_path):
    file = tmp_path / "keys.json"
    one, two = TestKey("one", user=1), TestKey("two", user=2)
    write_api_keys(file, one)
    store = KeyStore(file)
    assert (store.get("one") is not None, store.get("two"), store.problem) == (True, None, None)
    write_api_keys(file, two)
    store.refresh()
    assert (store.get("one"), store.get("two") is not None, len(store)) == (None, True, 1)
    for slip in ("{", None):
        if slip is None:
            file.unlink()
        else:
            file.write_text(slip)
        store.refresh()
        assert store.get("two") is not None
        assert store.problem
    write_api_keys(file, two)
    store.refresh()
    assert store.problem is None


def test_without_a_right_file_nothing_begins(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        KeyStore(tmp_path / "keys.json")
