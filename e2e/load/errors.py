"""What keeps a load from being run or judged.

LoadError       the message says what, where and what to do; a wrong outcome is no error but a verdict
"""

from __future__ import annotations

__all__ = ["LoadError"]


class LoadError(Exception):
    """The load could not be run, or its outcome not be looked at."""
