"""What stories have reached, by the schema's own list of what there is: a rule never reached is untested."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from outcry.v1 import event_pb2, types_pb2

if TYPE_CHECKING:
    from e2e.fuzz.stories import Told

KINDS = tuple(field.name for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["body"].fields)
REJECTS = {number: name.removeprefix("REJECT_REASON_") for name, number in types_pb2.RejectReason.items()}
EXPIRIES = {number: name.removeprefix("EXPIRE_REASON_") for name, number in event_pb2.ExpireReason.items()}
LEFT_OVER = "more stops than one command activates"
EVERYTHING = frozenset(
    {f"event {kind}" for kind in KINDS}
    | {f"reject {name}" for number, name in REJECTS.items() if number}
    | {f"expire {name}" for number, name in EXPIRIES.items() if number}
    | {LEFT_OVER}
)


def reached_by(told: Told) -> Counter[str]:
    """How often a story reached each of them."""
    reached: Counter[str] = Counter()
    for events in told.events:
        for event in events:
            reached[f"event {event.kind}"] += 1
            reason = getattr(event.body, "reason", None)
            if reason is not None and event.kind == "order_expired":
                reached[f"expire {EXPIRIES[reason]}"] += 1
            elif reason is not None:
                reached[f"reject {REJECTS[reason]}"] += 1
    if told.left_over:
        reached[LEFT_OVER] += 1
    return reached


def missed(reached: Counter[str]) -> list[str]:
    """What there is and was not reached."""
    return sorted(EVERYTHING - set(reached))


def table(reached: Counter[str]) -> str:
    """Each of them with its count, in columns."""
    cells = [f"{name:<40}{reached[name]:>12,}" for name in sorted(EVERYTHING)]
    rows = -(-len(cells) // 2)
    return "\n".join("  ".join(cells[row::rows]) for row in range(rows))
