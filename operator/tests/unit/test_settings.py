"""The operator's own settings and its errors."""

from __future__ import annotations

import json
import logging

import pytest
from outcry_operator import errors
from outcry_operator.logs import JsonFormatter
from outcry_operator.settings import Settings

NEEDED = {"OUTCRY_KAFKA": "k:9092", "OUTCRY_CONSUL": "http://c:8500"}


def test_each_field_is_a_variable():
    found = Settings.from_environment(
        {
            **NEEDED,
            "OUTCRY_WATCH_NAMESPACES": "a, b",
            "OUTCRY_SWEEP_SECONDS": "2.5",
            "OUTCRY_WORKERS": "3",
            "OUTCRY_ENGINE_IMAGE": "",
        }
    )
    assert (found.watch_namespaces, found.sweep_seconds, found.workers) == (("a", "b"), 2.5, 3)
    assert found.engine_image == "outcry/engine:dev"


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="OUTCRY_CONSUL must be set"):
        Settings.from_environment({"OUTCRY_KAFKA": "k:9092"})
    with pytest.raises(ValueError, match="OUTCRY_WORKERS='many' is not a number"):
        Settings.from_environment({**NEEDED, "OUTCRY_WORKERS": "many"})


def test_every_error_has_a_reason_for_a_condition():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) > 8
    assert all(kind.reason.isidentifier() and kind.reason[0].isupper() for kind in kinds)


def test_logs_are_one_object_a_line():
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "a\nb", "pair": "btc-usdt"})
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line)["pair"] == "btc-usdt"
