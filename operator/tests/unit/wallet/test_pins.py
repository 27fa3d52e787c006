"""Pinned identities: taken once, changed for a replacement that a person asked for, never else."""

from __future__ import annotations

from outcry_operator.wallet.pins import Pins, plan
from outcry_operator.wallet.requests import parse

ALL = {1: "a", 2: "b", 3: "c"}
PINNED = Pins(identities=ALL)


def test_nothing_is_pinned_until_all_three_told():
    found = plan(Pins(), {1: "a", 3: "c"}, None, generated=False)
    assert not found.pins.complete
    assert found.problem.reason == "IdentitiesAwaited"
    assert found.problem.status == "Unknown"
    assert "signer-2 told no identity yet" in found.problem.message


def test_all_three_are_pinned_at_once():
    found = plan(Pins(), ALL, None, generated=False)
    assert found.pins == PINNED
    assert found.problem is None


def test_two_signers_on_one_disk_are_not_pinned():
    found = plan(Pins(), {1: "a", 2: "a", 3: "c"}, None, generated=False)
    assert not found.pins.complete
    assert found.problem.reason == "IdentityShared"


def test_a_signer_that_is_away_keeps_its_pin():
    found = plan(PINNED, {1: "a"}, None, generated=True)
    assert (found.pins, found.problem) == (PINNED, None)


def test_a_stranger_is_named_and_not_believed():
    found = plan(PINNED, {**ALL, 2: "x"}, None, generated=True)
    assert found.pins == PINNED
    assert found.problem.reason == "IdentityChanged"
    assert "signer-2 shows another identity" in found.problem.message
    assert "outcry.trade/ceremony=replace-2" in found.problem.message


def test_a_replacement_pins_the_new_identity_once():
    request = parse("replace-2")
    found = plan(PINNED, {**ALL, 2: "x"}, request, generated=True)
    assert found.pins == Pins(identities={**ALL, 2: "x"}, request="replace-2")
    assert found.problem is None
    again = plan(found.pins, {**ALL, 2: "y"}, request, generated=True)
    assert again.pins == found.pins, "one request is one replacement"
    assert again.problem.reason == "IdentityChanged"
    other = plan(found.pins, {**ALL, 2: "y"}, parse("replace-2@again"), generated=True)
    assert other.pins.identities[2] == "y"


def test_a_replacement_lets_no_other_stranger_in():
    found = plan(PINNED, {1: "x", 2: "y", 3: "c"}, parse("replace-2"), generated=True)
    assert found.pins.identities == {1: "a", 2: "y", 3: "c"}
    assert "signer-1 shows another identity" in found.problem.message


def test_other_requests_change_no_pin():
    for text in ("generate", "refresh", "replace-1", "replace-3@x"):
        assert plan(PINNED, {**ALL, 2: "x"}, parse(text), generated=True).pins == PINNED


def test_before_there_are_keys_nothing_is_replaced():
    found = plan(PINNED, {**ALL, 2: "x"}, parse("replace-2"), generated=False)
    assert found.pins == PINNED
    assert found.problem.reason == "IdentityChanged"


def test_requests_are_read_strictly():
    assert parse("replace-3@after-fire").lost == 3
    assert parse("refresh@2027-q1").verb == "refresh"
    for text in (
        "",
        "Generate",
        "replace",
        "replace-4",
        "replace-0",
        "refresh@",
        "refresh@a b",
        "generate;x",
    ):
        assert parse(text) is None
