"""What was said already, so that a look a second fills no log with the same words."""

from __future__ import annotations

__all__ = ["Said"]

MOST = 10_000
"""Subjects that are remembered; the oldest is forgotten first."""


class Said:
    """The last words about each subject."""

    def __init__(self) -> None:
        self._words: dict[int, str] = {}

    def anew(self, subject: int, words: str) -> bool:
        """Whether these were not the last ones about it; they are from now on."""
        if self._words.pop(subject, None) == words:
            self._words[subject] = words
            return False
        self._words[subject] = words
        if len(self._words) > MOST:
            del self._words[next(iter(self._words))]
        return True
