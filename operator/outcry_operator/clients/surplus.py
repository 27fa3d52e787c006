"""A reference that confluent-kafka never gives back.

`describe_topics` of confluent-kafka 2.16.1 hands out each topic id with one reference too many, so that
none is ever freed: about 400 bytes each, which made an operator of 50 busy pairs grow by 10 MiB an hour.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

# This module's argument, `getrefcount`'s own, and the description that the id was read from.
_RIGHTFUL = 3


def take_topic_id(description: Any) -> str:  # noqa: ANN401 - confluent-kafka has no types
    """A described topic's id as text; a surplus reference to it is given back, if there is one."""
    return _text_and_release(description.topic_id)


def _text_and_release(topic_id: object) -> str:
    text = str(topic_id)
    # Counted each time: a version that has mended this must not lose a reference that it needs.
    if sys.getrefcount(topic_id) == _RIGHTFUL + 1:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(topic_id))
    return text
