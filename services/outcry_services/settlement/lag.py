"""How far the ledger is behind the logs: for back-pressure and for metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.order_log import EVENTS_PREFIX
from outcry_services.common.pressure import Lag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outcry_services.common.pairs import PairCatalog
    from outcry_services.settlement.follower import Follower
    from outcry_services.settlement.metrics import SettlementMetrics
    from outcry_services.settlement.steps import Place

__all__ = ["LagMeter"]

ALLOWED_RECORDS, ALLOWED_MILLIS = 50_000, 5_000
"""For what all pairs share: `orders` and `order-events`."""


class LagMeter:
    """Measures a follower; `clock` gives Unix milliseconds, as Kafka stamps records."""

    def __init__(
        self,
        follower: Follower,
        *,
        catalog: PairCatalog,
        metrics: SettlementMetrics,
        clock: Callable[[], int],
    ) -> None:
        self._follower = follower
        self._catalog = catalog
        self._metrics = metrics
        self._clock = clock
        self._going = clock()

    def measure(self) -> list[Lag]:
        """One lag a pair, and one of what they share."""
        now = self._clock()
        if self._follower.problem() is None:
            self._going = now
        intake = self._follower.intake
        if intake is None:
            return []
        behind = {place: self._records(place) for place in intake.places()}
        self._metrics.behind(behind, gaps=len(self._follower.gaps()))
        pairs = [place for place in behind if place[0].startswith(EVENTS_PREFIX)]
        shared = [place for place in behind if place not in pairs]
        lags = [
            Lag(
                symbol="",
                records=sum(behind[place] for place in shared),
                allowed_records=ALLOWED_RECORDS,
                millis=self._millis(shared, now),
                allowed_millis=ALLOWED_MILLIS,
            )
        ]
        listed = self._catalog.pairs()
        for place in pairs:
            pair = listed.get(place[0].removeprefix(EVENTS_PREFIX))
            if pair is not None:
                allowed = pair.allowed_lag
                lags.append(
                    Lag(
                        symbol=pair.symbol,
                        records=behind[place],
                        allowed_records=allowed.records,
                        millis=self._millis([place], now),
                        allowed_millis=allowed.millis,
                    )
                )
        return lags

    def _records(self, place: Place) -> int:
        intake, end = self._follower.intake, self._follower.ends.get(place)
        return max(0, end - intake.position(place)) if intake and end is not None else 0

    def _millis(self, places: Iterable[Place], now: int) -> int:
        """Since the oldest record that waits was written; no less than the books have stood still."""
        intake = self._follower.intake
        waiting = [intake.oldest_ms(place) for place in places] if intake else []
        oldest = min((when for when in waiting if when is not None), default=now)
        return max(0, now - oldest, now - self._going)
