"""One DNS question over UDP: what an SRE's `dig` would ask."""

from __future__ import annotations

import random
import socket
import struct

__all__ = ["addresses"]

A, IN = 1, 1


def addresses(name: str, *, server: str, port: int) -> list[str]:
    """The A records of a name; raises `OSError` when nobody answers within two seconds."""
    number = random.randrange(1 << 16)
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    query = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + question + struct.pack(">HH", A, IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(query, (server, port))
        answer = client.recv(4096)
    _, _, questions, answers, _, _ = struct.unpack(">HHHHHH", answer[:12])
    at = 12
    for _ in range(questions):
        at = _after_name(answer, at) + 4
    found = []
    for _ in range(answers):
        at = _after_name(answer, at)
        kind, _, _, length = struct.unpack(">HHIH", answer[at : at + 10])
        at += 10
        if kind == A:
            found.append(socket.inet_ntoa(answer[at : at + length]))
        at += length
    return found


def _after_name(answer: bytes, at: int) -> int:
    while answer[at]:
        if answer[at] & 0xC0:
            return at + 2
        at += 1 + answer[at]
    return at + 1
