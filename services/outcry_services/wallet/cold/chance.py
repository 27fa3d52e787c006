"""Which fragments a frame mixes: pseudo-random, and the same for whoever knows its number (BCR-2020-005).

Xoshiro256** seeded by SHA-256, and Vose's alias method over the probabilities 1, 1/2, … 1/n.
"""

from __future__ import annotations

import hashlib

__all__ = ["Xoshiro", "choose"]

_MASK = 2**64 - 1


class Xoshiro:
    """Xoshiro256** by Blackman and Vigna, its state the SHA-256 of a seed."""

    def __init__(self, seed: bytes) -> None:
        digest = hashlib.sha256(seed).digest()
        self._state = [int.from_bytes(digest[place : place + 8], "big") for place in (0, 8, 16, 24)]

    def integer(self) -> int:
        """The next 64 bits."""
        state = self._state
        result = _rotated(state[1] * 5 & _MASK, 7) * 9 & _MASK
        shifted = state[1] << 17 & _MASK
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = _rotated(state[3], 45)
        return result

    def fraction(self) -> float:
        """From 0 to below 1."""
        return (self.integer() >> 11) / (1 << 53)

    def below(self, count: int) -> int:
        """From 0 to count - 1."""
        return int(self.fraction() * count)


def choose(number: int, count: int, checksum: int) -> list[int]:
    """The fragments in frame `number`, counted from 1: the first `count` frames hold one each, in order."""
    if number <= count:
        return [number - 1]
    chance = Xoshiro(number.to_bytes(4, "big") + checksum.to_bytes(4, "big"))
    left = list(range(count))
    degree = _degree(count, chance)
    return [left.pop(chance.below(len(left))) for _ in range(degree)]


def _degree(count: int, chance: Xoshiro) -> int:
    probabilities, aliases = _table(count)
    first, second = chance.fraction(), chance.fraction()
    place = int(count * first)
    return (place if second < probabilities[place] else aliases[place]) + 1


def _table(count: int) -> tuple[list[float], list[int]]:
    weights = [1.0 / degree for degree in range(1, count + 1)]
    total = sum(weights)
    weights = [weight * count / total for weight in weights]
    small = [place for place in reversed(range(count)) if weights[place] < 1]
    large = [place for place in reversed(range(count)) if weights[place] >= 1]
    probabilities, aliases = [1.0] * count, [0] * count
    while small and large:
        less, more = small.pop(), large.pop()
        probabilities[less], aliases[less] = weights[less], more
        weights[more] += weights[less] - 1
        (small if weights[more] < 1 else large).append(more)
    return probabilities, aliases


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK
