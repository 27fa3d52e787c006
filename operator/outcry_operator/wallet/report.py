"""From what was found to what `status` says and which Events tell of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem, Verdict, merge
from outcry_operator.models.wallet_status import SignerRecord
from outcry_operator.notes import Note
from outcry_operator.wallet import ceremony
from outcry_operator.wallet.names import SIGNERS
from outcry_operator.wallet.signer_pod import zone_of
from outcry_operator.wallet.units import asset_text, coin_of
from outcry_operator.wallet.zones import THRESHOLD, outlook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.clients.wallet_page import WalletNumbers
    from outcry_operator.models.status import Condition
    from outcry_operator.models.wallet_status import CeremonyRecord, KeyRecord, WalletStatus
    from outcry_operator.wallet.names import Wallet
    from outcry_operator.wallet.view import Seen

TYPES = ("NodesHealthy", "QuorumReady", "KeysGenerated", "Reconciled", "Paused")
"""In the order in which they stand in the status."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that one run learned."""

    seen: Seen
    identities: Mapping[int, str] = field(default_factory=dict)
    """Pinned."""
    ready: Mapping[int, bool] = field(default_factory=dict)
    """Signers that run with the configuration of today."""
    key: KeyRecord | None = None
    ceremony: CeremonyRecord | None = None
    numbers: WalletNumbers | None = None
    """None: the wallet service didn't say."""
    unsaid: Problem | None = None
    """Why it didn't."""
    quorum: Problem | None = None
    """What is wrong with the signers, besides pods that aren't ready."""
    rollout: str = ""
    certificates_until: str = ""
    problems: tuple[Problem, ...] = ()
    """Whatever kept this run from putting everything right."""


def status_of(wallet: Wallet, found: Findings, *, now: str) -> WalletStatus:
    """The whole status."""
    verdicts = {
        "NodesHealthy": _nodes(found),
        "QuorumReady": _quorum(found),
        "KeysGenerated": _keys(found),
        "Reconciled": _reconciled(wallet, found),
        "Paused": _paused(wallet),
    }
    conditions = merge(wallet.status.conditions, verdicts, types=TYPES, generation=wallet.generation, now=now)
    ready = sum(bool(found.ready.get(index)) for index in SIGNERS)
    return wallet.status.model_copy(
        update={
            "observed_generation": wallet.generation,
            "conditions": conditions,
            "signers_ready": f"{ready}/{len(SIGNERS)}",
            "signers": [_signer(wallet, found, index) for index in SIGNERS],
            "zones": outlook(found.seen.zones) or wallet.status.zones,
            "key": found.key,
            "ceremony": found.ceremony,
            "certificates_until": found.certificates_until or wallet.status.certificates_until,
            "rollout": found.rollout,
            **_numbers(wallet, found.numbers),
        }
    )


