"""Where built servers and jars are kept: outside the checkout, by name and version."""

from __future__ import annotations

import os
from pathlib import Path

from e2e.backends.errors import MissingServerError

__all__ = ["BUILD_CHAINS", "cache_directory", "server_program"]

BUILD_COMMAND = "python -m e2e.cluster build"
BUILD_CHAINS = f"{BUILD_COMMAND} --chains"


def cache_directory() -> Path:
    """`$OUTCRY_CACHE`, or `~/.cache/outcry`."""
    return Path(os.environ.get("OUTCRY_CACHE", Path.home() / ".cache" / "outcry"))


def server_program(server: str, program: str, *, command: str = BUILD_COMMAND) -> Path:
    """The executable `program` of `server` (`consul-1.22.0`); raises `MissingServerError`."""
    path = cache_directory() / "servers" / server / program
    if not os.access(path, os.X_OK):
        raise MissingServerError(f"{path} is not there; build it with `{command}`")
    return path
