"""What can go wrong with a simulation itself.

SimulationError
├── StalledError     nothing can happen any more, and the story has not ended
├── EndlessError     too many steps: somebody goes round in circles
└── UnfaithfulError  a fake was asked for something that it can't imitate; teach it, beside a conformance test
"""

from __future__ import annotations

__all__ = ["EndlessError", "SimulationError", "StalledError", "UnfaithfulError"]


class SimulationError(Exception):
    """The base of all."""


class StalledError(SimulationError):
    """No callback is ready and no timer runs."""


class EndlessError(SimulationError):
    """More steps than any story takes."""


class UnfaithfulError(SimulationError):
    """A fake does not know what the real server would do."""
