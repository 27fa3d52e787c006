"""One load on one exchange: give users money, let k6 send, kill on the way, come to rest, judge."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.load.judge import Judgement, judge
from e2e.load.killing import killing
from e2e.load.money import give
from e2e.load.rest import come_to_rest, look
from e2e.load.send import Load, send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from e2e.cluster.progress import Progress
    from e2e.load.killing import Kill
    from e2e.load.place import Place
    from e2e.load.told import Told

__all__ = ["Result", "run"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of it."""

    load: Load
    told: Told
    judgement: Judgement
    kills: Sequence[Kill]
    rest_seconds: float
    """From k6's end until every order had ended and every book agreed."""
    memory: Mapping[str, tuple[float, float]]
    """Mebibytes before the load and after it, by what runs."""

    @property
    def late(self) -> list[str]:
        """What was killed when the load was over already: that proves nothing."""
        return [kill.name for kill in self.kills if kill.at > self.load.seconds]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong and all of it was tried."""
        return self.judgement.right and not self.late


def run(load: Load, place: Place, users: range, *, progress: Progress) -> Result:
    """Raises `LoadError` and `ServerStartError` when users get no money or the exchange comes to no rest."""
    give(place, users, progress=progress)
    before = place.memory()
    with (
        tempfile.TemporaryDirectory(prefix="outcry-load-") as folder,
        progress.step(f"{load.scenario}: up to {load.rate} requests/s for {load.seconds} s") as step,
        killing(place, load.kill, seconds=load.seconds, progress=progress) as kills,
    ):
        told = send(
            load,
            front=place.gate,
            symbol=place.symbol,
            people=place.people(users),
            folder=Path(folder),
            step=step,
        )
        ended = time.monotonic()
    come_to_rest(place, users, progress=progress)
    rest = time.monotonic() - ended
    after = place.memory()
    judgement = judge(told, look(place, users, progress=progress))
    return Result(
        load=load,
        told=told,
        judgement=judgement,
        kills=kills,
        rest_seconds=rest,
        memory={name: (taken, after.get(name, 0.0)) for name, taken in before.items()},
    )
