"""Hearing a line: the socket of one group and port, with the kernel's stamps."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address
from typing import Final

from outcry_engine.feed.errors import FeedError

_SO_TIMESTAMPING: Final = 37
_RX_HARDWARE, _RX_SOFTWARE, _SOFTWARE, _RAW_HARDWARE = 1 << 2, 1 << 3, 1 << 4, 1 << 6
_RECEIVE_BUFFER: Final = 8 << 20
_DATAGRAM: Final = 2800
_TIMES = struct.Struct("@6q")


def parse(line: str) -> tuple[str, int]:
    """Group and port of `GROUP:PORT`; raises `FeedError`."""
    group, _, port = line.rpartition(":")
    try:
        address, number = IPv4Address(group), int(port)
    except ValueError:
        address, number = IPv4Address(0), 0
    if not address.is_multicast or not 0 < number < 65536:
        raise FeedError(f"{line!r} is not GROUP:PORT with a multicast group, like 239.1.1.1:30000")
    return group, number


def hear(line: str, *, interface: str) -> socket.socket:
    """A socket that hears `GROUP:PORT` on the named interface, or on the one that the routes choose.

    Raises `FeedError` that names what is wrong with the line, `OSError` for what the kernel refuses.
    """
    group, number = parse(line)
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        heard.setblocking(False)
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        heard.setsockopt(
            socket.SOL_SOCKET, _SO_TIMESTAMPING, _RX_HARDWARE | _RX_SOFTWARE | _SOFTWARE | _RAW_HARDWARE
        )
        # Bound to the group, so that other groups on the same port are not heard.
        heard.bind((group, number))
        index = socket.if_nametoindex(interface) if interface else 0
        membership = struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index)
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except BaseException:
        heard.close()
        raise
    return heard


def receive(heard: socket.socket) -> tuple[bytes, int | None] | None:
    """The next datagram and when it arrived in Unix nanoseconds; None when there is none."""
    try:
        datagram, controls, _, _ = heard.recvmsg(_DATAGRAM, 256)
    except (BlockingIOError, InterruptedError):
        return None
    for level, kind, data in controls:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPING) and len(data) >= _TIMES.size:
            software, software_nanos, _, _, hardware, hardware_nanos = _TIMES.unpack_from(data)
            by_card = hardware * 1_000_000_000 + hardware_nanos
            return datagram, by_card or software * 1_000_000_000 + software_nanos
    return datagram, None
