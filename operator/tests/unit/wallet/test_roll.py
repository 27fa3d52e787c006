"""Rolling changes of the signers: two can always sign."""

from __future__ import annotations

from outcry_operator.wallet.names import CONFIG_ANNOTATION
from outcry_operator.wallet.roll import Signer, step_of

from .making import make_pod


def body(config):
    return {"spec": {"template": {"metadata": {"annotations": {CONFIG_ANNOTATION: config}}}}}


def signer(index, *, state="new", pod="new", ready=True):
    """`state`: of the StatefulSet; `pod`: which configuration its pod has, None: no pod."""
    return Signer(
        found=body(state) if state else None,
        wanted=body("new"),
        pod=make_pod(index, config=pod, ready=ready) if pod else None,
    )


def signers(*each):
    return dict(enumerate(each, start=1))


def all_of(**state):
    return signers(*(signer(index, **state) for index in (1, 2, 3)))


def test_nothing_is_written_where_all_is_as_it_should_be():
    step = step_of(all_of(), generated=True)
    assert (step.write, step.waiting) == ((), "")


def test_before_there_are_keys_all_change_at_once():
    assert step_of(all_of(state=None, pod=None), generated=False).write == (1, 2, 3)
    assert step_of(all_of(state="old", pod="old"), generated=False).write == (1, 2, 3)


def test_one_at_a_time_while_they_sign():
    step = step_of(all_of(state="old", pod="old"), generated=True)
    assert step.write == (1,)
    assert step.waiting == "signer-2, signer-3 waits until signer-1 is ready"


def test_the_next_waits_until_the_one_before_is_ready_with_the_new_configuration():
    old = [signer(index, state="old", pod="old") for index in (2, 3)]
    for between in (signer(1, pod="old"), signer(1, pod="new", ready=False), signer(1, pod=None)):
        assert step_of(signers(between, *old), generated=True).write == ()
    assert step_of(signers(signer(1), *old), generated=True).write == (2,)


def test_one_that_is_down_changes_first_and_nobody_beside_it():
    found = signers(
        signer(1, state="old", pod="old"),
        signer(2, state="old", pod="old", ready=False),
        signer(3, state="old", pod="old"),
    )
    assert step_of(found, generated=True).write == (2,)


def test_while_one_is_down_no_other_is_taken_down():
    found = signers(signer(1, state="old", pod="old"), signer(2, pod=None), signer(3))
    assert step_of(found, generated=True).write == ()


def test_what_is_waited_for_is_said_when_all_is_written():
    step = step_of(signers(signer(1), signer(2, pod="old"), signer(3)), generated=True)
    assert step.write == ()
    assert step.waiting == "signer-2 isn't ready yet"
