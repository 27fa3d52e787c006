"""The fuzzer's own parts: what they claim holds without a core."""

from __future__ import annotations

from collections import Counter

import pytest

from e2e.fuzz import reached
from e2e.fuzz.literal import literal
from e2e.fuzz.run import Chunk
from e2e.fuzz.shrink import shrink
from e2e.fuzz.state import State
from e2e.fuzz.stories import of_commands, of_seed
from e2e.oracle import commands
from e2e.oracle.commands import CancelReplace, Command, NewOrder


def test_a_seed_tells_the_same_story_every_time():
    assert of_seed(77, 300) == of_seed(77, 300)
    assert of_seed(77, 300).commands != of_seed(78, 300).commands


def test_a_story_of_its_commands_is_the_story_of_its_seed():
    told = of_seed(5, 300)
    assert of_commands(told.commands) == told


def test_shrinking_leaves_what_fails_alone():
    def fails(story):
        large = [command for command in story if getattr(command.body, "quantity", 0) >= 7]
        return any(isinstance(command.body, NewOrder) for command in large) and len(story) >= 2

    story = of_seed(3, 200).commands
    assert fails(story)
    least = shrink(story, fails)
    assert len(least) == 2
    assert NewOrder(quantity=7) in [command.body for command in least]


def test_there_is_nothing_to_shrink_in_a_story_that_does_not_fail():
    with pytest.raises(ValueError, match="does not fail"):
        shrink(of_seed(3, 10).commands, lambda _: False)


def test_a_story_printed_as_python_is_that_story():
    story = [
        *of_seed(11, 200).commands,
        Command(2048, 9, 9, 9, CancelReplace(cancel_order_id=1, order=NewOrder(order_id=1, price=-5))),
    ]
    assert eval(literal(story), vars(commands).copy()) == story


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    state = State(first_seed=10, next_seed=10, length=400, goal=1000)
    state.add(Chunk(first_seed=10, stories=50, orders=600, commands=900, reached=Counter({"event x": 2})))
    state.save(tmp_path / "progress.json")
    again = State.load(tmp_path / "progress.json")
    assert again == state
    assert (again.next_seed, again.finished) == (60, False)
    again.add(Chunk(first_seed=60, stories=50, orders=400, commands=500, reached=Counter({"event x": 1})))
    assert again.finished
    assert again.reached == {"event x": 3}


def test_a_run_that_never_was_is_not_resumed(tmp_path):
    assert State.load(tmp_path / "progress.json") is None


def test_what_was_not_reached_is_named():
    assert "reject WOULD_TAKE" in reached.missed(Counter({"event trade_executed": 1}))
    assert reached.missed(Counter(dict.fromkeys(reached.EVERYTHING, 1))) == []
