"""The key ceremony: asked for by annotation, carried out by a Job, its record kept.

The Job runs `outcry-signer ceremony`, which is resumed by running it again: its record lies on a volume of
its own and is synced before anybody acts on it. What comes out of it are the signers' signed confirmations.
No share is ever in that pod, nor in the operator.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_operator import drift
from outcry_operator.models.wallet_status import CeremonyRecord, KeyRecord
from outcry_operator.notes import utc_now
from outcry_operator.wallet import objects, requests
from outcry_operator.wallet.ceremony_job import job, job_name
from outcry_operator.wallet.names import CEREMONY, SIGNERS, WALLET_LABEL, Wallet
from outcry_operator.wallet.record import RecordError, key_of, lines_of
from outcry_operator.wallet.view import of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.wallet.pins import Pins
    from outcry_operator.world import World

RUNNING, DONE, FAILED, REFUSED, WAITING = "Running", "Done", "Failed", "Refused", "Waiting"
ENDED = (DONE, FAILED, REFUSED)
MESSAGE_LIMIT = 1000

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What the ConfigMap of ceremonies holds."""

    lines: tuple[str, ...] = ()
    key: KeyRecord | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a Job."""

    state: str
    message: str = ""
    """The record's lines where it is done, else why not."""


async def load(wallet: Wallet, world: World) -> Kept:
    """From the ConfigMap; where it was lost, the key as the status tells it."""
    found = await world.kube.get("ConfigMap", wallet.ceremony, namespace=wallet.namespace)
    if found is None:
        return Kept(key=wallet.status.key)
    data = found.get("data", {})
    return Kept(lines=tuple(lines_of(data.get("record.jsonl", ""))), key=_key_in(data) or wallet.status.key)


def _key_in(data: Mapping[str, str]) -> KeyRecord | None:
    try:
        return KeyRecord.model_validate_json(data["key.json"])
    except (KeyError, ValueError):
        return None


def is_open(wallet: Wallet) -> bool:
    """Something is asked for that hasn't ended yet."""
    known = wallet.status.ceremony
    ended = known is not None and known.request == wallet.request[:64] and known.state in ENDED
    return bool(wallet.request) and not ended


def epoch_of(wallet: Wallet, kept: Kept) -> int:
    """Of the key when the ceremony was asked for: the same words at another epoch are another request."""
    known = wallet.status.ceremony
    if known is not None and known.request == wallet.request[:64]:
        return known.epoch
    return kept.key.epoch if kept.key else 0


def due(wallet: Wallet, kept: Kept, *, ready: Mapping[int, bool]) -> CeremonyRecord | None:
    """The state of what is asked for, before any Job is looked at; None: nothing is asked for."""
    text = wallet.request[:64]
    if not text:
        return wallet.status.ceremony
    if not is_open(wallet):
        return wallet.status.ceremony
    request = requests.parse(wallet.request)
    if request is None:
        return _refused(text, f"no ceremony is called so: ask for {requests.FORMS}")
    if request.verb != "generate" and kept.key is None:
        return _refused(text, f"there is no key to {request.verb} yet: ask for generate")
    down = [f"signer-{index}" for index in SIGNERS if not ready.get(index)]
    if down:
        words = f"a ceremony needs all three signers: waiting for {', '.join(down)}"
        return CeremonyRecord(request=text, epoch=epoch_of(wallet, kept), state=WAITING, message=words)
    return CeremonyRecord(request=text, epoch=epoch_of(wallet, kept), state=RUNNING)


def _refused(text: str, words: str) -> CeremonyRecord:
    return CeremonyRecord(request=text, state=REFUSED, message=words, finished=utc_now())


