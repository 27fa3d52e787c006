"""Position's part of the back-pressure: what the engines have not answered, and its own lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.pressure import Backlog, Lag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outcry_services.common.pairs import PairCatalog
    from outcry_services.position.flow import Flow

__all__ = ["Backlogs"]


class Backlogs:
    """Commands of each pair from their acknowledgement to their first event; see `ports.Sent`."""

    def __init__(self, *, catalog: PairCatalog, clock: Callable[[], float]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._waiting: dict[str, Backlog[tuple[int, int]]] = {}

    def sent(self, symbol: str, source: int, number: int) -> None:
        """A new command is in its pair's log."""
        if symbol not in self._waiting:
            self._waiting[symbol] = Backlog(clock=self._clock)
        self._waiting[symbol].add((source, number))

    def answered(self, symbol: str, source: int, number: int) -> None:
        """An event names this command as its cause."""
        if symbol in self._waiting:
            self._waiting[symbol].answered((source, number))

    def engines(self) -> Iterator[Lag]:
        """How far the engine of each pair is behind."""
        for symbol, pair in self._catalog.pairs().items():
            waiting = self._waiting.get(symbol)
            yield Lag(
                symbol=symbol,
                records=len(waiting) if waiting is not None else 0,
                allowed_records=pair.allowed_lag.records,
                millis=waiting.millis() if waiting is not None else 0,
                allowed_millis=pair.allowed_lag.millis,
            )

    def own(self, flow: Flow) -> Iterator[Lag]:
        """How far position is behind: in the instructions of all pairs, and in the events of each."""
        orders, events = flow.lags()
        for symbol, pair in self._catalog.pairs().items():
            yield Lag(
                symbol=symbol,
                records=orders + events.get(symbol, 0),
                allowed_records=pair.allowed_lag.records,
                millis=0,
                allowed_millis=pair.allowed_lag.millis,
            )
