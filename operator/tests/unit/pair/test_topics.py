"""What is to be done about topics."""

from __future__ import annotations

import pytest
from outcry_operator.clients.kafka import Topic
from outcry_operator.pair.topics import DEAD_LETTER, SHARED, desired_config, plan, retention_seconds

from .making import make_condition, make_pair

PAIR = make_pair()
OWN = PAIR.topics
REMEMBERED = [{"name": name, "id": f"id-{name}"} for name in OWN]


def topic(name, *, identity="", partitions=1):
    return Topic(name=name, id=identity or f"id-{name}", partitions=partitions)


def there(**changes):
    """Kafka with everything in it, but for the changes."""
    return {name: topic(name) for name in (*OWN, *SHARED)} | changes


def configs(pair=PAIR):
    return {name: desired_config(pair, name) for name in OWN}


def test_all_is_made_where_nothing_is():
    todo = plan(PAIR, dict.fromkeys((*OWN, *SHARED)), {})
    assert set(todo.create) == {*OWN, *SHARED}
    assert todo.record == ()
    assert todo.problem is None


def test_what_is_there_is_remembered_first():
    todo = plan(PAIR, there(**{OWN[2]: None}), configs())
    assert [record.name for record in todo.record] == list(OWN[:2])
    assert todo.create == (OWN[2],)


def test_nothing_is_to_do_where_all_is_well():
    pair = make_pair(status={"topics": REMEMBERED})
    todo = plan(pair, there(), configs())
    assert (todo.record, todo.create, dict(todo.configure), todo.problem) == ((), (), {}, None)


@pytest.mark.parametrize("name", OWN)
def test_a_loss_counts_at_the_second_look(name):
    pair = make_pair(status={"topics": REMEMBERED})
    first = plan(pair, there(**{name: None}), configs())
    assert first.problem is not None
    assert (first.problem.reason, first.problem.status) == ("TopicMissing", "Unknown")
    assert first.problem.retry_seconds is not None
    conditions = [make_condition("TopicsReady", "Unknown", "TopicMissing").model_dump(by_alias=True)]
    pair = make_pair(status={"topics": REMEMBERED, "conditions": conditions})
    second = plan(pair, there(**{name: None}), configs())
    assert second.problem is not None
    assert (second.problem.reason, second.problem.status) == ("TopicLost", "False")
    assert second.create == ()


def test_another_topic_of_the_name_is_a_loss_at_once():
    pair = make_pair(status={"topics": REMEMBERED})
    todo = plan(pair, there(**{OWN[0]: topic(OWN[0], identity="other")}), configs())
    assert todo.problem is not None
    assert todo.problem.reason == "TopicLost"


def test_a_lost_shared_topic_is_simply_made():
    pair = make_pair(status={"topics": REMEMBERED})
    todo = plan(pair, there(**{DEAD_LETTER: None}), configs())
    assert (todo.create, todo.problem) == ((DEAD_LETTER,), None)


@pytest.mark.parametrize("name", OWN)
def test_partitions_are_counted(name):
    todo = plan(PAIR, there(**{name: topic(name, partitions=2)}), configs())
    assert todo.problem is not None
    assert todo.problem.reason == "WrongPartitionCount"
    assert f"{name} has 2 partitions" in todo.problem.message
    assert todo.create == todo.record == ()


def test_only_what_differs_is_configured():
    found = configs()
    found[OWN[1]] = {**found[OWN[1]], "retention.ms": "1000"}
    assert plan(PAIR, there(), found).configure == {OWN[1]: {"retention.ms": "-1"}}


def test_input_and_events_are_never_deleted_by_time():
    for name in OWN[:2]:
        config = desired_config(PAIR, name)
        assert (config["retention.ms"], config["cleanup.policy"]) == ("-1", "delete")
    assert int(desired_config(PAIR, OWN[2])["retention.ms"]) > 0


@pytest.mark.parametrize(("copies", "least"), [(1, None), (2, None), (3, "2"), (5, "2")])
def test_acknowledged_means_two_copies_where_there_are_three(copies, least):
    pair = make_pair(kafka={"replicationFactor": copies})
    assert desired_config(pair, OWN[0]).get("min.insync.replicas") == least


def test_the_specs_own_configuration_counts():
    pair = make_pair(kafka={"replicationFactor": 3, "config": {"min.insync.replicas": "1"}})
    assert desired_config(pair, OWN[0])["min.insync.replicas"] == "1"


@pytest.mark.parametrize(("text", "seconds"), [("1h", 3600), ("7d", 604_800), ("36h", 129_600)])
def test_retention_in_seconds(text, seconds):
    assert retention_seconds(make_pair(kafka={"retention": text}).spec.kafka) == seconds
