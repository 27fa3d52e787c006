"""What kinds of market the stories are about: each theme leads to rules that the others seldom reach."""

from __future__ import annotations

from dataclasses import dataclass, field

I64_MAX = (1 << 63) - 1


@dataclass(frozen=True, kw_only=True)
class Theme:
    """The knobs of a story. Prices are centre ± spread steps of so many ticks; weights are relative."""

    name: str
    centre: int = 100
    step: int = 1
    spread: int = 6
    # How many steps from the last price a stop may wait.
    reach: int = 4
    # Edges of the price band, in steps from the centre.
    band: int = 40
    # Lots of an order: 1 to this, in units of `lot`.
    largest: int = 12
    lot: int = 1
    users: int = 5
    # Open orders beyond which a mass cancel makes room, so that stories stay fast.
    crowd: int = 60
    rules: int = 2
    # Unix nanoseconds that the first tick says.
    dawn: int = 1
    # How often a body comes, where it differs from the usual.
    weights: dict[str, int] = field(default_factory=dict)
    # How often an order type comes, where it differs from the usual.
    types: dict[int, int] = field(default_factory=dict)
    # How often a trading status comes, where it differs from the usual.
    statuses: dict[int, int] = field(default_factory=dict)


THEMES = (
    Theme(name="usual"),
    Theme(name="narrow", centre=4, spread=3, band=3, largest=5),
    Theme(name="own", users=2, spread=3),
    Theme(name="stops", types={4: 22, 5: 24, 6: 22, 7: 24}, weights={"oco": 12}, spread=4),
    Theme(
        name="cascade",
        spread=3,
        band=5,
        largest=3,
        crowd=260,
        users=9,
        reach=1,
        types={1: 4, 2: 1, 3: 2, 4: 50, 5: 50, 6: 50, 7: 50},
        weights={"new": 90, "oco": 2, "replace": 2, "cancel": 1, "mass": 0, "timer": 0, "settings": 1},
        statuses={2: 1, 3: 1, 4: 1, 5: 2, 6: 2},
    ),
    Theme(name="auction", weights={"settings": 9, "tick": 12}, statuses={6: 60, 1: 40}, spread=4),
    Theme(
        name="huge",
        centre=2,
        spread=1,
        reach=1,
        band=1,
        largest=2,
        lot=I64_MAX // 4,
        types={2: 5, 4: 4, 5: 60, 6: 4, 7: 60},
        weights={"mass": 0, "cancel": 2, "timer": 0, "tick": 2, "amend": 3},
    ),
    Theme(name="far", centre=10**15, step=10**13, largest=6),
    Theme(name="late", dawn=I64_MAX - 3 * 10**9, weights={"timer": 6, "tick": 12}),
    Theme(name="old", rules=1, weights={"settings": 3}),
)