def condition_of(status: WalletStatus, kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((condition for condition in status.conditions if condition.type == kind), None)


def notes_of(old: WalletStatus, new: WalletStatus) -> list[Note]:
    """What is worth an Event: conditions that turned, and ceremonies."""
    return [*_ceremony_notes(old, new), *_identity_notes(old, new), *_condition_notes(old, new)]


def _signer(wallet: Wallet, found: Findings, index: int) -> SignerRecord:
    return SignerRecord(
        index=index,
        identity=found.identities.get(index, ""),
        zone=found.seen.zones.get(index, "") or zone_of(wallet, index),
        ready=bool(found.ready.get(index)),
    )


def _numbers(wallet: Wallet, numbers: WalletNumbers | None) -> dict[str, object]:
    """Those of the wallet service; where it doesn't say, the last that are known."""
    if numbers is None:
        return {}
    coin = coin_of(wallet)
    told: dict[str, object] = {"height": numbers.height, "pending": numbers.pending}
    if coin.asset in numbers.balances:
        told["hot_balance"] = asset_text(numbers.balances[coin.asset], coin.chain_scale)
    return told


def _nodes(found: Findings) -> Verdict:
    numbers = found.numbers
    if numbers is None:
        why = found.unsaid or Problem(reason="NotRunning", message="", status="Unknown")
        return Verdict(status="Unknown", reason=why.reason, message=why.message)
    away = [f"{name} is {state}" for name, state in sorted(numbers.nodes.items()) if state != "ready"]
    words = f"{numbers.ready} of {len(numbers.nodes)} nodes counted, {numbers.majority} needed"
    told = "; ".join([words, *away])
    if numbers.contested:
        words = f"the nodes disagree on a settled block: nothing is credited; {told}"
        return Verdict(status="False", reason="Contested", message=words)
    if numbers.ready < numbers.majority:
        return Verdict(status="False", reason="NoMajority", message=f"nothing is credited; {told}")
    return Verdict(status="True", reason="SomeAway" if away else "NodesHealthy", message=told)


def _quorum(found: Findings) -> Verdict:
    down = [index for index in SIGNERS if not found.ready.get(index)]
    why = [_why(found, index) for index in down]
    if found.quorum is not None:
        why.append(found.quorum.message)
    told = "; ".join(why)
    if len(SIGNERS) - len(down) < THRESHOLD:
        reason = found.quorum.reason if found.quorum else "TooFewSigners"
        return Verdict(status="False", reason=reason, message=f"nothing is signed, withdrawals wait; {told}")
    if found.quorum is not None:
        return Verdict(status="True", reason=found.quorum.reason, message=f"two of three sign; {told}")
    if down:
        words = f"the two others sign, and neither may be lost; {told}"
        return Verdict(status="True", reason="OneDown", message=words)
    return Verdict(status="True", reason="QuorumReady", message="all three signers are ready")


def _why(found: Findings, index: int) -> str:
    pod = found.seen.signers.get(index)
    if pod is None:
        return f"signer-{index} has no pod"
    if pod.trouble:
        return f"signer-{index} isn't ready ({pod.trouble})"
    return f"signer-{index} isn't ready" if not pod.ready else f"signer-{index} has older settings"


def _keys(found: Findings) -> Verdict:
    asked, key = found.ceremony, found.key
    going = (
        f"; {asked.request}: {asked.message or asked.state}" if asked and asked.state != ceremony.DONE else ""
    )
    if key is not None:
        words = f"{key.scheme} key {key.public_key}, epoch {key.epoch}, confirmed by all three signers"
        return Verdict(status="True", reason="KeysGenerated", message=words + going)
    if asked is None:
        words = "ask for the ceremony: annotate the wallet with outcry.trade/ceremony=generate"
        return Verdict(status="False", reason="NotGenerated", message=words)
    return Verdict(status="False", reason=f"Ceremony{asked.state}", message=going.removeprefix("; "))


def _reconciled(wallet: Wallet, found: Findings) -> Verdict:
    worst = min(found.problems, key=lambda problem: problem.status != "False", default=None)
    if worst is not None:
        return worst.verdict
    if found.rollout:
        return Verdict(status="False", reason="Rolling", message=found.rollout)
    words = f"generation {wallet.generation} is carried out"
    return Verdict(status="True", reason="Reconciled", message=words)


def _paused(wallet: Wallet) -> Verdict:
    if wallet.spec.paused:
        words = "spec.paused: nothing is built, signed or broadcast; deposits are credited on"
        return Verdict(status="True", reason="Paused", message=words)
    return Verdict(status="False", reason="Running", message="withdrawals go out")


def _ceremony_notes(old: WalletStatus, new: WalletStatus) -> list[Note]:
    asked = new.ceremony
    if asked is None or asked == old.ceremony or asked.state == ceremony.WAITING:
        return []
    kind = "Normal" if asked.state in (ceremony.RUNNING, ceremony.DONE) else "Warning"
    words = f"ceremony {asked.request}: {asked.message or 'under way'}"
    cause = f"{asked.request} {asked.state} {asked.finished}"
    return [Note(reason=f"Ceremony{asked.state}", message=words, cause=cause, kind=kind)]  # type: ignore[arg-type]


def _identity_notes(old: WalletStatus, new: WalletStatus) -> list[Note]:
    before = {record.index: record.identity for record in old.signers}
    return [
        Note(
            reason="IdentityPinned",
            message=f"signer-{record.index} is pinned as {record.identity}",
            cause=f"{record.index} {record.identity}",
        )
        for record in new.signers
        if record.identity and before.get(record.index) != record.identity
    ]


def _condition_notes(old: WalletStatus, new: WalletStatus) -> list[Note]:
    notes = []
    for entry in new.conditions:
        before = condition_of(old, entry.type)
        if before is None and entry.status != "True":
            continue
        if before is not None and (before.status, before.reason) == (entry.status, entry.reason):
            continue
        good = entry.status == "True" or entry.type == "Paused" or entry.reason == "Rolling"
        since = before.last_transition_time if before else "the beginning"
        notes.append(
            Note(
                reason=entry.reason,
                message=f"{entry.type} is {entry.status}: {entry.message}",
                cause=f"{entry.type} {entry.status} {entry.reason} {since}",
                kind="Normal" if good else "Warning",
            )
        )
    return notes
