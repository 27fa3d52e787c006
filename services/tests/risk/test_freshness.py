"""A view is as old as the last question whose answer it has read up to."""

from __future__ import annotations

from outcry_services.risk.cursors import Cursors
from outcry_services.risk.freshness import Freshness

A, B = ("orders", 0), ("orders", 1)


def test_a_partition_is_complete_once_it_was_read_to_the_end_that_was_answered():
    fresh = Freshness()
    assert fresh.age([A], now=0.0) is None
    fresh.ends({A: 10}, asked=1.0)
    fresh.read(A, 9)
    assert fresh.age([A], now=2.0) is None
    fresh.read(A, 10)
    assert fresh.age([A], now=2.5) == 1.5


def test_the_oldest_partition_counts():
    fresh = Freshness()
    fresh.ends({A: 0, B: 0}, asked=1.0)
    fresh.ends({A: 0}, asked=4.0)
    assert fresh.age([A, B], now=5.0) == 4.0
    assert fresh.age([A], now=5.0) == 1.0
    assert fresh.age([], now=5.0) == 0.0


def test_a_log_that_never_rests_is_complete_as_of_each_question():
    fresh = Freshness()
    for second in range(1, 50):
        fresh.ends({A: 100 * second}, asked=float(second))
        # Always half a second of records behind the end of now.
        fresh.read(A, 100 * second - 50)
    assert fresh.age([A], now=50.0) <= 3.0


def test_who_reads_nothing_grows_old():
    fresh = Freshness()
    fresh.ends({A: 0}, asked=1.0)
    for second in range(2, 10):
        fresh.ends({A: 5}, asked=float(second))
    assert fresh.age([A], now=10.0) == 9.0
    fresh.forget(A)
    assert fresh.age([A], now=10.0) is None


def test_cursors_drop_what_is_not_newer_and_wait_where_a_number_is_missing():
    cursors = Cursors()
    assert [cursors.take("a", number) for number in (4, 5, 5, 4, 6)] == [True, True, False, False, True]
    assert [cursors.take("a", number) for number in (8, 9, 7, 8)] == [False, False, True, True]
    assert (cursors.gaps, cursors.last("a"), cursors.last("b")) == ({}, 8, 0)
    assert cursors.take("a", 20, incarnation=1)
    assert not cursors.take("a", 30, incarnation=0)
    again = Cursors()
    again.restore(cursors.all())
    assert not again.take("a", 20, incarnation=1)
    again.forget("a")
    assert again.take("a", 1)
