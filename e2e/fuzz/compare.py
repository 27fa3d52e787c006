"""The core beside the oracle: the same commands, event for event and order for order."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from outcry_engine import Book

from e2e.fuzz import calls, wire
from e2e.oracle import OpenOrder, Totals, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_engine import OrderView

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
    """Every level, every order, every queue and the sums, after the last command."""
    shown = core.depth(len(told.commands))
    bids, asks = ([tuple(level) for level in side] for side in told.depth)
    totals = core.totals()
    orders = [core.order(order.order_id) for order in told.open_orders]
    queues = [
        [order.order_id for price, _, _ in side for order in core.orders_at(number, price)]
        for number, side in ((words.BUY, shown.bids), (words.SELL, shown.asks))
    ]
    pairs = {
        "bids": (bids, shown.bids),
        "asks": (asks, shown.asks),
        "totals": (told.totals, Totals(*(getattr(totals, name) for name in Totals._fields))),
        "open orders": (told.open_orders, [_open_order(order) for order in orders]),
        "queues": (list(told.queues[:2]), queues),
    }
    for name, (oracle, found) in pairs.items():
        if oracle != found:
            return f"{name} at the end\n  oracle: {oracle}\n  core:   {found}"
    return None


def _open_order(order: OrderView | None) -> OpenOrder | None:
    """The core's view as the oracle's."""
    if order is None:
        return None
    values: list[Any] = [getattr(order, name) for name in OpenOrder._fields if name != "state"]
    state = OpenOrder._fields.index("state")
    values.insert(state, order.stage.value)
    return OpenOrder(*values)
