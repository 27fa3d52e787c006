"""The recorded exchange through Kafka into a deployed pair: its events are a replay's, byte by byte."""

from __future__ import annotations

import json
import subprocess
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outcry_engine.cli.commands import GENERATOR
from outcry_engine.cli.dump import DumpReader
from outcry_engine.cli.event_text import split

from e2e.backends import wait_until
from e2e.checker import Judge, Record, read_topic
from e2e.checker.schema import decode_events
from e2e.faults.cluster import ClusterArena
from e2e.faults.flow import ENGINE
from e2e.oracle.events import TradeExecuted
from e2e.recorded.commands import records
from e2e.recorded.compare import UNEXPLAINED, compare
from e2e.recorded.trades import by_recorded_order, oracle_trades
from e2e.tests.conftest import remove_pair
from e2e.tests.producing import produce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.checker.schema import Event
    from e2e.recorded.convert import Conversion

pytestmark = pytest.mark.e2e

SYMBOL = "BTC-USD"
MANIFEST = Path(__file__).parent / "manifests" / "btc-usd.yaml"


@pytest.fixture(scope="module")
def market(recording, cluster) -> Iterator[ClusterArena]:
    """A pair for the recording alone; `recording` comes first, so that without data nothing is deployed."""
    market = ClusterArena(symbol=SYMBOL, environment=cluster.environment)
    remove_pair(market, market.pair)
    market.kubectl("apply", "-f", str(MANIFEST))
    market.kubectl("wait", "--for=condition=Ready", f"pair/{market.pair}", "--timeout=180s")
    yield market
    remove_pair(market, market.pair)
    market.close()


@pytest.fixture(scope="module")
def published(market: ClusterArena, conversion: Conversion) -> list[Record]:
    """The pair's event records, once the last recorded command is answered."""
    produce(market.kafka, f"matching.{SYMBOL}", records(conversion, symbol=SYMBOL, source=GENERATOR))
    found: list[Record] = []

    def answered() -> bool:
        found[:] = read_topic(market.kafka, f"events.{SYMBOL}")
        last = next(
            (decode_events(record.value, SYMBOL)[-1] for record in reversed(found) if record.value), None
        )
        return last is not None and (last.source, last.number) == (GENERATOR, len(conversion.commands))

    wait_until(answered, seconds=120, what="the last recorded command's event", every=1)
    return found


@pytest.fixture(scope="module")
def dump(market: ClusterArena, published: list[Record], tmp_path_factory) -> Path:
    """All of the input topic, as an SRE dumps it."""
    file: Path = tmp_path_factory.mktemp("recorded") / "input.dump"
    engine("inspect", f"matching.{SYMBOL}", "--kafka", market.kafka, "--dump", str(file))
    with DumpReader(file) as reader:
        assert [record.offset for record in islice(reader, 1)] == [0]
    return file


def test_events_are_those_of_a_replay_byte_by_byte(published, dump):
    out = dump.with_suffix(".events")
    summary = json.loads(engine("replay", str(dump), "--format", "binary", "--out", str(out), "--json"))
    ours = [event.raw for event in events(published)]
    assert (summary["poison"], summary["repeated"]) == (0, 0)
    assert len(ours) == summary["events"] > 50_000
    assert ours == list(split(out.read_bytes()))


def test_trades_are_those_of_the_oracle(published, dump):
    made = list(trades(published))
    assert made == list(oracle_trades(dumped(dump), SYMBOL))
    judge = Judge(symbol=SYMBOL, commands=(Record(0, 0, {}, value) for value in dumped(dump)))
    judge.events(published)
    assert judge.finish().fine, judge.report


def test_fills_agree_with_the_recorded_ones(recording, conversion, published, capsys):
    agreement = compare(recording, by_recorded_order(trades(published), conversion))
    with capsys.disabled():
        print(f"\n{agreement.table()}")
    assert agreement.by_orders >= 0.995
    assert agreement.by_volume >= 0.89
    assert UNEXPLAINED not in agreement.causes


def dumped(file: Path) -> Iterator[bytes]:
    """The values of a dump's records."""
    with DumpReader(file) as reader:
        yield from (record.value or b"" for record in reader)


def trades(published: list[Record]) -> Iterator[TradeExecuted]:
    """What traded, in the order of seq."""
    bodies = (event.body for event in events(published))
    return (body for body in bodies if isinstance(body, TradeExecuted))


def events(published: list[Record]) -> Iterator[Event]:
    """Every event once, in the order of seq."""
    seq = 0
    for record in published:
        for event in decode_events(record.value or b"", SYMBOL) if record.value else ():
            if event.seq > seq:
                assert event.seq == seq + 1, f"{seq} is followed by {event.seq}"
                seq = event.seq
                yield event


def engine(*arguments: str) -> str:
    """What `outcry-engine` says on stderr, where its summaries go."""
    done = subprocess.run([ENGINE, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1] if done.stderr else ""