async def carry_out(
    wallet: Wallet, world: World, state: CeremonyRecord, kept: Kept, pins: Pins
) -> tuple[CeremonyRecord, Kept]:
    """Start the Job, or take what it came to; the ceremony's state and the record as they are then."""
    request = requests.parse(wallet.request)
    if state.state != RUNNING or request is None:
        return state, kept
    await drift.ensure(objects.record_claim(wallet), world.kube)
    body = await world.kube.get("Job", job_name(wallet, request, state.epoch), namespace=wallet.namespace)
    if body is None:
        await world.kube.create(job(wallet, world.settings, request, epoch=state.epoch))
        return state, kept
    result = await _result(wallet, world, body)
    if result.state == RUNNING:
        return state, kept
    if result.state == FAILED:
        return _ended(state, FAILED, result.message), kept
    try:
        kept, key = taken(wallet, kept, pins, lines_of(result.message))
    except RecordError as error:
        return _ended(state, FAILED, f"the record that the ceremony left isn't believed: {error}"), kept
    await drift.ensure(record_map(wallet, kept), world.kube)
    words = f"{key.scheme} key {key.public_key}, epoch {key.epoch}, confirmed by all three"
    return _ended(state, DONE, words), kept


def taken(wallet: Wallet, kept: Kept, pins: Pins, lines: list[str]) -> tuple[Kept, KeyRecord]:
    """The record with these lines, and the key that they prove; raises RecordError."""
    key = key_of(lines, pins.identities, scheme=wallet.scheme)
    if kept.key is not None and key.public_key != kept.key.public_key:
        raise RecordError("it is of another key than this wallet's, which never changes")
    if kept.key is not None and key.epoch < kept.key.epoch:
        raise RecordError(f"it is of epoch {key.epoch}, and the key is at {kept.key.epoch} already")
    more = [line for line in lines if line not in kept.lines]
    return Kept(lines=(*kept.lines, *more), key=key), key


def record_map(wallet: Wallet, kept: Kept) -> Object:
    """The ConfigMap of ceremonies, which outlives the wallet."""
    key = kept.key.model_dump(by_alias=True) if kept.key else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": wallet.meta(wallet.ceremony, CEREMONY, kept=True),
        "data": {
            "record.jsonl": "".join(f"{line}\n" for line in kept.lines),
            "key.json": json.dumps(key, sort_keys=True),
        },
    }


def _ended(state: CeremonyRecord, how: str, message: str) -> CeremonyRecord:
    return state.model_copy(update={"state": how, "message": message[:MESSAGE_LIMIT], "finished": utc_now()})


async def _result(wallet: Wallet, world: World, body: Object) -> Result:
    conditions = {
        entry["type"] for entry in body.get("status", {}).get("conditions", ()) if entry["status"] == "True"
    }
    if not conditions & {"Complete", "Failed"}:
        return Result(state=RUNNING)
    labels = f"{WALLET_LABEL}={wallet.name},batch.kubernetes.io/job-name={body['metadata']['name']}"
    pods = of(await world.kube.list("Pod", namespace=wallet.namespace, labels=labels), CEREMONY)
    return result_of(pods, complete="Complete" in conditions)


def result_of(pods: list[Object], *, complete: bool) -> Result:
    """From the Job's pods: what the one that ended well wrote, or what the last one said."""
    told = [
        _last_words(body) for body in sorted(pods, key=lambda body: body["metadata"]["creationTimestamp"])
    ]
    if complete:
        good = [words for code, words in told if code == 0 and words]
        if good:
            return Result(state=DONE, message=good[-1])
        return Result(
            state=FAILED,
            message="it ended well, but its pod is gone with what it told: ask again, with @ and a word",
        )
    words = next((words for _, words in reversed(told) if words), "its pods are gone")
    return Result(state=FAILED, message=words.strip().splitlines()[-1])


def _last_words(body: Object) -> tuple[int, str]:
    container: Object = next(iter(body.get("status", {}).get("containerStatuses", ())), {})
    ended = container.get("state", {}).get("terminated") or {}
    return int(ended.get("exitCode", -1)), str(ended.get("message", ""))
