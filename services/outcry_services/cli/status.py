"""What an engine says of itself over gRPC, where its address can be reached."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from outcry.v1.engine_admin_pb2 import StatusRequest
from outcry.v1.engine_admin_pb2_grpc import EngineAdminStub

__all__ = ["Lag", "lag_of"]


@dataclass(frozen=True)
class Lag:
    """How far a replica is behind its input."""

    records: int
    seconds: float


def lag_of(address: str, *, timeout: float = 0.5) -> Lag | None:
    """Of the engine at `host:port`; `None` when it can't be reached from here."""
    with grpc.insecure_channel(address) as channel:
        try:
            status = EngineAdminStub(channel).Status(StatusRequest(), timeout=timeout)
        except grpc.RpcError:
            return None
    return Lag(
        records=max(0, status.input_end_offset - status.input_offset), seconds=float(status.lag_seconds)
    )
