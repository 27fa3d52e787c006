"""`python -m e2e.fuzz.seeds`: the inputs that libFuzzer begins with, made of stories.

They are small on purpose: records, events and snapshots of the first commands of a story of each theme,
and random bytes for the target that makes commands of them itself.
"""

from __future__ import annotations

import random
from itertools import chain
from pathlib import Path

from outcry_engine import Book

from e2e.fuzz import wire
from e2e.fuzz.stories import of_seed

SEEDS = Path(__file__).resolve().parents[2] / "engine-rs" / "fuzz" / "seeds"
# The symbol that the target decodes for.
SYMBOL = "BTC-USDT"
STORIES = 12
COMMANDS = 12


def main() -> None:
    """Writes the seeds of every target."""
    for seed in range(STORIES):
        commands = of_seed(seed, COMMANDS).commands
        record = wire.record(SYMBOL, commands)
        book = Book.empty(symbol=SYMBOL)
        events = list(wire.split(book.apply_record(record)))
        _write("decode_commands", seed, record)
        _write("restore", seed, book.snapshot())
        _write("commands", seed, random.Random(seed).randbytes(300))
        if events:
            _write("decode_event", seed, events[seed % len(events)])
    kinds = {wire.kind(event): event for event in chain.from_iterable(map(_events, range(300)))}
    for number, event in enumerate(kinds.values(), start=STORIES):
        _write("decode_event", number, event)


def _events(seed: int) -> list[bytes]:
    book = Book.empty(symbol=SYMBOL)
    return list(wire.split(book.apply_record(wire.record(SYMBOL, of_seed(seed, 60).commands))))


def _write(target: str, number: int, data: bytes) -> None:
    directory = SEEDS / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{number:02}").write_bytes(data)


if __name__ == "__main__":
    main()
