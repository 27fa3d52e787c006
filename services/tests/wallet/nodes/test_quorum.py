"""A majority is of all nodes, there is at most one, and a minority moves nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.nodes.quorum import agree, granted, majority

NAMES = [f"node-{number}" for number in range(7)]
views = st.dictionaries(st.sampled_from(NAMES), st.sampled_from("abc"))


@given(st.integers(1, 1000))
def test_two_majorities_always_share_a_member(members):
    assert 2 * majority(members) > members
    assert 2 * (majority(members) - 1) <= members


@given(views)
def test_what_is_agreed_is_held_by_more_than_half_of_all(said):
    agreement = agree(said, members=len(NAMES))
    counts = {value: list(said.values()).count(value) for value in said.values()}
    expected = [value for value, count in counts.items() if count > len(NAMES) / 2]
    assert ([agreement.value] if agreement else []) == expected
    if agreement:
        assert agreement.holders == {name for name, value in said.items() if value == agreement.value}
        assert agreement.dissenters == said.keys() - agreement.holders


@given(views, st.lists(st.sampled_from(NAMES), max_size=3, unique=True), st.sampled_from("abc"))
def test_a_minority_of_liars_changes_no_agreement_of_the_others(said, liars, lie):
    honest = {name: "a" for name in NAMES if name not in liars}
    assert agree(honest | dict.fromkeys(liars, lie), members=len(NAMES)).value == "a"
    # Nor do liars make one where the others are silent.
    assert agree(dict.fromkeys(liars, lie), members=len(NAMES)) is None
    silent = {name: value for name, value in said.items() if name not in liars}
    if (agreement := agree(silent, members=len(NAMES))) is not None:
        assert agree(silent | dict.fromkeys(liars, lie), members=len(NAMES)).value == agreement.value


@given(
    st.lists(st.integers(0, 100), min_size=4, max_size=7), st.lists(st.integers(-(10**9), 10**9), max_size=3)
)
def test_a_minority_neither_raises_nor_lowers_what_is_granted(honest, lies):
    lies = lies[: 7 - len(honest)]
    height = granted([*honest, *lies], members=7)
    assert min(honest) <= height <= max(honest)


@given(st.lists(st.integers(0, 100), max_size=7))
def test_granted_is_reached_by_a_majority_and_nothing_higher_is(numbers):
    height = granted(numbers, members=7)
    if height is None:
        assert len(numbers) < 4
    else:
        assert sum(number >= height for number in numbers) >= 4
        assert sum(number > height for number in numbers) < 4
