"""All that is left to chance, from one seed: who runs next, how long a message takes, what is lost."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["CALM", "ROUGH", "Chance", "Odds"]


@dataclass(frozen=True, kw_only=True)
class Odds:
    """Probabilities, each of one exchange with a server unless it says something else."""

    slow: float = 0.0
    """A message takes up to `slow_seconds` instead of up to `quick_seconds`."""
    quick_seconds: float = 0.0
    slow_seconds: float = 0.0
    refused: float = 0.0
    """Nothing is done, and the caller is told that the server is away."""
    lost_answer: float = 0.0
    """All is done, and the caller is told that the connection broke."""
    cut_short: float = 0.0
    """Of a pipeline's scripts the first few are run, and the caller is told that the connection broke."""
    repeated: float = 0.0
    """A delivered record is delivered again, together with what is behind it."""
    late: float = 0.0
    """A request that its sender gave up reaches the log later on."""


CALM = Odds()
"""Nothing goes wrong, and nothing takes time: for unit tests."""

ROUGH = Odds(
    slow=0.05,
    quick_seconds=0.002,
    slow_seconds=0.5,
    refused=0.01,
    lost_answer=0.02,
    cut_short=0.02,
    repeated=0.03,
    late=0.3,
)
"""Much more of everything than a bad day has."""


class Chance:
    """Draws from one seed. The same seed and the same questions give the same answers."""

    def __init__(self, seed: int | str = 0, odds: Odds = CALM) -> None:
        # A name beside the number: streams that differ in what they are for don't repeat one another.
        self._random = random.Random(f"{seed}")
        self.odds = odds

    def happens(self, probability: float) -> bool:
        """Draws nothing when the answer is certain, so that calm stays calm."""
        return probability > 0 and self._random.random() < probability

    def below(self, end: int) -> int:
        """From 0 on, without `end`."""
        return int(self._random.random() * end)

    def between(self, first: int, last: int) -> int:
        """Both included."""
        return first + self.below(last - first + 1)

    def fraction(self) -> float:
        """From 0 on, below 1."""
        return self._random.random()

    def seconds(self) -> float:
        """How long one message takes on its way."""
        longest = self.odds.slow_seconds if self.happens(self.odds.slow) else self.odds.quick_seconds
        return self._random.random() * longest if longest > 0 else 0.0
