"""A wallet's first days on a real API server: signers, pins, ceremonies."""

from __future__ import annotations

import json

import pytest
from outcry_operator.custom_object import FINALIZER
from outcry_operator.wallet.names import SIGNERS

from .quorum import roll

pytestmark = pytest.mark.integration


async def test_a_new_wallet_gets_three_signers_before_anything_else(quorum):
    await quorum.apply()
    await quorum.settle()
    names = {name for _, name in await quorum.objects("StatefulSet")}
    assert names == {f"{quorum.base}-signer-{index}" for index in SIGNERS}
    assert FINALIZER in (await quorum.wallet()).finalizers
    conditions = await quorum.conditions()
    assert conditions["QuorumReady"] == ("False", "IdentitiesAwaited")
    assert conditions["KeysGenerated"] == ("False", "NotGenerated")
    assert conditions["Paused"] == ("False", "Running")
    assert "outcry.trade/ceremony=generate" in await quorum.message("KeysGenerated")
    assert (await quorum.wallet()).status.signers_ready == "0/3"
    for index in SIGNERS:
        told = (await quorum.get("ConfigMap", f"{quorum.base}-signer-{index}"))["data"]
        assert json.loads(told["quorum.json"]) == {"me": index, "identities": {}}


async def test_identities_are_pinned_once_all_three_are_told(quorum):
    await quorum.apply()
    await quorum.settle()
    await quorum.start_signers(only=(1, 3))
    await quorum.settle()
    assert all(not record.identity for record in (await quorum.wallet()).status.signers)
    await quorum.start_signers(only=(2,))
    await quorum.settle()
    pinned = {str(index): identity for index, identity in quorum.identities.pinned.items()}
    kept = await quorum.get("ConfigMap", f"{quorum.base}-quorum")
    assert json.loads(kept["data"]["identities.json"]) == pinned
    assert "ownerReferences" not in kept["metadata"]
    told = (await quorum.get("ConfigMap", f"{quorum.base}-signer-2"))["data"]
    assert json.loads(told["quorum.json"]) == {"me": 2, "identities": pinned}
    # They started without pins, and are not ready until they know one another.
    assert (await quorum.wallet()).status.signers_ready == "0/3"
    await quorum.start_signers()
    await quorum.settle()
    assert (await quorum.wallet()).status.signers_ready == "3/3"
    assert await quorum.conditions() == {
        "NodesHealthy": ("Unknown", "NotRunning"),
        "QuorumReady": ("True", "QuorumReady"),
        "KeysGenerated": ("False", "NotGenerated"),
        "Reconciled": ("True", "Reconciled"),
        "Paused": ("False", "Running"),
    }


async def test_a_ceremony_is_asked_for_carried_out_and_recorded(quorum):
    await quorum.apply()
    await quorum.settle()
    await quorum.ask("generate")
    await quorum.settle()
    asked = (await quorum.wallet()).status.ceremony
    assert (asked.state, await quorum.objects("Job")) == ("Waiting", {})
    assert "waiting for signer-1, signer-2, signer-3" in asked.message
    for _ in range(2):
        await quorum.start_signers()
        await quorum.settle()
    (job,) = (await quorum.objects("Job")).values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"][:3] == ["ceremony", "generate", "--scheme=taproot"]
    assert (await quorum.conditions())["KeysGenerated"] == ("False", "CeremonyRunning")
    line = quorum.identities.line()
    await quorum.end_job(line)
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert status.ceremony.state == "Done"
    assert (status.key.scheme, status.key.epoch, status.key.public_key) == ("taproot", 1, "ab" * 32)
    assert (await quorum.conditions())["KeysGenerated"] == ("True", "KeysGenerated")
    record = await quorum.get("ConfigMap", f"{quorum.base}-ceremony")
    assert record["data"]["record.jsonl"] == f"{line}\n"
    assert "ownerReferences" not in record["metadata"]
    reasons = [event["reason"] for event in await quorum.events()]
    assert {"CeremonyRunning", "CeremonyDone", "KeysGenerated", "IdentityPinned"} <= set(reasons)
    assert reasons.count("IdentityPinned") == 3


async def test_a_record_that_strangers_signed_makes_no_key(quorum, make_quorum):
    await quorum.apply()
    await quorum.settle()
    for _ in range(2):
        await quorum.start_signers()
        await quorum.settle()
    await quorum.ask("generate")
    await quorum.settle()
    await quorum.end_job(make_quorum().identities.line())
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert status.ceremony.state == "Failed"
    assert "isn't signed by its pinned identity" in status.ceremony.message
    assert status.key is None
    assert await quorum.get("ConfigMap", f"{quorum.base}-ceremony") is None


