"""Everything dies once, in turn, and is waited for, however the load ends."""

from __future__ import annotations

import threading

import pytest

from e2e.cluster.progress import Progress
from e2e.load.killing import killing


class Place:
    """Remembers what was done to it; nobody is ready before `ready` is set."""

    def __init__(self):
        self.done = []
        self.killed = threading.Event()
        self.ready = threading.Event()

    def kill(self, name):
        self.done.append(f"kill {name}")
        self.killed.set()

    def wait_ready(self, name):
        assert self.ready.wait(30)
        self.done.append(f"{name} ready")


@pytest.fixture
def place():
    return Place()


def test_each_dies_once_and_the_next_one_waits_for_it(place):
    with killing(place, ("a", "b"), seconds=0, progress=Progress()) as kills:
        assert place.killed.wait(30)
        assert place.done == ["kill a"]
        place.ready.set()
    assert place.done == ["kill a", "a ready", "kill b", "b ready"]
    assert [kill.name for kill in kills] == ["a", "b"]


def test_nothing_more_is_killed_for_a_load_that_failed(place):
    with pytest.raises(ZeroDivisionError), killing(place, ("a",), seconds=1e6, progress=Progress()):
        raise ZeroDivisionError
    assert place.done == []


def test_what_goes_wrong_with_a_kill_is_raised_behind_the_load(place):
    def refuse(name):
        raise PermissionError(name)

    place.kill = refuse
    with pytest.raises(PermissionError, match="a"), killing(place, ("a",), seconds=0, progress=Progress()):
        pass
