"""Tells everybody, five times a second, how far this stage is behind."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from outcry.v1.pressure_pb2 import Pressure

from outcry_services.common.kafka import Record
from outcry_services.common.pressure.follow import PRESSURE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outcry_services.common.kafka import Publisher
    from outcry_services.common.pressure.lag import Lag

__all__ = ["PressurePublisher"]


class PressurePublisher:
    """Publishes what `measure` finds, for every pair that it knows, while `run` runs."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        stage: str,
        replica: str,
        measure: Callable[[], Iterable[Lag]],
        every_seconds: float = 0.2,
    ) -> None:
        self._publisher = publisher
        self._stage = stage
        self._replica = replica
        self._measure = measure
        self._every = every_seconds
        self._told: dict[str, asyncio.Future[int]] = {}

    async def run(self) -> None:
        """Tell for ever. Raises `PublisherStoppedError`."""
        while True:
            self.tell()
            await asyncio.sleep(self._every)

    def tell(self) -> None:
        """Publish the lags as they are now.

        A pair whose last report is not acknowledged yet is left out: while Kafka is away old reports are
        worth nothing, and would fill the publisher that orders need.
        """
        self._told = {symbol: report for symbol, report in self._told.items() if not report.done()}
        if self._publisher.full:
            return
        for lag in self._measure():
            if lag.symbol not in self._told and not self._publisher.full:
                self._told[lag.symbol] = self._publisher.enqueue(self._record(lag))

    def _record(self, lag: Lag) -> Record:
        report = Pressure(
            stage=self._stage,
            symbol=lag.symbol,
            lag_records=lag.records,
            allowed_records=lag.allowed_records,
            lag_millis=lag.millis,
            allowed_millis=lag.allowed_millis,
            time_unix_nanos=time.time_ns(),
            replica=self._replica,
        )
        return Record(
            topic=PRESSURE,
            partition=0,
            key=f"{self._stage}/{lag.symbol}".encode(),
            value=report.SerializeToString(),
        )
