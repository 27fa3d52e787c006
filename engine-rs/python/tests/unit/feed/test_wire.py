"""Messages, packets and the schema."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from outcry_engine.feed import MalformedError, messages, packets

SCHEMA = Path(__file__).resolve().parents[4] / "feed" / "schema" / "feed.xml"
CODES = {"uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q", "int64": "q"}


def written() -> dict[int, tuple[str, list[str], str]]:
    """Template id → name, fields and struct format, as the schema has them."""
    root = ET.parse(SCHEMA).getroot()
    chars = {kind.get("name"): f"{kind.get('length')}s" for kind in root.iterfind("types/type")}
    codes = CODES | chars
    found = {}
    for message in root.iterfind("{*}message"):
        fields = message.findall("field")
        names = [re.sub("([A-Z])", r"_\1", field.attrib["name"]).lower() for field in fields]
        layout = "<" + "".join(codes[field.attrib["type"]] for field in fields)
        found[int(message.attrib["id"])] = (message.attrib["name"], names, layout)
    return found


def test_the_schema_says_what_the_decoder_reads() -> None:
    root = ET.parse(SCHEMA).getroot()
    assert root.attrib["id"] == str(messages.SCHEMA_ID)
    assert root.attrib["version"] == str(messages.SCHEMA_VERSION)
    coded = {
        template: (kind.__name__, list(kind._fields), fields.format)
        for template, (kind, fields) in messages.LAYOUTS.items()
    }
    assert coded == written()


def test_messages_come_back_and_later_versions_are_passed_over() -> None:
    added = messages.OrderAdded(7, 100, 5, messages.BUY)
    deleted = messages.OrderDeleted(9)
    longer = bytearray(messages.encode(deleted) + b"xyz")
    longer[0] += 3
    unknown = struct.pack("<HHHHB", 1, 999, messages.SCHEMA_ID, 2, 0)
    block = messages.encode(added) + unknown + bytes(longer)
    assert list(messages.decode(block)) == [added, deleted]


@pytest.mark.parametrize("end", [1, 7, 9, 32])
def test_a_prefix_of_a_message_is_none(end: int) -> None:
    whole = messages.encode(messages.OrderAdded(7, 100, 5, messages.BUY))
    with pytest.raises(MalformedError, match="end inside"):
        list(messages.decode(whole[:end]))


def test_another_schema_s_message_is_none() -> None:
    with pytest.raises(MalformedError, match="schema 80"):
        list(messages.decode(struct.pack("<HHHH", 0, 22, 80, 1)))


def datagram(*blocks: bytes, count: int | None = None) -> bytes:
    head = struct.pack("<10sQHQqq", b"ABCDEFGHJK", 41, len(blocks) if count is None else count, 3, 10, 20)
    return head + b"".join(struct.pack("<H", len(block)) + block for block in blocks)


def test_a_packet_is_taken_apart() -> None:
    packet = packets.parse(datagram(b"one", b"", b"three"))
    assert (packet.session, packet.sequence, packet.epoch) == ("ABCDEFGHJK", 41, 3)
    assert packet.blocks == (b"one", b"", b"three")
    assert (packet.next_sequence, packet.received_unix_nanos, packet.sent_unix_nanos) == (44, 10, 20)


def test_a_heartbeat_and_an_end_say_what_is_next() -> None:
    beat, end = packets.parse(datagram()), packets.parse(datagram(count=0xFFFF))
    assert (beat.next_sequence, beat.ends_session) == (41, False)
    assert (end.next_sequence, end.ends_session) == (41, True)


def test_what_is_no_packet_is_refused() -> None:
    whole = datagram(b"one", b"two")
    for end in range(len(whole)):
        with pytest.raises(MalformedError):
            packets.parse(whole[:end])
    with pytest.raises(MalformedError, match="1 bytes behind"):
        packets.parse(whole + b"x")
