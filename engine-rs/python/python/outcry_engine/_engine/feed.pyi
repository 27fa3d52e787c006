from collections.abc import Sequence
from typing import final

from outcry_engine._engine.metrics import LatencyHistogram

__all__ = ["FeedMetrics", "FeedSettings", "FeedStatus"]

@final
class FeedSettings:
    """Where a feed goes: lines are `GROUP:PORT`."""

    def __new__(
        cls,
        *,
        lines: Sequence[str],
        interface: str | None = None,
        hops: int = 8,
        recovery_port: int | None = None,
        recovery_connections: int = 64,
    ) -> FeedSettings: ...

@final
class FeedStatus:
    """Where a feed goes, once it is open."""

    @property
    def session(self) -> str: ...
    @property
    def lines(self) -> list[str]: ...
    @property
    def recovery_port(self) -> int | None: ...
    @property
    def hardware_clock(self) -> int | None: ...

@final
class FeedMetrics:
    """Counters of a feed."""

    @property
    def packets(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def events(self) -> int: ...
    @property
    def heartbeats(self) -> int: ...
    @property
    def send_failures(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    @property
    def resyncs(self) -> int: ...
    @property
    def connections(self) -> int: ...
    @property
    def gap_requests(self) -> int: ...
    @property
    def snapshot_requests(self) -> int: ...
    @property
    def refusals(self) -> list[tuple[str, int]]: ...
    @property
    def hardware_stamps(self) -> int: ...
    @property
    def software_stamps(self) -> int: ...
    @property
    def send_latency(self) -> LatencyHistogram: ...
    @property
    def departure_latency(self) -> LatencyHistogram: ...
