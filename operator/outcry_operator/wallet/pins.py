"""Whom the signers believe one another to be. Pure decisions, and the ConfigMap that keeps them.

An identity is taken as it is told when none is known yet, once, and pinned. From then on another one is a
stranger, however it came there, until a person asks for a replacement by name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_operator import drift
from outcry_operator.conditions import Problem
from outcry_operator.wallet import objects
from outcry_operator.wallet.names import SIGNERS, Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.wallet.requests import Request
    from outcry_operator.world import World


@dataclass(frozen=True, kw_only=True)
class Pins:
    """The pinned identities, and for which replacement they changed last."""

    identities: Mapping[int, str] = field(default_factory=dict)
    request: str = ""

    @property
    def complete(self) -> bool:
        """All three are known."""
        return set(self.identities) == set(SIGNERS)


@dataclass(frozen=True, kw_only=True)
class PinPlan:
    """The pins as they are to be, and what is wrong with what the signers tell."""

    pins: Pins
    problem: Problem | None = None


async def load(wallet: Wallet, world: World) -> Pins:
    """From the ConfigMap; where it was lost, from the status."""
    found = await world.kube.get("ConfigMap", wallet.quorum, namespace=wallet.namespace)
    if found is not None:
        return read(found)
    told = {record.index: record.identity for record in wallet.status.signers if record.identity}
    return Pins(identities=told)


def read(body: dict[str, Any]) -> Pins:
    """The pins in a ConfigMap; what isn't whole is none at all."""
    try:
        told = json.loads(body.get("data", {}).get("identities.json", "{}"))
        identities = {int(index): str(identity) for index, identity in told.items()}
    except (ValueError, AttributeError):
        return Pins()
    request = body["metadata"].get("annotations", {}).get(objects.REQUEST_ANNOTATION, "")
    return Pins(identities=identities, request=request)


def plan(
    pins: Pins, told: Mapping[int, str], request: Request | None, *, generated: bool, token: str = ""
) -> PinPlan:
    """What is to be pinned; `told` is what each signer tells of itself now.

    `token` tells an open request from every other one, of this wallet or of one that had its name: what it
    changed once it changes no second time.
    """
    token = token or (request.text if request else "")
    if not pins.complete:
        return _first(pins, told)
    strangers = [
        index for index in SIGNERS if told.get(index, pins.identities[index]) != pins.identities[index]
    ]
    if not strangers:
        return PinPlan(pins=pins)
    if generated and request is not None and request.lost in strangers and token != pins.request:
        changed = {**pins.identities, request.lost: told[request.lost]}
        strangers.remove(request.lost)
        pins = Pins(identities=changed, request=token)
    return PinPlan(pins=pins, problem=_stranger(strangers, generated=generated) if strangers else None)


def _first(pins: Pins, told: Mapping[int, str]) -> PinPlan:
    missing = [index for index in SIGNERS if index not in told]
    if missing:
        names = ", ".join(f"signer-{index}" for index in missing)
        words = f"{names} told no identity yet: it is made at the first start"
        return PinPlan(
            pins=pins, problem=Problem(reason="IdentitiesAwaited", message=words, status="Unknown")
        )
    if len(set(told.values())) < len(SIGNERS):
        words = "two signers tell one identity: they share a disk. Give each a volume of its own"
        return PinPlan(pins=pins, problem=Problem(reason="IdentityShared", message=words))
    return PinPlan(pins=Pins(identities={index: told[index] for index in SIGNERS}))


def _stranger(strangers: list[int], *, generated: bool) -> Problem:
    names = ", ".join(f"signer-{index}" for index in strangers)
    mend = f"outcry.trade/ceremony=replace-{strangers[0]}"
    then = (
        f"if you replaced its disk, annotate the wallet with {mend}; if you didn't, somebody else did"
        if generated
        else "its disk was lost before there were keys: delete the wallet and its ConfigMap of identities"
    )
    return Problem(
        reason="IdentityChanged",
        message=f"{names} shows another identity than the pinned one, so the others are deaf to it: {then}",
    )


async def ensure(wallet: Wallet, world: World, pins: Pins) -> None:
    """Keep them, before any signer is told of them."""
    await drift.ensure(objects.quorum_map(wallet, pins.identities, request=pins.request), world.kube)
