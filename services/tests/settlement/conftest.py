"""Ledgers to test with: the fake one of the simulator, and a real server's, which must not differ."""

from __future__ import annotations

import pytest

from services.tests.settlement.ledgers import fake_ledger, real_ledger


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def ledger(request):
    """An empty ledger of the test's own."""
    if request.param == "fake":
        async with fake_ledger() as made:
            yield made
    else:
        async with real_ledger(request.getfixturevalue("mariadb")) as made:
            yield made
