"""One listening socket for IPv4 and IPv6 alike, so that a port chosen by the system is one port."""

import socket

_BACKLOG = 128


def listen(port: int) -> socket.socket:
    """A socket on all addresses; raises OSError that names the port."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=_BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"port {port} can't be listened on: {error.strerror}") from error
