"""Where things are kept: the cache of what was built, and the state of each cluster."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CHECKOUT", "cache_root", "cluster_root", "servers_root", "state_root"]

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_root() -> Path:
    """What was built and may be deleted at any time: `$OUTCRY_CACHE`, else `~/.cache/outcry`."""
    return Path(os.environ.get("OUTCRY_CACHE") or Path.home() / ".cache" / "outcry")


def servers_root() -> Path:
    """Built servers and jars, one folder `<name>-<version>` each."""
    return cache_root() / "servers"


def state_root() -> Path:
    """Clusters' own data: `$XDG_STATE_HOME/outcry`, else `~/.local/state/outcry`."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "outcry"


def cluster_root(name: str) -> Path:
    """The folder of one cluster."""
    return state_root() / name
