"""The core beside the oracle: the same commands, event for event and order for order."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from outcry_engine import Book

from e2e.fuzz import calls, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from e2e.fuzz.stories import Told
    from e2e.oracle.commands import Command
    from e2e.oracle.events import Event

    Through = Callable[[Book, Sequence[Command]], list[Event]]

SYMBOL = "FUZZ"
# Commands between two restarts of the core from its own bytes.
PIECE = 150


def by_records(core: Book, commands: Sequence[Command]) -> list[Event]:
    """Through the codec, as an engine reads and publishes them."""
    return wire.read_events(core.apply_record(wire.record(SYMBOL, commands)))


def by_calls(core: Book, commands: Sequence[Command]) -> list[Event]:
    """Through typed objects, as a program with a book of its own does."""
    return calls.apply(core, commands)


def difference(told: Told, through: Through = by_records) -> str | None:
    """Where the core says something else than the oracle did, in words; `None` when nowhere."""
    core = Book.empty(symbol=SYMBOL)
    said: list[Event] = []
    commands = told.commands
    try:
        for start in range(0, len(commands), PIECE):
            said.extend(through(core, commands[start : start + PIECE]))
            written = core.snapshot()
            core = Book.restore(written, symbol=SYMBOL)
            if core.snapshot() != written:
                return (
                    f"a restored book writes other bytes than it was made of, after command {start + PIECE}"
                )
    except BaseException as error:
        if type(error).__name__ not in {"PanicException", "SnapshotError"}:
            raise
        return f"the core failed: {type(error).__name__}: {error}"
    return _first_difference(told, said) or _book_difference(told, core)


def _first_difference(told: Told, said: list[Event]) -> str | None:
    expected = list(chain.from_iterable(told.events))
    if expected == said:
        return None
    pairs = enumerate(zip_longest(expected, said))
    at, (oracle, core) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
    causes = {(command.source, command.incarnation, command.number): command for command in told.commands}
    first = oracle or core
    cause = causes.get((first.source, first.incarnation, first.number)) if first else None
    return f"event {at + 1}, of {cause}\n  oracle: {oracle}\n  core:   {core}"


def _book_difference(told: Told, core: Book) -> str | None:
    bids, asks = ([tuple(level) for level in side] for side in told.depth)
    shown = core.depth(len(told.commands))
    resting = sum(order.state == "resting" for order in told.open_orders)
    expected, found = (bids, asks, resting), (shown.bids, shown.asks, shown.resting_orders)
    if expected != found:
        return f"the book at the end: bids, asks, resting orders\n  oracle: {expected}\n  core:   {found}"
    return None
