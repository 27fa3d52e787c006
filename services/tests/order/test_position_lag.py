"""What position has not answered counts against it, whether it lives or not."""

from __future__ import annotations

from outcry_services.order.position_lag import PositionLag


def test_what_waits_for_an_answer_counts_until_it_has_one():
    now = [10.0]
    lag = PositionLag(partitions=8, clock=lambda: now[0])

    def seen():
        found = lag.lag(allowed_records=100, allowed_millis=1000)
        return found.records, found.millis

    assert seen() == (0, 0)
    lag.committed(1, [(1, b""), (2, b"")])
    now[0] += 0.5
    lag.committed(9, [(5, b"")])
    lag.committed(2, [(7, b"")])
    assert seen() == (4, 500)
    # Shards 1 and 9 share a partition, whose answers come in order.
    lag.answered(9, 5)
    assert seen() == (1, 0)
    # Another replica's numbers say nothing here.
    lag.answered(2, 6)
    lag.answered(3, 1)
    assert seen() == (1, 0)
    now[0] += 2
    assert lag.lag(allowed_records=100, allowed_millis=1000).percent == 200
    lag.answered(2, 7)
    assert seen() == (0, 0)
