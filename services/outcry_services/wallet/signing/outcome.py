"""What two answers together say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry.v1 import signer_pb2 as api

__all__ = ["Broken", "Claimed", "Down", "Refused", "sort"]


@dataclass(frozen=True, slots=True)
class Down:
    """Signers that don't answer, and what is heard instead."""

    who: Mapping[int, str]
    word = "down"

    def __str__(self) -> str:
        return "; ".join(f"signer {index} is down: {why}" for index, why in self.who.items())


@dataclass(frozen=True, slots=True)
class Broken:
    """Somebody broke the protocol: accuser (0: the relay), accused (0: can't be told), why."""

    faults: tuple[tuple[int, int, str], ...]
    word = "fault"

    def __str__(self) -> str:
        told = (f"{_named(by)} accuses signer {whom or 'unknown'}: {why}" for by, whom, why in self.faults)
        return "; ".join(told) or "the rounds have no end"


@dataclass(frozen=True, slots=True)
class Refused:
    """Signers that won't: code and message."""

    refusals: Mapping[int, tuple[str, str]]
    word = "refusal"

    def __str__(self) -> str:
        return "; ".join(f"signer {index}: {code}: {why}" for index, (code, why) in self.refusals.items())


@dataclass(frozen=True, slots=True)
class Claimed:
    """Signers that say that it is signed, which a compromised one says as well; and who accuses whom."""

    signed: Mapping[int, api.Signed]
    faults: tuple[tuple[int, int, str], ...]


def sort(
    answers: Mapping[int, api.RoundResponse | ServiceError],
) -> list[api.Envelope] | Claimed | Down | Broken | Refused:
    """The envelopes to carry next, or how it ended. One signature is a signature, whatever the other says."""
    sent: list[api.Envelope] = []
    signed: dict[int, api.Signed] = {}
    faults: list[tuple[int, int, str]] = []
    refused: dict[int, tuple[str, str]] = {}
    down: dict[int, str] = {}
    for index, answer in answers.items():
        if isinstance(answer, ServiceError):
            down[index] = answer.message
            continue
        match answer.WhichOneof("outcome"):
            case "signed":
                signed[index] = answer.signed
            case "next":
                sent.extend(answer.next.envelopes)
            case "fault":
                faults.append((index, answer.fault.accused, answer.fault.reason))
            case "refusal":
                refused[index] = (answer.refusal.code, answer.refusal.message)
            case other:
                down[index] = f"an answer that makes no sense here: {other}"
    if signed:
        return Claimed(signed, tuple(faults))
    if down:
        return Down(down)
    if faults:
        return Broken(tuple(faults))
    return Refused(refused) if refused else sent


def _named(accuser: int) -> str:
    return f"signer {accuser}" if accuser else "the relay"
