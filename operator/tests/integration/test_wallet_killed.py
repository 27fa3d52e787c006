"""Killed after every single call that changes something: the next run comes to the same wallet.

A death after a call that only asks is a death after the change before it.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from .quorum import KEPT, OWNED
from .test_killed import Death, Killed, Mortal

pytestmark = pytest.mark.integration


ASKS = ("get", "list", "metadata", "get_key", "instances")


class MortalWriter(Mortal):
    """A client whose every change may be the last thing that the operator does."""

    def __getattr__(self, name):
        return getattr(self._client, name) if name in ASKS else super().__getattr__(name)


def mortal(quorum, last):
    death = Death(last)
    clients = {name: MortalWriter(getattr(quorum.world, name), death) for name in ("kube", "consul")}
    return replace(quorum.world, **clients)


async def picture(quorum):
    """All that a run is to bring about, without what differs from wallet to wallet."""
    wallet = await quorum.wallet()
    objects = await quorum.objects(*OWNED, *KEPT)
    found = {
        "kinds": sorted(f"{kind} {name}" for kind, name in objects),
        "owned": sorted(name for (_, name), body in objects.items() if "ownerReferences" in body["metadata"]),
        "data": {name: sorted(body["data"]) for (kind, name), body in objects.items() if kind == "Secret"},
        "conditions": await quorum.conditions(),
        "events": sorted({event["reason"] for event in await quorum.events()}),
        "finalizers": wallet.finalizers,
        "pins": [bool(record.identity) for record in wallet.status.signers],
        "ready": wallet.status.signers_ready,
        "key": wallet.status.key and wallet.status.key.public_key,
        "ceremony": wallet.status.ceremony and wallet.status.ceremony.state,
        "registered": [entry["ServiceID"] for entry in quorum.registered()],
        "consul": bool(quorum.consul_key()),
    }
    text = json.dumps(found, default=str, sort_keys=True).replace(quorum.key.name, "WALLET")
    told = json.loads(text)
    # A Job is named by the wallet's uid.
    told["kinds"] = [kind[:-9] if kind.startswith("Job") else kind for kind in told["kinds"]]
    told["owned"] = [name for name in told["owned"] if "-ceremony-" not in name]
    return told


async def test_a_first_run_survives_every_death(make_quorum):
    undisturbed = make_quorum()
    await undisturbed.apply()
    await undisturbed.settle()
    wanted = await picture(undisturbed)
    await undisturbed.remove()
    for last in range(1, 200):
        quorum = make_quorum()
        await quorum.apply()
        died = False
        try:
            await quorum.run(world=mortal(quorum, last))
        except Killed:
            died = True
        await quorum.settle()
        assert await picture(quorum) == wanted, f"killed after call {last}"
        await quorum.remove()
        if not died:
            break
    assert not died
    assert last > 30


async def test_pinning_and_a_ceremony_survive_every_death(make_quorum):
    undisturbed = make_quorum()
    await undisturbed.live()
    wanted = await picture(undisturbed)
    await undisturbed.remove()
    for step in ("pins", "asked", "ended"):
        last = 0
        died = True
        while died:
            last += 1
            quorum = make_quorum()
            died = await killed_in(quorum, step, last)
            assert await picture(quorum) == wanted, f"killed after call {last} of {step}"
            await quorum.remove()
        assert last > 3


async def killed_in(quorum, step, last):
    """The story with one run of one step killed; whether it was."""
    died = False

    async def run_mortal(at):
        nonlocal died
        if at != step:
            return
        try:
            await quorum.run(world=mortal(quorum, last))
        except Killed:
            died = True

    await quorum.apply()
    await quorum.settle()
    await quorum.start_signers()
    await run_mortal("pins")
    await quorum.settle()
    await quorum.start_signers()
    await quorum.settle()
    await quorum.ask("generate")
    await run_mortal("asked")
    await quorum.settle()
    await quorum.end_job(quorum.identities.line())
    await run_mortal("ended")
    await quorum.settle()
    return died


async def test_a_deletion_survives_every_death(make_quorum):
    quorum = make_quorum()
    await quorum.live()
    for last in range(1, 60):
        await quorum.apply()
        await quorum.settle()
        await quorum.delete()
        died = False
        try:
            await quorum.run(world=mortal(quorum, last))
            await quorum.end_pods()
            await quorum.run(world=mortal(quorum, last))
        except Killed:
            died = True
        await quorum.end_pods()
        while not (await quorum.run()).gone:
            await quorum.end_pods()
        assert await quorum.get("Wallet", quorum.key.name) is None, f"killed after call {last}"
        assert await quorum.objects("StatefulSet", "Deployment", "Pod") == {}
        assert not quorum.consul_key()
        assert len([1 for _, name in await quorum.objects("Secret") if name.endswith("-storage")]) == 3
        if not died:
            break
    assert not died
    assert last > 6
    await quorum.remove()
