"""When each order's first trade was seen in Kafka."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition
from outcry.v1.event_pb2 import EventBatch

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["TradeWatch"]


class TradeWatch:
    """Reads `events.{symbol}` from its end, in a thread, as a market's participant would."""

    def __init__(self, bootstrap: str, symbol: str) -> None:
        self.seen: dict[int, float] = {}
        """Unix seconds at which the first trade of a taker's order was here, by order."""
        self._topic = f"events.{symbol}"
        settings = {"bootstrap.servers": bootstrap, "group.id": "bench-trades", "fetch.wait.max.ms": 500}
        self._consumer = Consumer({**settings, "enable.auto.commit": False, "log_level": 3})
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="trades", daemon=True)

    def __enter__(self) -> TradeWatch:
        end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, 0), timeout=10)[1]
        self._consumer.assign([TopicPartition(self._topic, 0, end)])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._over.is_set():
            message = self._consumer.poll(0.2)
            if message is None or message.error() is not None:
                continue
            now = time.time()
            for event in EventBatch.FromString(message.value() or b"").events:
                if event.WhichOneof("body") == "trade_executed":
                    self.seen.setdefault(event.trade_executed.taker_order_id, now)
