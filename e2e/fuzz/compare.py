"""The core beside the oracle: the same commands, event for event and order for order."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from outcry_engine._engine import Replay

from e2e.fuzz.wire import read_events, record

if TYPE_CHECKING:
    from e2e.fuzz.stories import Told
    from e2e.oracle.commands import Command
    from e2e.oracle.events import Event

SYMBOL = "FUZZ"
PIECE = 150


def difference(told: Told) -> str | None:
    """Where the core says something else than the oracle did, in words; `None` when nowhere."""
    try:
        core, said = _through_core(told.commands)
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return f"the core panicked: {error}"
    return _first_difference(told, said) or _book_difference(told, core)


def _through_core(commands: list[Command]) -> tuple[Replay, list[Event]]:
    """Everything the core says. At each border of two pieces it is written down and restored."""
    core = Replay(SYMBOL)
    said: list[Event] = []
    for start in range(0, len(commands), PIECE):
        if start:
            written = core.snapshot()
            core = Replay.restore(SYMBOL, written)
            if core.snapshot() != written:
                raise AssertionError(f"a restored book writes other bytes, after command {start}")
        said.extend(read_events(core.apply(record(SYMBOL, commands[start : start + PIECE]))))
    if core.last_poison:
        raise AssertionError(f"a record of the flow is poison: {core.last_poison}")
    return core, said


def _first_difference(told: Told, said: list[Event]) -> str | None:
    expected = list(chain.from_iterable(told.events))
    if expected == said:
        return None
    pairs = enumerate(zip_longest(expected, said))
    at, (oracle, core) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
    owners = list(chain.from_iterable([index] * len(events) for index, events in enumerate(told.events)))
    where = owners[at] if at < len(owners) else len(told.commands) - 1
    cause = told.commands[where]
    return f"at command {where} {cause}\n  oracle: {oracle}\n  core:   {core}"


def _book_difference(told: Told, core: Replay) -> str | None:
    depth = tuple([tuple(level) for level in side] for side in told.depth)
    shown = core.depth(len(told.commands))
    if depth != shown:
        return f"depth at the end\n  oracle: {depth}\n  core:   {shown}"
    resting = sum(order.state == "resting" for order in told.open_orders)
    if resting != core.resting_orders:
        return f"resting orders at the end\n  oracle: {resting}\n  core:   {core.resting_orders}"
    return None
