"""What services and the core must know of a pair: Consul's KV, and a command in the pair's own log.

The command is numbered by (creation time, generation) of the object, so that the core takes each once. Its
intent is written into `status.settings` before it is sent and its offset after: an operator killed in
between sends again. Without the intent, a change that was sent, not recorded, and then taken back by the
user would look as if it had never been sent, and stay in force.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from outcry.v1 import command_pb2, types_pb2

from outcry_operator.errors import RefusedError
from outcry_operator.models.status import SettingsRecord
from outcry_operator.pair.status import patch_status

if TYPE_CHECKING:
    from outcry_operator.models.tradingpair import TradingPairSpec
    from outcry_operator.pair.names import Pair
    from outcry_operator.pair.world import World

OPERATOR_SOURCE = 1024
BATCH_VERSION = 1
RULES_VERSION = 1
PPM_OF_BPS = 100


@dataclass(frozen=True, kw_only=True)
class SendSettings:
    """The command that the log lacks."""

    record: SettingsRecord
    settings: command_pb2.PairSettings


def settings_of(spec: TradingPairSpec) -> command_pb2.PairSettings:
    """A spec in the core's units: ticks, lots, tick-lots, millionths."""
    tick, lot = Decimal(spec.tick_size), Decimal(spec.lot_size)
    return command_pb2.PairSettings(
        trading_status=types_pb2.TradingStatus.Value(f"TRADING_STATUS_{spec.trading_status}"),
        rules_version=RULES_VERSION,
        price_band_lower=_whole(Decimal(spec.price_band.lower) / tick),
        price_band_upper=_whole(Decimal(spec.price_band.upper) / tick),
        # Rounded up: an order below the stated notional is never let in.
        min_notional=int((Decimal(spec.min_notional) / (tick * lot)).to_integral_value(ROUND_CEILING)),
        maker_fee_ppm=_whole(Decimal(spec.fees.maker_bps) * PPM_OF_BPS),
        taker_fee_ppm=_whole(Decimal(spec.fees.taker_bps) * PPM_OF_BPS),
        quote_units_per_tick_lot=_whole((tick * lot).scaleb(spec.quote.scale)),
        base_units_per_lot=_whole(lot.scaleb(spec.base.scale)),
    )


def plan(pair: Pair) -> SendSettings | None:
    """What must be sent; None when the log has it already. Raises RefusedError for what no integer holds."""
    try:
        settings = settings_of(pair.spec)
    except ValueError as error:
        raise RefusedError(
            f"the spec of {pair.symbol} leaves the range of the core's integers: {error}",
            reason="SettingsOutOfRange",
        ) from error
    content = settings.SerializeToString(deterministic=True)
    digest = hashlib.sha256(content).hexdigest()[:16]
    known = pair.status.settings
    if known is not None and known.digest == digest and known.offset >= 0:
        return None
    return SendSettings(
        record=SettingsRecord(generation=pair.generation, digest=digest, offset=-1), settings=settings
    )


def record_value(pair: Pair, settings: command_pb2.PairSettings, *, now_unix_nanos: int) -> bytes:
    """The record of `matching.{symbol}` that holds the command."""
    command = command_pb2.Command(
        source=OPERATOR_SOURCE,
        incarnation=pair.incarnation,
        number=pair.generation,
        time_unix_nanos=now_unix_nanos,
        pair_settings=settings,
    )
    batch = command_pb2.CommandBatch(version=BATCH_VERSION, symbol=pair.symbol, count=1, commands=[command])
    return batch.SerializeToString()


def key_value(spec: TradingPairSpec) -> bytes:
    """What services read in Consul: the whole spec as JSON, defaults included."""
    return json.dumps(spec.model_dump(by_alias=True, exclude_none=True), sort_keys=True).encode()


async def ensure_key(pair: Pair, world: World) -> None:
    """Put the pair's settings into Consul, where they are missing or other."""
    wanted = key_value(pair.spec)
    found = await world.consul.get_key(pair.settings_key)
    if found is None or found.value != wanted:
        await world.consul.put_key(pair.settings_key, wanted)


async def ensure_command(pair: Pair, world: World) -> Pair:
    """Send the settings into the pair's log, where it lacks them; the pair with its new record."""
    todo = plan(pair)
    if todo is None:
        return pair
    sent = await patch_status(pair, world, {"settings": todo.record.model_dump(by_alias=True)})
    offset = await world.kafka.produce(
        pair.matching,
        key=pair.symbol.encode(),
        value=record_value(pair, todo.settings, now_unix_nanos=time.time_ns()),
    )
    return await patch_status(sent, world, {"settings": {"offset": offset}})


def _whole(value: Decimal) -> int:
    whole = int(value)
    if whole != value:
        raise ValueError(f"{value} is not a whole number of the core's units")
    return whole
