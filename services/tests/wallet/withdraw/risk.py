"""A risk service that signs: real gRPC and risk's own signatures, with rules that a test sets."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from outcry.v1 import withdrawal_review_pb2 as api
from outcry.v1.withdrawal_approval_pb2 import WithdrawalApproval
from outcry.v1.withdrawal_review_pb2_grpc import (
    WithdrawalReviewServicer,
    add_WithdrawalReviewServicer_to_server,
)
from outcry_services.common.rpc_server import RpcServer
from outcry_services.risk.review.key import ApprovalKey
from prometheus_client import CollectorRegistry

SECOND = 1_000_000_000


class SigningRisk(WithdrawalReviewServicer):
    """Says yes, unless `rule(request)` gives another answer."""

    def __init__(self):
        self._key = ApprovalKey("risk-1", Ed25519PrivateKey.generate())
        self.asked = []
        self.rule = lambda _: None
        self.fixed = {}
        self.valid_seconds = 3600

    @property
    def public_key(self):
        return self._key.public

    async def Review(self, request, _):  # noqa: N802
        self.asked.append(request)
        answer = self.rule(request)
        if answer is not None:
            return api.ReviewAnswer(withdrawal_id=request.withdrawal_id, **answer)
        if not request.conflict_point:
            waiting = api.Waiting(tier="automatic", reason="CONFLICT_POINT")
            return api.ReviewAnswer(withdrawal_id=request.withdrawal_id, waiting=waiting)
        said = (request.address, request.amount, request.conflict_point, request.max_fee)
        assert self.fixed.setdefault(request.withdrawal_id, said) == said
        return api.ReviewAnswer(withdrawal_id=request.withdrawal_id, approved=self._signed(request))

    def _signed(self, request):
        now = time.time_ns()
        approval = WithdrawalApproval(
            withdrawal_id=str(request.withdrawal_id),
            chain=request.chain,
            network=request.network,
            asset=request.asset,
            address=request.address,
            amount=request.amount,
            conflict_point=request.conflict_point,
            max_fee=request.max_fee,
            reviewed_at=now,
            expires_at=now + self.valid_seconds * SECOND,
            tier="automatic",
        )
        return self._key.sign(approval)


@asynccontextmanager
async def served(*add):
    """Some servicers on a port of their own; gives `host:port`."""
    server = RpcServer(registry=CollectorRegistry())
    for each in add:
        each(server.server)
    port = await server.start(0)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.drain(seconds=0.1)


def risk_added(risk):
    return lambda server: add_WithdrawalReviewServicer_to_server(risk, server)
