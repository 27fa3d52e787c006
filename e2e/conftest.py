"""A cluster of the test run's own, for every end-to-end test in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.cluster.testing import ClusterForTests, name_for_tests

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Iterator[ClusterForTests]:
    """Nodes, backends and the operator, with this checkout's images; gone after the last test."""
    with ClusterForTests(name=name_for_tests()) as cluster:
        yield cluster
