"""Judges what an engine published, by code that shares nothing with the engine.

The topics are decoded by a reader of its own, the input goes through the oracle (`e2e.oracle`), and what
comes out must be what stands in `events.{symbol}`: nothing lost, nothing different. The only thing that
may happen twice is publishing, byte for byte.

`python -m e2e.checker SYMBOL --kafka HOST:PORT` judges the topics of a pair as they are now.
"""

from e2e.checker.judge import Difference, Judge, Report, Takeover
from e2e.checker.records import Record, Recorder, read_topic

__all__ = ["Difference", "Judge", "Record", "Recorder", "Report", "Takeover", "read_topic"]
