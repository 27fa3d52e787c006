"""New settings, images or certificates for the signers: one at a time, so that two can always sign. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_operator.drift import holds
from outcry_operator.wallet.names import CONFIG_ANNOTATION, SIGNERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.wallet.view import SignerPod

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One signer's StatefulSet as it is and as it is to be, and its pod."""

    found: Object | None
    wanted: Object
    pod: SignerPod | None

    @property
    def stated(self) -> bool:
        """The StatefulSet says what it is to say."""
        return self.found is not None and holds(self.found, self.wanted)

    @property
    def config(self) -> str:
        """That the pod is to have started with."""
        template: Object = self.wanted["spec"]["template"]
        return str(template["metadata"]["annotations"][CONFIG_ANNOTATION])

    @property
    def up(self) -> bool:
        """It answers, with the configuration of today or of before."""
        return self.pod is not None and self.pod.ready

    @property
    def ready(self) -> bool:
        """It answers, with the configuration of today."""
        return self.pod is not None and self.pod.ready and self.stated and self.pod.config == self.config


@dataclass(frozen=True, kw_only=True)
class Step:
    """Whose StatefulSets are written now, and what the others wait for."""

    write: tuple[int, ...] = ()
    waiting: str = ""


def step_of(signers: Mapping[int, Signer], *, generated: bool) -> Step:
    """Which signers may change now.

    Before there are keys nobody signs, so that all may. One that is down anyway may, since nothing is lost by
    it; of the others one, while both its peers are ready.
    """
    behind = [index for index in SIGNERS if not signers[index].stated]
    if not generated or not behind:
        return Step(write=tuple(behind), waiting=_settling(signers))
    down = [index for index in behind if not signers[index].up]
    if down:
        return Step(write=tuple(down), waiting=_waits(behind, down, signers))
    first = behind[0]
    if all(signers[index].up and (signers[index].ready or not signers[index].stated) for index in SIGNERS):
        return Step(write=(first,), waiting=_waits(behind, [first], signers))
    return Step(waiting=_waits(behind, [], signers))


def _waits(behind: list[int], now: list[int], signers: Mapping[int, Signer]) -> str:
    left = [f"signer-{index}" for index in behind if index not in now]
    if not left:
        return _settling(signers)
    slow = [f"signer-{index}" for index in SIGNERS if index in now or not signers[index].ready]
    return f"{', '.join(left)} waits until {', '.join(one for one in slow if one not in left)} is ready"


def _settling(signers: Mapping[int, Signer]) -> str:
    slow = [f"signer-{index}" for index in SIGNERS if not signers[index].ready]
    return f"{', '.join(slow)} isn't ready yet" if slow else ""
