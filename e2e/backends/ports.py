"""Free ports for servers.

A server that is killed and restarted must find its port free again, so ports come from below the
range that the kernel hands to outgoing connections, and from a random place in it, because several
test runs share one machine. One that was given is free until its server listens: it is given once.
"""

from __future__ import annotations

import random
import socket

__all__ = ["free_port"]

FIRST, LAST = 12000, 29999
_given: set[int] = set()


def free_port(*, udp: bool = False) -> int:
    """A port that nothing on the loopback address uses now, for TCP and, if asked, UDP too."""
    for _ in range(1000):
        port = random.randint(FIRST, LAST)
        if port in _given:
            continue
        if _is_free(port, socket.SOCK_STREAM) and (not udp or _is_free(port, socket.SOCK_DGRAM)):
            _given.add(port)
            return port
    raise OSError(f"no free port between {FIRST} and {LAST} in 1000 tries")


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
