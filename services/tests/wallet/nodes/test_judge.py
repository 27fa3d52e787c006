"""Who is kept away, for which reason, and how a node comes back. Time is given, never slept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.nodes.judge import Finding, Round, after_round, checked_heights, judge, tally
from outcry_services.wallet.nodes.model import Condition, Identity, NodeStatus, Reason, Standing, Tip
from outcry_services.wallet.nodes.policy import Policy
from outcry_services.wallet.nodes.vitals import Vitals

POLICY = Policy(settled=1, max_lag=2, min_peers=1, return_rounds=2, forgive_seconds=100)
HERE = Identity(genesis="g", chain_id=1)
WELL = (Reason.NONE, "")
AILING = Vitals(failures=POLICY.eject_failures)


def found(height, *, fork=(), syncing=False, peers=8, identity=HERE, at=()):
    status = NodeStatus(
        tip=Tip(height=height, hash=f"b{height}"), peers=peers, syncing=syncing, identity=identity
    )
    hashes = {n: f"{'x' if n in fork else 'b'}{n}" for n in at if n <= height}
    return Finding(status=status, hashes=hashes)


def majority_at(height):
    return Round(height=height, hashes={n: f"b{n}" for n in range(height + 1)})


def verdict(finding, height=10):
    return judge(finding, majority_at(height), expected=HERE, policy=POLICY)[0]


def test_each_fault_has_its_reason_the_gravest_first():
    assert verdict(found(10, at=(9, 10))) is Reason.NONE
    assert verdict(found(8)) is Reason.NONE
    assert verdict(found(7)) is Reason.LAGS
    assert verdict(found(10, peers=0)) is Reason.ALONE
    assert verdict(found(10, peers=None)) is Reason.NONE
    assert verdict(found(7, syncing=True)) is Reason.SYNCING
    assert verdict(found(7, syncing=True, at=(5,), fork=(5,))) is Reason.FORKED
    foreign = replace(HERE, genesis="h")
    assert verdict(found(7, at=(5,), fork=(5,), identity=foreign)) is Reason.WRONG_CHAIN
    assert verdict(found(10, identity=replace(HERE, chain_id=5))) is Reason.WRONG_CHAIN


def test_two_blocks_that_race_at_the_tip_accuse_nobody_and_one_below_does():
    assert verdict(found(10, at=(10,), fork=(10,))) is Reason.NONE
    reason, evidence = judge(found(10, at=(9,), fork=(9,)), majority_at(10), expected=HERE, policy=POLICY)
    assert (reason, evidence) == (Reason.FORKED, "block 9 is x9, the majority's is b9")


def test_without_a_majority_nobody_is_judged_by_it():
    alone = judge(found(3, at=(2,), fork=(2,)), Round(), expected=HERE, policy=POLICY)
    assert alone == WELL


def test_a_node_that_did_not_answer_is_not_judged_by_its_answers():
    with pytest.raises(ValueError, match="did not answer"):
        judge(Finding(), Round(), expected=HERE, policy=POLICY)


@given(st.integers(0, 10**6), st.integers(0, 5), st.floats(0, 1, exclude_max=True))
def test_blocks_are_compared_at_the_tip_at_the_settled_one_and_anywhere_below(height, settled, draw):
    heights = checked_heights(height, settled=settled, draw=draw)
    assert {height, max(0, height - settled)} <= set(heights)
    assert all(0 <= at <= height for at in heights)
    assert len(heights) <= 3


@given(
    st.integers(0, 100),
    st.lists(st.integers(0, 100), min_size=3, max_size=5),
    st.lists(st.integers(0, 10**9), max_size=2),
)
def test_a_minority_of_liars_gets_no_honest_node_quarantined(height, draws, lies):
    """Honest nodes are within the allowed lag of each other; two of the others say what they like."""
    members = {
        f"honest-{n}": found(height + draw % 2, at=(height - 1, height)) for n, draw in enumerate(draws)
    }
    for number, lie in enumerate(lies[: len(draws) - 1]):
        members[f"liar-{number}"] = found(lie, at=(height - 1, height), fork=(height - 1, height))
    said = tally(members, members=len(members))
    for name, finding in members.items():
        reason, _ = judge(finding, said, expected=HERE, policy=POLICY)
        if name.startswith("honest"):
            assert reason is Reason.NONE
        elif finding.status.tip.height >= height - 1 >= 0:
            assert reason is Reason.FORKED


def test_two_halves_with_two_chains_are_contested_and_neither_is_called_the_fork():
    halves = {"a": found(5, at=(4,)), "b": found(5, at=(4,)), "c": found(5, at=(4,), fork=(4,))}
    halves["d"] = halves["c"]
    said = tally(halves, members=4)
    assert (said.height, said.hashes, said.contested) == (5, {}, frozenset({4}))
    assert {judge(half, said, expected=HERE, policy=POLICY)[0] for half in halves.values()} == {Reason.NONE}


def step(condition, now, verdict=WELL, vitals=None):
    return after_round(
        condition, verdict=verdict, failure="silent", vitals=vitals or Vitals(), now=now, policy=POLICY
    )


def test_a_new_node_is_ready_after_one_good_round_and_never_before():
    assert Condition().standing is Standing.NEW
    assert step(Condition(), 1).standing is Standing.READY
    assert step(Condition(), 1, verdict=None, vitals=Vitals(failures=1)).standing is Standing.NEW


def test_one_failure_ejects_nobody_and_many_do_and_the_back_off_doubles():
    ready = step(Condition(), 0)
    shaken = step(ready, 1, verdict=None, vitals=Vitals(failures=1))
    assert shaken.standing is Standing.READY
    assert step(step(shaken, 2), 3, verdict=None, vitals=Vitals(failures=1)).standing is Standing.READY
    assert step(shaken, 2, verdict=None, vitals=Vitals(failures=1)).standing is Standing.EJECTED
    first = step(ready, 2, verdict=None, vitals=AILING)
    assert (first.standing, first.until, first.strikes) == (Standing.EJECTED, 3, 1)
    assert first.detail == "silent"
    second = step(first, 3, verdict=None, vitals=AILING)
    assert (second.until, second.since) == (5, 2)
    third = step(second, 5, verdict=None, vitals=AILING)
    assert third.until == 9


def test_an_ejected_node_needs_good_rounds_in_a_row_and_one_failure_strikes_again():
    ejected = step(Condition(), 0, verdict=None, vitals=AILING)
    tried = step(ejected, 1)
    assert (tried.standing, tried.until) == (Standing.EJECTED, 0)
    assert step(tried, 2).standing is Standing.READY
    again = step(tried, 2, verdict=None, vitals=Vitals(failures=1))
    assert (again.strikes, again.good_rounds) == (2, 0)


def test_strikes_are_forgiven_after_a_while_and_not_before():
    back = replace(step(Condition(), 10), strikes=3)
    assert step(back, 10 + 99).strikes == 3
    assert step(back, 10 + 100).strikes == 0


def test_a_node_that_answers_probes_and_fails_at_what_it_is_asked_is_ejected():
    assert step(step(Condition(), 0), 1, vitals=AILING).standing is Standing.EJECTED


def test_a_fork_comes_back_by_itself_and_keeps_since_when_it_was_away():
    away = step(step(Condition(), 0), 5, verdict=(Reason.FORKED, "block 9 is x"))
    still = step(away, 6, verdict=(Reason.FORKED, "block 10 is y"))
    assert (still.standing, still.since, still.detail) == (Standing.QUARANTINED, 5, "block 10 is y")
    assert step(still, 7, verdict=None, vitals=Vitals(failures=1)).standing is Standing.QUARANTINED
    assert step(step(still, 7), 8).standing is Standing.READY


@pytest.mark.parametrize("reason", [Reason.LIED, Reason.WRONG_CHAIN])
def test_a_liar_stays_away_whatever_it_says_later(reason):
    liar = Condition(standing=Standing.QUARANTINED, reason=reason, since=1)
    assert step(liar, 10**9) == liar
    assert step(liar, 10**9, verdict=None, vitals=AILING) == liar


verdicts = st.sampled_from([None, WELL, (Reason.LAGS, ""), (Reason.FORKED, ""), (Reason.WRONG_CHAIN, "")])


@given(st.lists(st.tuples(verdicts, st.sampled_from([Vitals(), AILING])), max_size=40))
def test_no_node_is_ready_right_after_a_bad_verdict_or_while_it_ails(history):
    condition = Condition()
    for now, (said, vitals) in enumerate(history):
        before, condition = condition, step(condition, now, verdict=said, vitals=vitals)
        if condition.standing is Standing.READY:
            assert said in (None, WELL)
            assert not (said is None and before.standing is not Standing.READY)
            assert not (vitals.ailing(POLICY) and before.standing is Standing.READY)
        if before.reason.for_good:
            assert condition == before
        assert (condition.standing is Standing.READY) == (
            condition.reason is Reason.NONE and condition.standing is not Standing.NEW
        )
