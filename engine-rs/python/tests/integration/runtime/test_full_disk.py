"""A disk that is full: the market goes on, the engine says so, and a restart needs only what is there."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from e2e.backends import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Market

pytestmark = pytest.mark.integration


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes where replica `a` keeps its checkpoints."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "a"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte."""
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    return filler


def test_a_full_disk_stops_no_market_and_costs_no_event(small_disk: Path, market: Market) -> None:
    market.hot(market.a, 1)
    market.send(500)
    market.published(market.a)
    wait_until(lambda: market.a.status().checkpoint_seq == market.input.seq, seconds=60, what="checkpointed")
    kept = market.a.status().checkpoint_seq

    filler = fill(small_disk)
    market.send(3_000)
    market.published(market.a)
    wait_until(lambda: market.a.metrics().checkpoint_failures > 0, seconds=60, what="the disk refuses")
    status = market.a.status()
    assert "No space left" in status.checkpoint_error
    assert (status.role, status.checkpoint_seq) == ("hot", kept)

    market.a.stop()
    market.a = market.start("a")
    assert market.a.metrics().commands < 3_500, "from the last good piece, the rest from the log"
    market.hot(market.a, 2)
    market.send(500)
    market.published(market.a)

    filler.unlink()
    wait_until(
        lambda: market.a.status().checkpoint_seq == market.input.seq, seconds=60, what="checkpointed again"
    )
    assert market.a.status().checkpoint_error == ""
    market.judge()