async def test_a_failed_ceremony_says_why_and_is_asked_for_again(quorum):
    await quorum.apply()
    await quorum.settle()
    for _ in range(2):
        await quorum.start_signers()
        await quorum.settle()
    await quorum.ask("generate")
    await quorum.settle()
    first = await quorum.end_job(failed="outcry-signer: generate of taproot: signer-2: connection refused\n")
    await quorum.settle()
    asked = (await quorum.wallet()).status.ceremony
    assert asked.state == "Failed"
    assert asked.message.endswith("signer-2: connection refused")
    assert (await quorum.conditions())["KeysGenerated"] == ("False", "CeremonyFailed")
    await quorum.ask("generate@again")
    await quorum.settle()
    second = await quorum.end_job(quorum.identities.line())
    await quorum.settle()
    assert second != first
    assert (await quorum.conditions())["KeysGenerated"][0] == "True"


@pytest.mark.parametrize("request_text", ["refresh", "replace-2", "Generate", "generate; rm"])
async def test_what_is_no_ceremony_here_is_refused(quorum, request_text):
    await quorum.apply()
    await quorum.settle()
    await quorum.ask(request_text)
    await quorum.settle()
    asked = (await quorum.wallet()).status.ceremony
    assert asked.state == "Refused"
    assert "generate" in asked.message
    assert await quorum.objects("Job") == {}


async def test_a_refresh_raises_the_epoch_of_the_same_key(quorum):
    await quorum.live()
    await quorum.ask("refresh@2027-q1")
    await quorum.settle()
    await quorum.end_job(quorum.identities.line(name="refresh", epoch=2))
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert (status.key.epoch, status.key.public_key) == (2, "ab" * 32)
    record = await quorum.get("ConfigMap", f"{quorum.base}-ceremony")
    assert len(record["data"]["record.jsonl"].splitlines()) == 2


async def test_a_record_of_another_key_changes_nothing(quorum):
    await quorum.live()
    await quorum.ask("refresh")
    await quorum.settle()
    await quorum.end_job(quorum.identities.line(name="refresh", epoch=2, key="cd" * 32))
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert "of another key than this wallet's" in status.ceremony.message
    assert (status.key.epoch, status.key.public_key) == (1, "ab" * 32)


async def test_a_lost_signer_is_replaced(quorum):
    await quorum.live()
    quorum.identities.replace(2)
    await quorum.start_signer(2, ready=False)
    await quorum.settle()
    assert (await quorum.conditions())["QuorumReady"] == ("True", "IdentityChanged")
    assert "outcry.trade/ceremony=replace-2" in await quorum.message("QuorumReady")
    assert (await quorum.conditions())["Reconciled"] == ("False", "IdentityChanged")
    await quorum.ask("replace-2")
    await quorum.settle()
    pinned = {str(index): identity for index, identity in quorum.identities.pinned.items()}
    kept = await quorum.get("ConfigMap", f"{quorum.base}-quorum")
    assert json.loads(kept["data"]["identities.json"]) == pinned
    for _ in range(4):
        await roll(quorum)
    (job,) = [job for job in (await quorum.objects("Job")).values() if not job["status"].get("conditions")]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"][1:3] == ["replace", "--lost=2"]
    lines = [quorum.identities.line(name="repair"), quorum.identities.line(name="refresh", epoch=2)]
    await quorum.end_job(*lines)
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert (status.ceremony.state, status.key.epoch, status.signers_ready) == ("Done", 2, "3/3")
    assert (await quorum.conditions())["QuorumReady"] == ("True", "QuorumReady")


async def test_the_same_words_replace_a_signer_again_once_they_are_asked_for_again(quorum):
    await quorum.live()
    for epoch in (2, 4):
        quorum.identities.replace(2)
        await quorum.start_signer(2, ready=False)
        await quorum.settle()
        assert (await quorum.conditions())["QuorumReady"] == ("True", "IdentityChanged"), "nobody asked yet"
        await quorum.ask("replace-2")
        await quorum.settle()
        for _ in range(4):
            await roll(quorum)
        await quorum.end_job(quorum.identities.line(name="refresh", epoch=epoch))
        await quorum.settle()
        assert (await quorum.wallet()).status.ceremony.state == "Done"
        await quorum.ask(f"refresh@{epoch}")
        await quorum.settle()
        await quorum.end_job(quorum.identities.line(name="refresh", epoch=epoch + 1))
        await quorum.settle()
    assert (await quorum.wallet()).status.key.epoch == 5
