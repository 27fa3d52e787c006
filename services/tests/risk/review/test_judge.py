"""The rules of withdrawals, each by itself and all together."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcry_services.common.errors import ConfigError
from outcry_services.risk.limits import UserMode
from outcry_services.risk.review.judge import Facts, Pass, Reject, Wait, judge, why_not_again
from outcry_services.risk.review.model import Listing
from outcry_services.risk.review.rules import OnChain, Tier, read_rules

from services.tests.risk.review import making
from services.tests.risk.review.making import BTC, asset_rules, question

NOON = 1_800_000_000 * 10**9
DELAY = 3600 * 10**9
LOOK_ALIKE = "bcrt1qw508zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzt080"


def facts(**changes):
    known = {
        "now": NOON,
        "mode": UserMode.ACTIVE,
        "listing": Listing.NONE,
        "others": 0,
        "others_amount": 0,
        "address_since": NOON - DELAY,
        "known_addresses": {},
        "approvers": (),
    }
    return Facts(**(known | changes))


def verdict(*, asked=None, rules=None, **changes):
    asked, rules = asked or question(), rules or asset_rules()
    tier = rules.tier(asked.ledger_amount, scale=asked.scale)
    return judge(asked, rules=rules, tier=tier, new_address_nanos=DELAY, facts=facts(**changes))


def reason(**changes):
    found = verdict(**changes)
    return "" if isinstance(found, Pass) else found.reason


def test_a_small_one_to_a_known_address_passes():
    assert verdict() == Pass()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"mode": UserMode.SUSPENDED}, "USER_SUSPENDED"),
        ({"listing": Listing.DENY}, "DENIED_ADDRESS"),
        ({"asked": question(ledger_amount=10 * BTC + 1)}, "AMOUNT_ABOVE_MOST"),
        ({"others": 10}, "VELOCITY"),
        ({"others_amount": 20 * BTC - BTC // 20 + 1}, "VELOCITY"),
        ({"known_addresses": {LOOK_ALIKE: NOON}}, "LOOK_ALIKE_ADDRESS"),
    ],
)
def test_what_can_not_change_is_rejected(changes, name):
    found = verdict(**changes)
    assert isinstance(found, Reject)
    assert (found.reason, bool(found.message)) == (name, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": UserMode.WITHDRAW_ONLY},
        {"asked": question(ledger_amount=10 * BTC), "approvers": ("user 1", "user 2")},
        {"others": 9},
        {"others_amount": 20 * BTC - BTC // 20},
        {"known_addresses": {LOOK_ALIKE: NOON}, "listing": Listing.ALLOW},
        {"address_since": NOON, "listing": Listing.ALLOW},
    ],
)
def test_at_the_border_it_passes(changes):
    assert verdict(**changes) == Pass()


def test_a_new_address_waits_until_its_time_and_no_longer():
    assert verdict(address_since=NOON) == Wait("NEW_ADDRESS", NOON + DELAY)
    assert verdict(address_since=NOON - DELAY + 1) == Wait("NEW_ADDRESS", NOON + 1)
    assert verdict(address_since=NOON - DELAY) == Pass()


def test_a_large_one_to_a_new_address_waits_for_people_as_well():
    asked = question(ledger_amount=BTC)
    assert verdict(asked=asked, address_since=NOON) == Wait("NEW_ADDRESS", 0)
    assert verdict(asked=asked, address_since=NOON, approvers=("user 1",)) == Wait(
        "NEW_ADDRESS", NOON + DELAY
    )


@pytest.mark.parametrize(
    ("amount", "tier"),
    [
        (1, Tier.AUTOMATIC),
        (BTC // 10, Tier.AUTOMATIC),
        (BTC // 10 + 1, Tier.ONE_ADMIN),
        (BTC, Tier.ONE_ADMIN),
        (BTC + 1, Tier.TWO_ADMINS),
    ],
)
def test_an_amount_takes_as_many_administrators_as_its_tier(amount, tier):
    asked = question(ledger_amount=amount)
    assert asset_rules().tier(amount, scale=8) is tier
    people = tuple(f"user {number}" for number in range(tier.needed))
    assert reason(asked=asked, approvers=people) == ""
    if people:
        assert reason(asked=asked, approvers=people[1:]) == "MANUAL_REVIEW"


def test_without_an_automatic_amount_everything_takes_a_person():
    rules = asset_rules(automatic="0")
    assert reason(rules=rules, asked=question(ledger_amount=1)) == "MANUAL_REVIEW"


@settings(deadline=None)
@given(
    amount=st.integers(1, 12 * BTC),
    others=st.integers(0, 12),
    others_amount=st.integers(0, 30 * BTC),
    mode=st.sampled_from(UserMode),
    listing=st.sampled_from(Listing),
    since=st.integers(NOON - 2 * DELAY, NOON),
    people=st.integers(0, 3),
    alike=st.booleans(),
)
def test_nothing_passes_that_any_rule_holds_back(
    amount, others, others_amount, mode, listing, since, people, alike
):
    asked, rules = question(ledger_amount=amount), asset_rules()
    tier = rules.tier(amount, scale=8)
    found = verdict(
        asked=asked,
        mode=mode,
        listing=listing,
        others=others,
        others_amount=others_amount,
        address_since=since,
        known_addresses={LOOK_ALIKE: NOON} if alike else {},
        approvers=[f"user {number}" for number in range(people)],
    )
    rejected = (
        mode is UserMode.SUSPENDED
        or listing is Listing.DENY
        or amount > 10 * BTC
        or others >= 10
        or others_amount + amount > 20 * BTC
        or (alike and listing is not Listing.ALLOW)
    )
    waits = people < tier.needed or (listing is not Listing.ALLOW and since + DELAY > NOON)
    assert isinstance(found, Reject) is rejected
    assert isinstance(found, Pass) is (not rejected and not waits)


def test_who_was_suspended_since_gets_no_second_signature():
    assert why_not_again(mode=UserMode.ACTIVE, listing=Listing.NONE) is None
    assert why_not_again(mode=UserMode.SUSPENDED, listing=Listing.ALLOW) == Wait("USER_SUSPENDED")
    assert why_not_again(mode=UserMode.ACTIVE, listing=Listing.DENY) == Wait("DENIED_ADDRESS")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "EOF"),
        ('{"asset": {}}', "asset"),
        ('{"assets": {"BTC": {"on": []}}}', "assets.BTC.one_admin"),
        ('{"new_address_seconds": -1}', "new_address_seconds"),
        (
            json.dumps({"assets": {"BTC": making.RULES["assets"]["BTC"] | {"one_admin": "1e9"}}}),
            "assets.BTC.one_admin",
        ),
    ],
)
def test_rules_that_make_no_sense_say_where(tmp_path, text, where):
    file = tmp_path / "rules.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=where):
        read_rules(file)
    with pytest.raises(ConfigError, match="can't be read"):
        read_rules(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("names", "meant", "other"),
    [
        ((), ("", "bitcoin", "regtest", "bitcoin-regtest"), ("mainnet", "ethereum")),
        (("liquid",), ("", "liquid"), ("bitcoin", "regtest")),
    ],
)
def test_a_user_means_a_network_by_its_names(names, meant, other):
    place = OnChain(chain="bitcoin", network="regtest", asset="BTC", scale=8, names=names)
    assert [place.is_meant_by(name) for name in (*meant, *other)] == [True] * len(meant) + [False] * len(
        other
    )
