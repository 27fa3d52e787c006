"""How far a run has come: a file that the next run goes on from."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.fuzz.run import Chunk


@dataclass(kw_only=True)
class State:
    """A run from its first seed on. `length`: commands of a story; `goal`: orders to send in all."""

    first_seed: int
    next_seed: int
    length: int
    goal: int
    orders: int = 0
    commands: int = 0
    seconds: float = 0.0
    reached: dict[str, int] = field(default_factory=dict)
    failing_seeds: list[int] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether all orders were sent."""
        return self.orders >= self.goal

    def add(self, chunk: Chunk) -> None:
        """Count what a chunk did."""
        self.next_seed = chunk.first_seed + chunk.stories
        self.orders += chunk.orders
        self.commands += chunk.commands
        self.reached = dict(Counter(self.reached) + chunk.reached)
        self.failing_seeds += chunk.differences

    def save(self, path: Path) -> None:
        """Write the file; the old one stands until the new one is whole."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2) + "\n")
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path) -> State | None:
        """The run that the file tells of, if there is one."""
        return cls(**json.loads(path.read_text())) if path.exists() else None
