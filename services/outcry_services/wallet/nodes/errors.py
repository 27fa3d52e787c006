"""What can go wrong with chain nodes.

    UnavailableError (common)
    ├── NodeError              one node, named; another one may do better
    │   ├── NodeSilentError    no connection, or no whole answer in time
    │   ├── NodeAnswerError    an answer that makes no sense: not JSON, too large, of another shape
    │   └── NodeRefusedError   the node says no, with a code
    └── PoolError              the pool as a whole
        ├── NoNodeError        none of the nodes may be asked, or none of those asked did answer
        └── NoMajorityError    no more than half of all nodes say the same

Messages name a node by its name in the configuration, never by its URL, which may hold a key.
"""

from __future__ import annotations

from outcry_services.common.errors import UnavailableError

__all__ = [
    "NoMajorityError",
    "NoNodeError",
    "NodeAnswerError",
    "NodeError",
    "NodeRefusedError",
    "NodeSilentError",
    "PoolError",
]


class NodeError(UnavailableError):
    """One node can't be used for this call."""

    default_name = "NODE"

    def __init__(self, node: str, message: str) -> None:
        super().__init__(f"node {node}: {message}")
        self.node = node


class NodeSilentError(NodeError):
    """No connection, or no whole answer in time; what was sent may have taken effect."""

    default_name = "NODE_SILENT"


class NodeAnswerError(NodeError):
    """An answer that makes no sense."""

    default_name = "NODE_ANSWER"


class NodeRefusedError(NodeError):
    """The node says no: `rpc_code` is JSON-RPC's, `said` what it says, cut short."""

    default_name = "NODE_REFUSED"

    def __init__(self, node: str, *, method: str, code: int, said: str) -> None:
        super().__init__(node, f"{method} is refused: {said} ({code})")
        self.rpc_code = code
        self.said = said


class PoolError(UnavailableError):
    """The pool can't answer."""

    default_name = "NODE_POOL"


class NoNodeError(PoolError):
    """No node may be asked, or none answered."""

    default_name = "NO_NODE"


class NoMajorityError(PoolError):
    """No answer that more than half of all nodes give."""

    default_name = "NO_MAJORITY"
