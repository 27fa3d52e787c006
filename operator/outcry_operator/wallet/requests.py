"""A person's request for a ceremony: the annotation `outcry.trade/ceremony`. Pure.

    generate | refresh | replace-1 | replace-2 | replace-3, and `@` with a word of one's own

The word tells a request from an earlier one of its kind: `refresh@2027-q1`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(generate|refresh|replace-([123]))(@[A-Za-z0-9._-]{1,40})?")

FORMS = "generate, refresh or replace-1 to replace-3, each with @ and a word of your own if asked for again"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for."""

    text: str
    verb: str
    """`generate`, `refresh` or `replace`."""
    lost: int = 0
    """Which signer is replaced; 0: none."""


def parse(text: str) -> Request | None:
    """The request; None for what is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    verb, lost, _ = match.groups()
    if lost:
        return Request(text=text, verb="replace", lost=int(lost))
    return Request(text=text, verb=verb)
