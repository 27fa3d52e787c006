"""What services and the core must know of a pair: Consul's KV, and a command in the pair's own log."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem, Verdict
from outcry_operator.errors import RefusedError
from outcry_operator.models.status import SettingsRecord
from outcry_operator.pair import rules_version
from outcry_operator.pair.commands import ACCEPTED, place_of, send, unanswered
from outcry_operator.pair.conditions import AWAITING
from outcry_operator.pair.units import FIRST_RULES, FIRST_STATUSES, UnitsError, settings_of

if TYPE_CHECKING:
    from outcry.v1 import command_pb2

    from outcry_operator.models.tradingpair import TradingPairSpec
    from outcry_operator.pair.names import Pair
    from outcry_operator.pair.view import Engines
    from outcry_operator.world import World


@dataclass(frozen=True, kw_only=True)
class SendSettings:
    """The command that the log lacks."""

    record: SettingsRecord
    settings: command_pb2.PairSettings


@dataclass(frozen=True, kw_only=True)
class SettingsPlan:
    """What to send, and why something of the spec isn't sent: an engine is waited for, or a person."""

    send: SendSettings | None = None
    waiting: Problem | None = None


def plan(pair: Pair, engines: Engines | None) -> SettingsPlan:
    """Compare the spec with what the log got last."""
    try:
        return _plan(pair, engines)
    except RefusedError as error:
        return SettingsPlan(waiting=Problem.of(error))


def _plan(pair: Pair, engines: Engines | None) -> SettingsPlan:
    waiting = rules_version.obstacle(pair, engines)
    if waiting is None:
        return SettingsPlan(send=_missing(pair, rules=pair.spec.rules_version))
    # What the old rules can say goes on under them: nobody waits for an engine to halt a market.
    says_it = rules_version.asked_for(pair.status) == FIRST_RULES
    if says_it and pair.spec.trading_status in FIRST_STATUSES:
        return SettingsPlan(send=_missing(pair, rules=FIRST_RULES), waiting=waiting)
    return SettingsPlan(waiting=waiting)


def _missing(pair: Pair, *, rules: int) -> SendSettings | None:
    """What must be sent; None when the log has it already. Raises RefusedError for what no integer holds."""
    try:
        settings = settings_of(pair.spec, rules=rules)
    except UnitsError as error:
        raise RefusedError(
            f"the spec of {pair.symbol} leaves the range of the core's integers: {error}",
            reason="SettingsOutOfRange",
        ) from error
    content = settings.SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).hexdigest()[:16]
    known = pair.status.settings
    same = known is not None and known.digest == digest
    if known is not None and same and known.offset >= 0:
        return None
    number, answer_offset = place_of(pair, known if same else None)
    record = SettingsRecord(
        generation=pair.generation,
        digest=digest,
        rules_version=rules,
        number=number,
        answer_offset=answer_offset,
    )
    return SendSettings(record=record, settings=settings)


def key_value(spec: TradingPairSpec) -> bytes:
    """What services read in Consul: the whole spec as JSON, defaults included."""
    return json.dumps(spec.model_dump(by_alias=True, exclude_none=True), sort_keys=True).encode()


async def ensure_key(pair: Pair, world: World) -> None:
    """Put the pair's settings into Consul, where they are missing or other."""
    wanted = key_value(pair.spec)
    found = await world.consul.get_key(pair.settings_key)
    if found is None or found.value != wanted:
        await world.consul.put_key(pair.settings_key, wanted)


async def ensure_command(pair: Pair, world: World, todo: SettingsPlan) -> Pair:
    """Send the settings into the pair's log, where it lacks them; the pair with its new record."""
    if todo.send is None:
        return pair
    return await send(pair, world, "settings", todo.send.record, pair_settings=todo.send.settings)


def verdict(pair: Pair, waiting: Problem | None) -> Verdict | None:
    """The condition `SettingsApplied`; None where nothing is known of any settings."""
    record = pair.status.settings
    if waiting is not None:
        return waiting.verdict
    if record is None:
        return None
    what = f"generation {record.generation} at offset {record.offset} of {pair.matching}"
    if unanswered(record):
        return Verdict(status="Unknown", reason=AWAITING, message=f"{what} isn't answered yet")
    if record.answer == ACCEPTED:
        words = f"{what} is in force, under rules version {record.rules_version}"
        return Verdict(status="True", reason="SettingsApplied", message=words)
    if record.answer:
        words = f"the core refuses {what}: {record.answer}; the settings before it stay in force"
        return Verdict(status="False", reason="SettingsRejected", message=words)
    return None
