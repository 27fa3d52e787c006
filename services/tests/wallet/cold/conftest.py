"""One build of the cold wallet's program, and one keystore a network."""

from __future__ import annotations

import pytest

from services.tests.wallet.cold.program import built, restored


@pytest.fixture(scope="session")
def program():
    return built()


@pytest.fixture(scope="session")
def cold(program, tmp_path_factory):
    """For regtest and chains of one's own."""
    return restored(program, tmp_path_factory.mktemp("cold"), "regtest")


@pytest.fixture(scope="session")
def mainnet_cold(program, tmp_path_factory):
    """The same words, for real coins."""
    return restored(program, tmp_path_factory.mktemp("cold"), "mainnet")
