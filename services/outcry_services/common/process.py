"""The first lines of every service's process."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, TypeVar

from outcry_services.common import logs
from outcry_services.common.errors import ConfigError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from outcry_services.common.config import ServiceSettings

__all__ = ["run_process"]

S = TypeVar("S", bound="ServiceSettings")


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
        asyncio.run(work(read))
    except told as error:
        print(f"outcry {name}: {error.message}", file=sys.stderr)
        sys.exit(2)
