"""The first lines of every service's process."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, TypeVar

import uvloop

from outcry_services.common import logs
from outcry_services.common.errors import ConfigError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from outcry_services.common.config import ServiceSettings

__all__ = ["run_process"]

S = TypeVar("S", bound="ServiceSettings")

YOUNG_OBJECTS = 10_000
"""Made and not freed before the collector looks: what orders in hand are made of is in no cycle."""


def run_process(
    name: str,
    settings: type[S],
    work: Callable[[S], Coroutine[None, None, None]],
    *,
    told: type[ServiceError] = ConfigError,
) -> None:
    """Read the settings, set up logs without their secrets, and work until the end.

    An error of the kind `told` is for the person who started it: one line, and exit status 2.
    """
    try:
        read = settings.load()
        logs.configure(service=name, level=read.log_level, secrets=read.secrets())
        _spare_the_collector()
        uvloop.run(work(read))
    except told as error:
        print(f"outcry {name}: {error.message}", file=sys.stderr)
        sys.exit(2)


def _spare_the_collector() -> None:
    """What was imported stays to the end: looking through it for garbage again and again finds none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
