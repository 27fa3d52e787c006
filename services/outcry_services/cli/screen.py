"""A view as a terminal picture, as one line, as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from outcry_services.cli.view import Level, ReplicaView, View

__all__ = ["as_json", "as_line", "as_picture"]

BAR = 24
ROLE_STYLES = {"hot": "bold red", "warm": "yellow", "taking_over": "magenta", "failed": "white on red"}


def as_json(view: View) -> str:
    """One object on one line; decimals as text."""
    return json.dumps(view.as_dict(), default=str)


def as_line(view: View) -> str:
    """For logs and pipes."""
    bid = view.bids[0].price if view.bids else "-"
    ask = view.asks[0].price if view.asks else "-"
    clock = datetime.now(UTC).strftime("%H:%M:%S")
    states = " ".join(f"{replica.name}={_state(replica)}" for replica in view.replicas) or "no replica"
    return (
        f"{clock} {view.symbol} {view.trading_status or '-'}{_auction(view)} "
        f"bid {bid} ask {ask} last {view.last_price or '-'} "
        f"trades/s {view.trades_per_second:.0f} hot {view.hot or 'nobody'} epoch {view.epoch} "
        f"seq {view.seq} lag {_lag(view)} {states}"
    )


def as_picture(view: View, levels: int) -> RenderableType:
    """The whole screen."""
    head = Text.assemble(
        (view.symbol, "bold"),
        f"   {view.trading_status or '-'}",
        (_auction(view), "bold"),
        "   last ",
        (f"{view.last_price or '-'} {view.quote}", "bold"),
        f"   {view.trades_per_second:,.0f} trades/s   {view.events_per_second:,.0f} events/s"
        f"   {view.resting_orders:,} orders resting",
    )
    foot = Text.assemble(
        "hot ",
        (view.hot or "nobody", ROLE_STYLES["hot"]),
        f" since {view.hot_since or '-'} ({view.hot_reason or '-'})",
        f"   epoch {view.epoch}   seq {view.seq:,}   lag {_lag(view)}",
    )
    return Panel(Group(head, Text(), _depth(view, levels), Text(), foot, _replicas(view)), expand=False)


def _depth(view: View, levels: int) -> Table:
    table = Table(box=None, padding=(0, 1))
    for title, justify in (
        ("orders", "right"),
        (f"bid {view.base}", "right"),
        ("", "right"),
        (f"bid {view.quote}", "right"),
        (f"ask {view.quote}", "left"),
        ("", "left"),
        (f"ask {view.base}", "left"),
        ("orders", "left"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    bids, asks = view.bids[:levels], view.asks[:levels]
    largest = max((level.quantity for level in (*bids, *asks)), default=None)
    for row in range(levels):
        bid = _cells(bids[row], largest, "green") if row < len(bids) else [Text()] * 4
        ask = _cells(asks[row], largest, "red") if row < len(asks) else [Text()] * 4
        table.add_row(*bid, *reversed(ask))
    return table


def _cells(level: Level, largest: object, style: str) -> list[Text]:
    share = float(level.quantity) / float(str(largest)) if largest else 0.0
    bar = "█" * max(1, round(share * BAR))
    return [
        Text(str(level.orders), style="dim"),
        Text(f"{level.quantity}"),
        Text(bar, style=f"dim {style}"),
        Text(f"{level.price}", style=style),
    ]


def _replicas(view: View) -> Table:
    table = Table(box=None, padding=(0, 1))
    for title in ("replica", "role", "state", "lag", "CPU", "zone", "why"):
        table.add_column(title)
    for replica in view.replicas:
        lag = "-" if replica.lag_records is None else f"{replica.lag_records} rec {replica.lag_seconds:.3f} s"
        pin = f"{replica.cpus or '?'}{' pinned' if replica.pinned else ' shared'}"
        role = Text(replica.role, style=ROLE_STYLES.get(replica.role, ""))
        table.add_row(replica.name, role, _state(replica), lag, pin, replica.zone, replica.reason)
    if not view.replicas:
        table.add_row("none registered", "", "", "", "", "", "")
    return table


def _state(replica: ReplicaView) -> str:
    if not replica.alive:
        return "silent"
    if replica.role == "hot":
        return "hot"
    return f"{replica.role}{'' if replica.caught_up else ', catching up'}"


def _auction(view: View) -> str:
    found = view.auction
    if found is None:
        return ""
    surplus = f", {found.surplus} {view.base} more to {found.surplus_side}" if found.surplus_side else ""
    return f" (auction {found.volume} {view.base} at {found.price}{surplus})"


def _lag(view: View) -> str:
    hot = next((replica for replica in view.replicas if replica.name == view.hot), None)
    if hot is not None and hot.lag_seconds is not None:
        return f"{hot.lag_seconds:.3f} s"
    return "-" if view.delay_seconds is None else f"{view.delay_seconds:.3f} s"
