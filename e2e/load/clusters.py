"""Which cluster a load runs on: one made for it and taken down behind it, or one that is there."""

from __future__ import annotations

import argparse
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from e2e.cluster.choose import choose
from e2e.cluster.errors import ClusterError
from e2e.cluster.helm import PLATFORM, helm, install
from e2e.cluster.local.provider import LocalProvider
from e2e.cluster.testing import ClusterForTests, name_for_tests
from e2e.load.pods import Cluster
from e2e.load.processes import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.cluster.progress import Progress
    from e2e.cluster.provider import Provider

__all__ = ["CURRENT", "NEW", "on_cluster", "users_of_a_run"]

NEW, CURRENT = "new", "current"
UP = "outcry"
"""The name that `make up` gives a cluster."""


@contextmanager
def on_cluster(which: str, *, progress: Progress) -> Iterator[Cluster]:
    """`new`, `current`, or a cluster's name; the gateway's rates are lifted meanwhile.

    Raises `ClusterError` when it doesn't run or can't be made, `LoadError` when it has no services.
    """
    if which == NEW:
        name = f"{name_for_tests()}-load"
        making = ClusterForTests(name=name, until="pair", services=True)
        with progress.step(f"starting cluster {name}", key="load cluster"):
            making.__enter__()
        try:
            with _lifted(LocalProvider(cluster=name), progress=progress) as cluster:
                yield cluster
        finally:
            with progress.step(f"taking cluster {name} down", key="load cluster down"):
                making.__exit__()
        return
    name = UP if which == CURRENT else which
    provider = choose(argparse.Namespace(name=name, provider=None))
    if not provider.is_up:
        raise ClusterError(f"cluster {name} doesn't run: `make up NAME={name}`")
    with _lifted(provider, progress=progress) as cluster:
        yield cluster


def users_of_a_run(count: int) -> range:
    """Users that no earlier run had: their books begin empty."""
    first = (1 << 32) + (secrets.randbelow(1 << 30) << 14)
    return range(first, first + count)


@contextmanager
def _lifted(provider: Provider, *, progress: Progress) -> Iterator[Cluster]:
    """All clients have one address here, which no rate may hold back; the rates come back at the end."""
    cluster = Cluster(provider)
    rates = _values(provider).get("envoy", {}).get("rates")
    with progress.step("lifting the gateway's rates", key="load rates"):
        _upgrade(provider, UNLIMITED["rates"])
    try:
        yield cluster
    finally:
        with progress.step("bringing the gateway's rates back", key="load rates"):
            _upgrade(provider, rates)


def _values(provider: Provider) -> dict[str, Any]:
    """What the platform was installed with."""
    where = ("--namespace", PLATFORM.namespace, "--output", "yaml")
    said = helm("get", "values", PLATFORM.name, *where, kubectl=provider.kubectl)
    return dict(yaml.safe_load(said) or {})


def _upgrade(provider: Provider, rates: dict[str, Any] | None) -> None:
    """These rates, or the chart's own; all else stays what it is by now, whoever changed it meanwhile."""
    values = _values(provider)
    envoy = {name: value for name, value in values.get("envoy", {}).items() if name != "rates"}
    if rates is not None:
        envoy["rates"] = rates
    install(PLATFORM, values | {"envoy": envoy}, kubectl=provider.kubectl)
