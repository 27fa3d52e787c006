"""One cluster, one market, one judge for all end-to-end tests of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.backends import wait_until
from e2e.faults.campaign import Campaign
from e2e.faults.cluster import ClusterArena
from e2e.recorded.convert import Conversion, convert
from e2e.recorded.rows import Recording, data_file, load

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MID = 6_000_000
RATE = 2200


@pytest.fixture(scope="session")
def arena(cluster) -> Iterator[ClusterArena]:
    """BTC-USDT on the cluster, made anew so that its log can be judged from its first record."""
    arena = ClusterArena(environment=cluster.environment)
    remove_pair(arena, "btc-usdt")
    arena.kubectl("apply", "-f", str(EXAMPLES / "btc-usdt.yaml"))
    arena.kubectl("wait", "--for=condition=TopicsReady", "pair/btc-usdt", "--timeout=120s")
    yield arena
    arena.close()


@pytest.fixture(scope="session")
def campaign(arena) -> Iterator[Campaign]:
    """Records the market from its beginning and judges every batch of it."""
    with Campaign(arena=arena, rate=RATE, mid=MID, open_pair=False) as campaign:
        arena.kubectl("wait", "--for=condition=Ready", "pair/btc-usdt", "--timeout=180s")
        yield campaign


@pytest.fixture(scope="session")
def recording() -> Recording:
    """Five hours of a real exchange; skips where its data is not kept."""
    path = data_file()
    if not path.exists():
        pytest.skip(f"no recorded data at {path}: set OUTCRY_DATA to the folder that holds it")
    return load(path)


@pytest.fixture(scope="session")
def conversion(recording: Recording) -> Conversion:
    """The recording as commands."""
    return convert(recording)


def remove_pair(arena: ClusterArena, name: str) -> None:
    """Delete a pair with all its data, if it is there."""
    found = arena.kubectl("get", "pairs", name, "--ignore-not-found", "-o", "name")
    if found.strip():
        patch = '{"spec": {"deletionPolicy": "Delete"}}'
        arena.kubectl("patch", "pair", name, "--type=merge", "-p", patch)
        arena.kubectl("delete", "pair", name, "--timeout=120s")
    wait_until(lambda: not arena.topics(name.upper()), seconds=60, what=f"topics of {name} gone")
