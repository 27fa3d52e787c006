"""What a fault run asks of an engine over gRPC."""

from __future__ import annotations

import sys
import time

import grpc
from outcry.v1.engine_admin_pb2 import SwitchoverRequest
from outcry.v1.engine_admin_pb2_grpc import EngineAdminStub

from e2e.faults.arena import ArenaError

__all__ = ["ask_switchover"]


def ask_switchover(address: str) -> float:
    """Hand over; the monotonic instant at which it was asked. Raises `ArenaError` when refused."""
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(5)
        at = time.monotonic()
        try:
            EngineAdminStub(channel).Switchover(SwitchoverRequest(reason="fault campaign"), timeout=15)
        except grpc.RpcError as error:
            raise ArenaError(f"{address} refused to hand over: {error}") from error
    return at


if __name__ == "__main__":
    print(ask_switchover(sys.argv[1]))
