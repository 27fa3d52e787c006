"""The job makes what is missing, once, and leaves what is there as it is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from confluent_kafka.admin import ConfigResource, ResourceType
from outcry_services.common.errors import ConflictError, RefusedError, UnavailableError
from outcry_services.topics.ensure import ensure_topics
from outcry_services.topics.plan import planned

from e2e.backends import KafkaServer, wait_until
from e2e.backends.ports import free_port

pytestmark = pytest.mark.integration

EXPECTED = {
    "orders": 8,
    "order-events": 8,
    "journal": 8,
    "pressure": 1,
    "risk-settings": 1,
    "risk-view": 1,
    "dead-letter": 1,
}


@pytest.fixture
def own_kafka():
    """Topics have fixed names: each test has a broker of its own."""
    with KafkaServer() as server:
        yield server


def made(topics):
    return {topic.name: topic.made for topic in topics}


def partitions_of(kafka):
    return {name: len(topic.partitions) for name, topic in kafka.admin.list_topics(timeout=10).topics.items()}


def shown(kafka):
    """Wait until the broker shows all of them: the controller answers before it does."""
    wait_until(lambda: partitions_of(kafka).keys() >= EXPECTED.keys(), seconds=30, what="all topics shown")


def config_of(kafka, name):
    admin, resource = kafka.admin, ConfigResource(ResourceType.TOPIC, name)
    entries = admin.describe_configs([resource])[resource].result(10)
    return {key: entry.value for key, entry in entries.items()}


def test_all_are_made_once(own_kafka):
    first = made(ensure_topics(own_kafka.bootstrap, partitions=8, replication=1))
    assert first == dict.fromkeys(EXPECTED, True)
    shown(own_kafka)
    assert partitions_of(own_kafka) == EXPECTED
    again = list(ensure_topics(own_kafka.bootstrap, partitions=8, replication=1))
    assert made(again) == dict.fromkeys(EXPECTED, False)
    assert {topic.name: topic.partitions for topic in again} == EXPECTED


def test_what_is_kept_for_ever_and_what_is_not(own_kafka):
    list(ensure_topics(own_kafka.bootstrap, partitions=2, replication=1))
    shown(own_kafka)
    for name in ("orders", "order-events", "dead-letter"):
        config = config_of(own_kafka, name)
        assert (config["cleanup.policy"], config["retention.ms"]) == ("delete", "-1"), name
    assert config_of(own_kafka, "risk-settings")["cleanup.policy"] == "compact"
    assert config_of(own_kafka, "pressure")["retention.ms"] == "600000"


def test_topics_that_are_there_keep_their_partitions(own_kafka):
    own_kafka.create_topic("orders", partitions=3)
    done = {topic.name: topic for topic in ensure_topics(own_kafka.bootstrap, partitions=8, replication=1)}
    assert (done["orders"].made, done["orders"].partitions) == (False, 3)
    assert partitions_of(own_kafka)["orders"] == 3


def test_a_topic_of_which_readers_know_one_partition_must_have_one(own_kafka):
    own_kafka.create_topic("pressure", partitions=2)
    with pytest.raises(ConflictError, match="pressure has 2 partitions"):
        list(ensure_topics(own_kafka.bootstrap, partitions=8, replication=1))


def test_more_copies_than_brokers_are_refused_by_name(own_kafka):
    with pytest.raises(RefusedError, match="topic orders"):
        list(ensure_topics(own_kafka.bootstrap, partitions=8, replication=3))


def test_two_copies_must_have_a_record_where_there_are_three():
    assert all(plan.config["min.insync.replicas"] == "2" for plan in planned(partitions=8, replication=3))
    assert not any("min.insync.replicas" in plan.config for plan in planned(partitions=8, replication=1))


def test_no_kafka_is_said_to_be_none(monkeypatch):
    monkeypatch.setattr("outcry_services.topics.ensure._SECONDS", 1.0)
    with pytest.raises(UnavailableError, match="doesn't answer"):
        list(ensure_topics(f"127.0.0.1:{free_port()}", partitions=8, replication=1))


def run_job(**variables):
    return subprocess.run(
        [sys.executable, "-m", "outcry_services.topics"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_job_says_what_it_made(own_kafka):
    done = run_job(OUTCRY_KAFKA=own_kafka.bootstrap, OUTCRY_SHARED_PARTITIONS="4")
    assert done.returncode == 0, done.stderr
    assert partitions_of(own_kafka) == EXPECTED | {"orders": 4, "order-events": 4, "journal": 4}
    assert "risk-settings" in done.stdout + done.stderr


def test_the_job_refuses_settings_that_make_no_sense():
    done = run_job(OUTCRY_KAFKA="127.0.0.1:1", OUTCRY_SHARED_PARTITIONS="0")
    assert done.returncode == 1
    assert "OUTCRY_SHARED_PARTITIONS" in done.stderr
