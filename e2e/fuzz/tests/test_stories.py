"""The core says what the oracle says, event for event, over every feature."""

from __future__ import annotations

import secrets
from collections import Counter

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from e2e.fuzz.compare import by_calls, difference
from e2e.fuzz.flow import Flow
from e2e.fuzz.literal import literal
from e2e.fuzz.reached import missed, reached_by, table
from e2e.fuzz.source import Choices
from e2e.fuzz.stories import of_commands, of_seed
from e2e.oracle import Oracle

ORDERS = 30_000
LENGTH = 400


def test_random_stories_of_every_kind_make_no_difference():
    seed = first = secrets.randbelow(1 << 40)
    print(f"first seed {first}; one story again: make fuzz SEED=...")
    orders = 0
    reached: Counter[str] = Counter()
    while orders < ORDERS or missed(reached):
        told = of_seed(seed, LENGTH)
        assert difference(told) is None, f"seed {seed}: make fuzz SEED={seed} shrinks it"
        orders += told.orders
        reached += reached_by(told)
        assert orders < 10 * ORDERS, f"never reached from seed {first} on: {missed(reached)}"
        seed += 1
    print(f"{orders} orders in {seed - first} stories reached\n{table(reached)}")


@st.composite
def stories(draw):
    oracle = Oracle()
    flow = Flow(Choices(lambda bound: draw(st.integers(0, bound - 1))), oracle.market)
    commands = []
    for _ in range(draw(st.integers(1, 60))):
        commands.append(flow.next())
        oracle.apply(commands[-1])
    return commands


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(stories())
def test_what_hypothesis_thinks_of_makes_no_difference(commands):
    note(f"as an example to keep:\n{literal(commands)}")
    assert difference(of_commands(commands), by_calls) is None
