"""Poison in the middle of the flow, through a pair as two processes: the market does not notice."""

from __future__ import annotations

import json
import urllib.request

import pytest
from confluent_kafka import Producer
from prometheus_client.parser import text_string_to_metric_families

from e2e.backends import EnginePair, ServerStartError, create_pair_topics, wait_until
from e2e.checker import Judge, Recorder, read_topic
from e2e.checker.schema import PoisonError, decode_commands
from e2e.faults.flow import Flow
from e2e.tests.hostile import absurd_batches, poison_records

# One batch of absurd commands is sent twice.
REPEATED = 27


def test_the_checker_itself_tells_poison_from_the_absurd():
    for name, record in poison_records("A-B").items():
        with pytest.raises(PoisonError):
            print(name, decode_commands(record, "A-B"))
    for record in absurd_batches("A-B"):
        assert decode_commands(record, "A-B")


@pytest.fixture
def pair(kafka, consul, symbol):
    create_pair_topics(kafka, symbol)
    config = {"max.message.bytes": "4000000", "retention.ms": "-1"}
    kafka.delete_topic(f"matching.{symbol}")
    kafka.create_topic(f"matching.{symbol}", config=config)
    with EnginePair(symbol=symbol, kafka=kafka, consul=consul) as pair:
        pair.wait_ready()
        yield pair


def metric(replica, name):
    url = f"http://127.0.0.1:{replica.ports.metrics}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


def wait_metric(replica, name, value):
    def reached():
        return metric(replica, name) == value

    try:
        wait_until(reached, seconds=30, what=f"{replica.name}: {name} {value}")
    except ServerStartError as error:
        error.add_note(f"it is {metric(replica, name)}")
        raise


@pytest.mark.integration
def test_poison_in_the_flow_changes_nothing(pair, kafka, tmp_path):
    symbol, topic = pair.symbol, f"matching.{pair.symbol}"
    recorder = Recorder(bootstrap=kafka.bootstrap, topic=topic, path=tmp_path / "input")
    recorder.start()
    flow = Flow(
        symbol=symbol, kafka=kafka.bootstrap, rate=2000, directory=tmp_path, open_pair=True, mid=5_000_000
    )
    poison = poison_records(symbol)
    hot, _ = pair.wait_ready()
    with flow:
        wait_until(lambda: metric(hot, "outcry_commands_total") > 1000, seconds=30, what="orders flow")
        producer = Producer(
            {"bootstrap.servers": kafka.bootstrap, "message.max.bytes": 4_000_000, "log_level": 0}
        )
        for record in [*poison.values(), *absurd_batches(symbol), None]:
            producer.produce(topic, record, partition=0)
        assert producer.flush(30) == 0
        hot, warm = pair.wait_ready()
        for replica in (hot, warm):
            wait_metric(replica, "outcry_poison_records_total", len(poison) + 1)
            wait_metric(replica, "outcry_repeated_commands_total", REPEATED)
        hot.process.kill()
        wait_until(lambda: pair.registry.roles()[0] == warm.name, seconds=30, what="takeover")
        result = flow.stop()
    wait_metric(warm, "outcry_lag_commands", 0)
    wait_metric(warm, "outcry_tail_events", 0)
    recorder.catch_up()
    recorder.stop()
    judge = Judge(symbol=symbol, commands=recorder.fresh())
    judge.events(read_topic(kafka.bootstrap, f"events.{symbol}"))
    report = judge.finish(acknowledged={(result.source, result.incarnation): result.acked})
    assert report.fine, json.dumps(report.as_dict(), indent=1)
    assert report.poison_records == len(poison) + 1
    assert report.repeated_commands == REPEATED
    assert len(report.takeovers) == 2
    kept = {record.value for record in read_topic(kafka.bootstrap, "dead-letter")}
    assert {name for name, record in poison.items() if record not in kept and len(record) < 1 << 20} == set()
