"""A log line is one JSON object with the ids at hand and without any secret."""

from __future__ import annotations

import io
import json
import logging

import pytest
from outcry_services.common import logs, trace


@pytest.fixture
def lines():
    """What has been logged, as objects."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(service="order", secrets=["hunter2", 'quo"ted\\', "abc"], stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


def test_a_line_carries_the_trace_and_the_order(lines):
    parent = f"00-{'a1' * 16}-{'b2' * 8}-01"
    with trace.tracing(parent), trace.working_on("2047"):
        logging.getLogger("x").info("accepted %s", 1, extra={"pair": "BTC-USDT"})
    logging.getLogger("x").info("later")
    first, second = lines()
    assert (first["message"], first["service"], first["pair"]) == ("accepted 1", "order", "BTC-USDT")
    assert (first["trace_id"], first["order_id"]) == ("a1" * 16, "2047")
    assert not {"trace_id", "order_id"} & set(second)


def test_secrets_are_hidden_wherever_they_are(lines):
    def connect(password):
        raise ValueError(f"no entry with {password}")

    try:
        connect("hunter2")
    except ValueError:
        logging.getLogger("x").exception("failed", extra={"dsn": {"url": "my://u:hunter2@h", "tries": [1]}})
    logging.getLogger("x").warning('said quo"ted\\ once', extra={"headers": [{"Authorization": "Bearer q"}]})
    first, second = lines()
    assert "hunter2" not in json.dumps(first)
    assert logs.HIDDEN in first["error"]
    assert first["dsn"]["tries"] == [1]
    assert second["message"] == f"said {logs.HIDDEN} once"
    assert second["headers"] == [{"Authorization": logs.HIDDEN}]


def test_short_secrets_do_not_eat_words(lines):
    logging.getLogger("x").info("abc")
    assert lines()[0]["message"] == "abc"


@pytest.mark.parametrize("parent", [None, "", "00-zz-1-01", f"00-{'0' * 32}-{'b2' * 8}-01", "x" * 1000])
def test_a_malformed_parent_begins_a_new_trace(parent):
    with trace.tracing(parent) as name:
        assert len(bytes.fromhex(name)) == 16
        assert trace.traceparent().split("-")[1] == name == trace.trace_id()
    assert trace.trace_id() == ""
