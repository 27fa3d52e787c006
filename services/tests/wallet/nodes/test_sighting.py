"""Confirmations are what a majority grants, and only what can't be true accuses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.nodes.model import Place, Tip, TransactionView
from outcry_services.wallet.nodes.sighting import contradictions, sight

BLOCK = Tip(height=100, hash="b100")
OTHER = Tip(height=100, hash="x100")
UNKNOWN = TransactionView(place=Place.UNKNOWN)
PENDING = TransactionView(place=Place.PENDING)


def mined(confirmations, block=BLOCK, *, succeeded=True):
    return TransactionView(place=Place.MINED, block=block, confirmations=confirmations, succeeded=succeeded)


def named(*views):
    return {f"node-{number}": view for number, view in enumerate(views)}


anything = st.one_of(
    st.just(UNKNOWN),
    st.just(PENDING),
    st.builds(mined, st.integers(1, 10**6), st.sampled_from([BLOCK, OTHER])),
)


@given(st.lists(st.integers(1, 20), min_size=3, max_size=5), st.lists(anything, max_size=2))
def test_a_minority_can_neither_add_confirmations_nor_take_the_block_away(honest, lies):
    lies = lies[: len(honest) - 1]
    views = named(*(mined(n) for n in honest), *lies)
    said = sight(views, members=len(views))
    assert said.place is Place.MINED
    assert said.block == BLOCK
    assert min(honest) <= said.confirmations <= max(honest)


@given(st.lists(anything, max_size=2))
def test_two_of_five_say_nothing_about_a_transaction(lies):
    assert sight(named(*lies), members=5) is None


@given(st.lists(anything, min_size=3, max_size=5))
def test_the_order_of_nodes_changes_nothing(views):
    forwards = sight(named(*views), members=5)
    backwards = sight(dict(reversed(named(*views).items())), members=5)
    assert forwards == backwards


def test_mined_for_some_and_pending_for_others_is_pending():
    assert sight(named(mined(1), PENDING, UNKNOWN), members=3).place is Place.PENDING
    assert sight(named(mined(1), mined(1, OTHER), PENDING), members=3).place is Place.PENDING


def test_another_outcome_is_another_word():
    assert sight(named(mined(3), mined(3, succeeded=False), UNKNOWN), members=3).place is Place.PENDING
    failed = sight(named(mined(3), mined(3, succeeded=False), mined(2, succeeded=False)), members=3)
    assert (failed.succeeded, failed.confirmations) == (False, 2)


def test_unknown_and_undecided_are_two_things():
    assert sight(named(UNKNOWN, UNKNOWN, PENDING), members=3).place is Place.UNKNOWN
    assert sight(named(UNKNOWN, PENDING), members=3) is None


def accused(*views, tips=None, settled=1):
    named_views = named(*views)
    said = sight(named_views, members=len(views))
    heights = dict.fromkeys(named_views, 105) | (tips or {})
    return contradictions(named_views, said, tips=heights, settled=settled)


def test_each_lie_about_a_settled_transaction_is_named():
    assert "unknown" in accused(mined(6), mined(6), UNKNOWN)["node-2"]
    assert "x100" in accused(mined(6), mined(6), mined(6, OTHER))["node-2"]
    assert "outcome" in accused(mined(6), mined(6), mined(6, succeeded=False))["node-2"]
    assert "60 confirmations" in accused(mined(6), mined(6), mined(60))["node-2"]


def test_a_block_that_is_not_settled_accuses_nobody():
    assert accused(mined(1), mined(1), mined(1, OTHER)) == {}
    assert accused(mined(1), mined(1), PENDING) == {}
    assert accused(PENDING, PENDING, UNKNOWN) == {}


def test_a_node_that_is_ahead_or_behind_by_its_own_height_tells_the_truth():
    assert accused(mined(6), mined(5), mined(7), tips={"node-1": 104, "node-2": 106}) == {}
    assert accused(mined(6), mined(6), mined(6), tips={}) == {}
