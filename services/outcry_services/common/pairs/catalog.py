"""Every pair of the exchange, kept true by blocking queries on Consul.

A change arrives as soon as Consul has it. When Consul is silent the pairs stay what they were: a market
doesn't halt because a registry did; `problem` says how old they are. The same holds for a Consul that lost
its memory (its index went back): what it lacks stays known, because the operator puts it back. A spec that
makes no sense never replaces one that did.
"""

from __future__ import annotations

import asyncio
import logging
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from outcry_services.common.consul import ConsulUnavailableError
from outcry_services.common.errors import UnavailableError
from outcry_services.common.pairs.errors import PairUnreadableError, SymbolError, UnknownSymbolError
from outcry_services.common.pairs.pair import check_symbol
from outcry_services.common.pairs.spec import read_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry_services.common.consul import ConsulKv, Prefix
    from outcry_services.common.pairs.pair import Pair

__all__ = ["PREFIX", "PairCatalog"]

log = logging.getLogger(__name__)

PREFIX = "outcry/pairs/"


class PairCatalog:
    """What Consul says of the pairs; `watch` runs beside the service for as long as it lives."""

    def __init__(
        self,
        consul: ConsulKv,
        *,
        wait_seconds: float = 10.0,
        pause_seconds: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consul = consul
        self._wait = wait_seconds
        self._pause = pause_seconds
        self._clock = clock
        self._index = 0
        self._texts: dict[str, bytes] = {}
        self._pairs: dict[str, Pair] = {}
        self._unreadable: dict[str, PairUnreadableError] = {}
        self._answered: float | None = None
        self._version = 0
        self._changed = asyncio.Event()

    @property
    def version(self) -> int:
        """Rises with every change; 0: nothing was read yet."""
        return self._version

    @property
    def unreadable(self) -> Mapping[str, PairUnreadableError]:
        """Keys whose spec makes no sense, and why. A pair that was known before stays as it was."""
        return MappingProxyType(self._unreadable)

    def pairs(self) -> Mapping[str, Pair]:
        """All pairs by symbol, as they are now."""
        return MappingProxyType(self._pairs)

    def get(self, symbol: str, *, field: str = "symbol") -> Pair:
        """One pair.

        Raises `SymbolError` for text that can't be a symbol, `UnknownSymbolError`, `PairUnreadableError`, and
        `UnavailableError` (`PAIRS_NOT_READ`) before the first answer of Consul.
        """
        found = self._pairs.get(symbol)
        if found is not None:
            return found
        check_symbol(symbol, field=field)
        if self._version == 0:
            raise UnavailableError("the pairs were not read yet; try again", name="PAIRS_NOT_READ")
        if symbol in self._unreadable:
            raise self._unreadable[symbol]
        raise UnknownSymbolError(f"there is no pair {symbol} on this exchange", field=field)

    async def changed(self, since: int) -> int:
        """Wait until the version is another than `since`; gives it."""
        while self._version == since:
            await self._changed.wait()
        return self._version

    def age(self) -> float | None:
        """Seconds since Consul answered last; None before its first answer."""
        return None if self._answered is None else self._clock() - self._answered

    def unread(self) -> str | None:
        """What keeps a service from being ready: nothing is known of any pair."""
        return None if self._version else "the pairs were not read from Consul yet"

    def problem(self, *, most_seconds: float = 30.0) -> str | None:
        """What is wrong with the pairs, for an alert. Stale ones are no reason to stop a market."""
        age = self.age()
        if age is None:
            return self.unread()
        if age > most_seconds:
            return f"Consul has not answered for {age:.0f} s: the pairs are as they were then"
        if self._unreadable:
            return "; ".join(error.message for error in self._unreadable.values())
        return None

    async def watch(self) -> None:
        """Follow Consul for ever. One that doesn't answer is asked again; `age` tells how long it has not."""
        while True:
            try:
                found = await self._consul.watch(PREFIX, after=self._index, wait_seconds=self._wait)
            except ConsulUnavailableError as error:
                log.warning("the pairs can't be read", extra={"why": error.message, "age": self.age()})
                await asyncio.sleep(self._pause)
                continue
            self._take(found)

    def _take(self, found: Prefix) -> None:
        self._answered = self._clock()
        forgot = found.index < self._index
        if forgot:
            log.warning("Consul's index went back", extra={"before": self._index, "now": found.index})
        # An index of 0 would make the next query answer at once, for ever.
        self._index = max(1, found.index)
        texts = {key.removeprefix(PREFIX): text for key, text in found.keys.items()}
        if forgot:
            texts = {**self._texts, **texts}
        if texts == self._texts and self._version:
            return
        self._unreadable = {symbol: error for symbol, error in self._unreadable.items() if symbol in texts}
        pairs = {symbol: pair for symbol, pair in self._pairs.items() if symbol in texts}
        for symbol, text in texts.items():
            if text != self._texts.get(symbol):
                self._read(symbol, text, pairs)
        self._texts, self._pairs = texts, pairs
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _read(self, symbol: str, text: bytes, pairs: dict[str, Pair]) -> None:
        self._unreadable.pop(symbol, None)
        try:
            pairs[symbol] = read_pair(symbol, text)
        except PairUnreadableError as error:
            self._unreadable[symbol] = error
            log.exception("a pair's spec can't be read", extra={"symbol": symbol})
        except SymbolError as error:
            self._unreadable[symbol] = PairUnreadableError(f"a key under {PREFIX}: {error.message}")
