"""An account holder of a deployed pair: sends commands, and reads what the market says to them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from e2e.backends import wait_until
from e2e.checker import read_topic
from e2e.checker.schema import decode_events
from e2e.fuzz.wire import record
from e2e.oracle.commands import Command, MassCancel
from e2e.tests.producing import produce

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.checker.schema import Event
    from e2e.oracle.commands import Body as Sent
    from e2e.oracle.events import Body

__all__ = ["Trader"]

SOURCE = 3100


class Trader:
    """Sends as a source of its own, numbered from 1."""

    def __init__(self, *, symbol: str, kafka: str) -> None:
        self._symbol = symbol
        self._kafka = kafka
        self._incarnation = int(time.time())
        self._number = 0

    def send(self, *bodies: Sent) -> list[Body]:
        """What the market says to these commands, once it has said something to the last of them."""
        first = self._number + 1
        self._number += len(bodies)
        commands = [
            Command(SOURCE, self._incarnation, number, time.time_ns(), body)
            for number, body in enumerate(bodies, start=first)
        ]
        produce(self._kafka, f"matching.{self._symbol}", [record(self._symbol, commands)])
        last = (SOURCE, self._incarnation, self._number)
        self.wait(lambda event: event[1:4] == last, what=f"an answer to {bodies[-1]}")
        own = (event for event in self.events() if event[1:3] == last[:2] and event.number >= first)
        return [event.body for event in own]

    def clear(self, *users: int) -> None:
        """Cancel everything that these accounts have open."""
        self.send(*(MassCancel(user) for user in users))

    def wait(self, wanted: Callable[[Event], bool], *, what: str) -> Event:
        """The first event that is wanted, which may come yet."""
        found: list[Event] = []

        def said() -> bool:
            found[:] = filter(wanted, self.events())
            return bool(found)

        wait_until(said, seconds=60, what=what, every=0.2)
        return found[0]

    def events(self) -> list[Event]:
        """All that the pair has published, each event once."""
        told: dict[int, Event] = {}
        for published in read_topic(self._kafka, f"events.{self._symbol}"):
            if published.value is not None:
                told |= {event.seq: event for event in decode_events(published.value, self._symbol)}
        return [told[seq] for seq in sorted(told)]
