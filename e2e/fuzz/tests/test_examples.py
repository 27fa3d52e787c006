"""What once told the core and the oracle apart does so no more."""

from __future__ import annotations

import pytest

from e2e.fuzz.compare import by_calls, by_records, difference
from e2e.fuzz.stories import of_commands
from e2e.fuzz.tests.examples import EXAMPLES


@pytest.mark.parametrize("through", [by_records, by_calls])
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_makes_no_difference(name, through):
    assert difference(of_commands(EXAMPLES[name]), through) is None
