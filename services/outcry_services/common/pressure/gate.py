"""Which pairs take no new orders because a stage behind is too far behind.

A pair closes at 80 % of what a stage may be behind, and opens below 60 %: without the distance it would open
and close at every record. A stage that has said nothing for two seconds is unknown, and unknown is not
pressure: a market doesn't close because a report got lost. One that had closed its pair keeps it closed for
longer: where there is too much to do, reports come late, and opening then would add to it. Cancels are never
asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import TooManyError
from outcry_services.common.pressure.lag import Lag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outcry.v1.pressure_pb2 import Pressure

__all__ = ["CLOSE_PERCENT", "OPEN_PERCENT", "PressureGate", "is_closed"]

CLOSE_PERCENT, OPEN_PERCENT = 80, 60
STALE_SECONDS = 2.0
CLOSED_SECONDS = 10.0
"""How long the silence of a stage that closed its pair keeps it closed."""
RETRY_SECONDS = 1.0
"""What a refused client is told to wait: a few reports."""

EVERY_PAIR = ""


def is_closed(before: bool, percent: int) -> bool:
    """Whether a stage at this share of its allowed lag keeps new orders out, given that it did before."""
    return percent >= (OPEN_PERCENT if before else CLOSE_PERCENT)


@dataclass(slots=True)
class _Stage:
    """What the replicas of one stage said of one pair, each last, and whether it keeps orders out."""

    told: dict[str, tuple[Lag, float]]
    closed: bool = False

    def lag(self, *, since: float) -> Lag | None:
        """What it is behind altogether; None when nobody has said anything lately."""
        lags = [lag for lag, when in self.told.values() if when >= since]
        if not lags:
            return None
        return Lag(
            symbol=lags[0].symbol,
            records=sum(lag.records for lag in lags),
            allowed_records=min(lag.allowed_records for lag in lags),
            millis=max(lag.millis for lag in lags),
            allowed_millis=min(lag.allowed_millis for lag in lags),
        )


class PressureGate:
    """The latest word of every stage; `clock` gives seconds that never go back."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stages: dict[str, dict[str, _Stage]] = {}

    def observe(self, pressure: Pressure) -> None:
        """Take a report; the time at which it arrives counts, whatever the reporter's clock says."""
        lag = Lag(
            symbol=pressure.symbol,
            records=pressure.lag_records,
            allowed_records=pressure.allowed_records,
            millis=pressure.lag_millis,
            allowed_millis=pressure.allowed_millis,
        )
        self.note(stage=pressure.stage, replica=pressure.replica, lag=lag)

    def note(self, *, stage: str, replica: str, lag: Lag) -> None:
        """What a stage is behind, known at first hand."""
        now = self._clock()
        found = self._stages.setdefault(lag.symbol, {}).setdefault(stage, _Stage(told={}))
        since = now - STALE_SECONDS
        # A replica that went away would be kept for ever; made anew, as another thread reads it for metrics.
        lately = {name: said for name, said in found.told.items() if said[1] >= since}
        found.told = lately | {replica: (lag, now)}
        total = found.lag(since=since)
        found.closed = total is not None and is_closed(found.closed, total.percent)

    def closed_by(self, symbol: str) -> tuple[str, Lag] | None:
        """The stage that keeps new orders of a pair out, and how far it is behind; None: they may come."""
        # Asked for every order: what is not closed costs a look alone.
        for place in (symbol, EVERY_PAIR) if symbol != EVERY_PAIR else (symbol,):
            for name, stage in self._stages.get(place, {}).items():
                lag = stage.lag(since=self._clock() - CLOSED_SECONDS) if stage.closed else None
                if lag is not None:
                    return name, lag
        return None

    def check(self, symbol: str) -> None:
        """Raises `TooManyError` (`BACK_PRESSURE`) while a pair takes no new orders."""
        found = self.closed_by(symbol)
        if found is not None:
            stage, lag = found
            raise TooManyError(
                f"{symbol} takes no new orders for now: {stage} is at {lag.percent} % of the lag it may "
                "have; cancels go on, try again later",
                name="BACK_PRESSURE",
                field="symbol",
                retry_after=RETRY_SECONDS,
            )

    def shares(self) -> dict[tuple[str, str], int]:
        """Percent of the allowed lag by stage and symbol, of all that are known: for metrics."""
        return {
            (stage, symbol): lag.percent
            for symbol in list(self._stages)
            for stage, lag, _ in self._here(symbol)
        }

    def closing(self) -> list[tuple[str, str]]:
        """Stage and symbol of all that keep new orders out: for metrics."""
        return [
            (stage, symbol)
            for symbol in list(self._stages)
            for stage, _, closed in self._here(symbol)
            if closed
        ]

    def _here(self, symbol: str) -> Iterator[tuple[str, Lag, bool]]:
        now = self._clock()
        for name, stage in list(self._stages.get(symbol, {}).items()):
            lag = stage.lag(since=now - (CLOSED_SECONDS if stage.closed else STALE_SECONDS))
            if lag is not None:
                yield name, lag, stage.closed
