import json
import logging

import pytest
from outcry_engine.shell.lock import Lock, LockValue
from outcry_engine.shell.logs import JsonFormatter
from outcry_engine.shell.registration import Entry, definition
from outcry_engine.shell.roles import Role

VALUE = LockValue(
    replica="engine-a-0", epoch=3, since="2026-01-01T00:00:00Z", reason="takeover", previous="engine-a-1"
)


def test_lock_value_goes_there_and_back() -> None:
    assert LockValue.decode(VALUE.encode().encode()) == VALUE


@pytest.mark.parametrize("raw", [None, b"", b"by hand", b"[]", b'{"replica": "x"}', b"\xff"])
def test_what_a_person_wrote_into_the_lock_is_no_value(raw: bytes | None) -> None:
    assert LockValue.decode(raw) is None


def test_a_vacant_lock_has_no_term() -> None:
    assert Lock(index=3, lock_index=2).term is None
    assert Lock(index=3, lock_index=2, session="s").term == "s/2"


@pytest.mark.parametrize(
    ("role", "tags"), [(Role.HOT, ["hot", "x"]), (Role.WARM, ["warm", "x"]), (Role.STARTING, ["x"])]
)
def test_definition_carries_role_and_tags(role: Role, tags: list[str]) -> None:
    entry = Entry(role=role, meta=(("reason", "r" * 600),))
    body = definition(
        entry,
        service="engine-a",
        replica="engine-a-0",
        address="10.0.0.7",
        port=7070,
        tags=("x",),
        check=False,
    )
    assert body["Tags"] == tags
    assert len(body["Meta"]["reason"]) == 512
    assert "Check" not in body


def test_a_log_line_is_one_json_object_with_ids() -> None:
    record = logging.makeLogRecord({"name": "a", "levelname": "INFO", "msg": "role\nchanged", "epoch": 7})
    line = JsonFormatter(symbol="BTC-USDT").format(record)
    assert "\n" not in line
    parsed = json.loads(line)
    assert parsed["message"] == "role\nchanged"
    assert (parsed["symbol"], parsed["epoch"], parsed["level"]) == ("BTC-USDT", 7, "info")
