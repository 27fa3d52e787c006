"""The ceremonies' record: nothing in it is believed that three pinned identities didn't sign."""

from __future__ import annotations

import json

import pytest
from outcry.v1 import signer_pb2
from outcry_operator.wallet.record import RecordError, key_of

from .making import KEY, Identities


@pytest.fixture(scope="module")
def signers():
    return Identities()


def test_three_confirmations_prove_a_key(signers):
    key = key_of([signers.line()], signers.pinned, scheme="taproot")
    assert (key.scheme, key.epoch, key.public_key) == ("taproot", 1, KEY)


def test_the_last_ceremony_counts_and_a_repair_is_none(signers):
    lines = [signers.line(), signers.line(name="repair"), signers.line(name="refresh", epoch=2)]
    assert key_of(lines, signers.pinned, scheme="taproot").epoch == 2
    assert key_of(lines[:2], signers.pinned, scheme="taproot").epoch == 1
    with pytest.raises(RecordError, match="no key generation"):
        key_of([lines[1]], signers.pinned, scheme="taproot")


def altered(line, signer, **changes):
    """The line with one confirmation changed after it was signed."""
    fields = json.loads(line)
    said = signer_pb2.Confirmation.FromString(bytes.fromhex(fields["confirmations"][signer - 1]))
    for name, value in changes.items():
        setattr(said, name, value)
    fields["confirmations"][signer - 1] = said.SerializeToString().hex()
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"epoch": 9}, "another key"),
        ({"public_key": bytes(32)}, "another key"),
        ({"chain_code": b"1" * 32}, "another key"),
        ({"signature": bytes(64)}, "isn't signed by its pinned identity"),
        ({"index": 1}, "not of all three"),
    ],
    ids=str,
)
def test_what_was_altered_is_not_believed(signers, changes, why):
    with pytest.raises(RecordError, match=why):
        key_of([altered(signers.line(), 2, **changes)], signers.pinned, scheme="taproot")


def test_three_who_agree_on_a_forged_key_without_signing_it_prove_nothing(signers):
    line = signers.line()
    for index in (1, 2, 3):
        line = altered(line, index, public_key=b"x" * 32)
    with pytest.raises(RecordError, match="isn't signed"):
        key_of([line], signers.pinned, scheme="taproot")


def test_strangers_prove_nothing(signers):
    strangers = Identities()
    with pytest.raises(RecordError, match="signer-1 isn't signed by its pinned identity"):
        key_of([strangers.line()], signers.pinned, scheme="taproot")
    with pytest.raises(RecordError, match="isn't signed"):
        key_of([signers.line()], {1: signers.public(1), 2: signers.public(2)}, scheme="taproot")


def test_a_key_of_another_scheme_is_not_this_wallets(signers):
    with pytest.raises(RecordError, match="it is of scheme ed25519"):
        key_of([signers.line(scheme="ed25519")], signers.pinned, scheme="taproot")


@pytest.mark.parametrize(
    "line", ["{}", "nonsense", '{"confirmations": ["zz"]}', '{"confirmations": 1}', "[]", '"x"']
)
def test_what_is_no_record_is_said_to_be_none(signers, line):
    with pytest.raises(RecordError, match="no ceremony"):
        key_of([line], signers.pinned, scheme="taproot")
