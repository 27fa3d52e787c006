"""The first moments of a process: logs, then the Rust engine, before the rest of the shell is imported.

Importing gRPC, aiohttp and Consul's client takes longer than restoring a large book. Nothing of it is
needed for that, so both go on at the same time: a market whose replicas both died waits for the longer one.
"""

import gc
from dataclasses import dataclass

from outcry_engine import _engine
from outcry_engine._engine.feed import FeedSettings
from outcry_engine.shell import logs, pinning
from outcry_engine.shell.settings import RunSettings


@dataclass(frozen=True, kw_only=True)
class Ignited:
    """A running engine, and the CPUs that were found for it."""

    engine: _engine.Engine
    pinning: pinning.Pinning


def ignite(settings: RunSettings) -> Ignited:
    """Start the engine; it restores and catches up in threads of its own. Raises `StartError`.

    Leaves the garbage collector off, which only costs while modules are imported; the process turns it on.
    """
    gc.disable()
    fixed = {"symbol": settings.symbol, "replica": settings.replica}
    logs.configure(level=settings.log_level, **fixed)
    _engine.configure_logs(settings.log_level, list(fixed.items()))
    found = pinning.read(settings.cpu_policy, wanted=settings.cpus)
    engine = _engine.Engine(
        symbol=settings.symbol,
        replica=settings.replica,
        bootstrap_servers=settings.kafka,
        data_dir=settings.data_dir,
        checkpoint_interval=settings.checkpoint_interval,
        snapshot_interval=settings.snapshot_interval,
        detection_time=settings.detection_time,
        spin=settings.spin,
        cpu=found.cpus[0] if found.exclusive else None,
        feed=_feed(settings),
    )
    return Ignited(engine=engine, pinning=found)


def _feed(settings: RunSettings) -> FeedSettings | None:
    if not settings.feed_lines:
        return None
    return FeedSettings(
        lines=settings.feed_lines,
        interface=settings.feed_interface or None,
        hops=settings.feed_hops,
        recovery_port=settings.feed_recovery_port,
        recovery_connections=settings.feed_recovery_connections,
    )
