"""A market as the operator would open it: its settings in Consul, and the command that starts it."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from confluent_kafka import Producer
from outcry.v1.command_pb2 import Command, CommandBatch
from outcry_operator.models.tradingpair import TradingPairSpec
from outcry_operator.pair.market_settings import key_value
from outcry_services.common.pairs import read_pair

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from e2e.backends import ConsulServer, KafkaServer

__all__ = ["example_spec", "open_market"]

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "btc-usdt.yaml"
OPERATOR = 1024
SETTINGS_SECONDS = 30


def example_spec() -> dict[str, Any]:
    """The spec of the pair that README begins with."""
    documents = yaml.safe_load_all(EXAMPLE.read_text(encoding="utf-8"))
    return dict(next(found["spec"] for found in documents if found["kind"] == "TradingPair"))


def open_market(
    symbol: str,
    spec: Mapping[str, Any],
    *,
    kafka: KafkaServer,
    consul: ConsulServer,
    generation: int = 1,
) -> None:
    """Publish a spec, or a changed one with the next generation; returns once both are written."""
    text = key_value(TradingPairSpec.model_validate(spec))
    request = urllib.request.Request(f"{consul.url}/v1/kv/outcry/pairs/{symbol}", data=text, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()
    settings = read_pair(symbol, text).settings()
    command = Command(
        source=OPERATOR,
        incarnation=1,
        number=generation,
        time_unix_nanos=time.time_ns(),
        pair_settings=settings,
    )
    batch = CommandBatch(version=1, symbol=symbol, count=1, commands=[command])
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all"})
    producer.produce(f"matching.{symbol}", batch.SerializeToString(), partition=0)
    producer.flush(SETTINGS_SECONDS)
