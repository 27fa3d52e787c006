"""What losing a zone would cost: two of three must be left to sign. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_operator.wallet.names import SIGNERS

if TYPE_CHECKING:
    from collections.abc import Mapping

THRESHOLD = 2


def outlook(zones: Mapping[int, str]) -> str:
    """In words, from where each signer stands; empty where that isn't known of all three."""
    if any(not zones.get(index) for index in SIGNERS):
        return ""
    held: dict[str, list[int]] = {}
    for index in SIGNERS:
        held.setdefault(zones[index], []).append(index)
    fatal = {zone: there for zone, there in held.items() if len(SIGNERS) - len(there) < THRESHOLD}
    if not fatal:
        return f"one signer each in {', '.join(held)}: signing goes on without any one of them"
    ((zone, there), *_) = fatal.items()
    names = ", ".join(f"signer-{index}" for index in there)
    others = [other for other in held if other != zone]
    rest = f"; without {', '.join(others)} it goes on" if others else ""
    return f"zone {zone} holds {names}: losing it stops signing{rest}"
