"""Reviews as a part of the risk process: opened in the background, so that orders never wait for them."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from outcry.v1.risk_api_pb2_grpc import add_WithdrawalReviewDeskServicer_to_server
from outcry.v1.withdrawal_review_pb2_grpc import add_WithdrawalReviewServicer_to_server

from outcry_services.common.errors import ConfigError, ServiceError, UnavailableError
from outcry_services.common.mysql import MySql
from outcry_services.common.pause import WithdrawalPause
from outcry_services.risk.review.desk import ReviewDesk
from outcry_services.risk.review.key import ApprovalKey
from outcry_services.risk.review.metrics import ReviewMetrics
from outcry_services.risk.review.rpc import ReviewAdminRpc, ReviewRpc
from outcry_services.risk.review.rules import read_rules
from outcry_services.risk.review.schema import migrate
from outcry_services.risk.review.store import ReviewStore

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from outcry_services.common.consul import ConsulKv
    from outcry_services.common.rpc_server import RpcServer
    from outcry_services.risk.follower import Follower
    from outcry_services.risk.settings import RiskSettings
    from outcry_services.risk.view import RiskView

__all__ = ["Reviews"]

log = logging.getLogger(__name__)

ASK_SECONDS = 1.0
UPKEEP_SECONDS = 15.0
PAGE = 500


class Reviews:
    """Everything between the gRPC server and the database."""

    def __init__(
        self,
        settings: RiskSettings,
        *,
        view: RiskView,
        follower: Follower,
        consul: ConsulKv,
        registry: CollectorRegistry,
    ) -> None:
        if not settings.approval_rules_file or settings.approval_key is None:
            raise ConfigError("OUTCRY_REVIEWS needs OUTCRY_APPROVAL_RULES_FILE and OUTCRY_APPROVAL_KEY_FILE")
        key = ApprovalKey.load(settings.approval_key_id, settings.approval_key)
        log.info("withdrawals are approved", extra={"key_id": key.key_id, "public_key": key.public})
        self._mysql = MySql(settings.reviews_address(), most_connections=4)
        self._store = ReviewStore(self._mysql)
        self._metrics = ReviewMetrics(registry)
        self._ready = False
        self._desk = ReviewDesk(
            self._store,
            rules=read_rules(Path(settings.approval_rules_file)),
            key=key,
            withdrawals=view.withdrawals,
            mode=view.mode,
            behind=follower.behind_on,
            pause=WithdrawalPause(consul),
            metrics=self._metrics,
            now=time.time_ns,
        )

    def serve(self, server: RpcServer) -> None:
        """Answer on this server; before the database is there, that it isn't."""
        asked = ReviewRpc(self._desk, problem=self._problem)
        admin = ReviewAdminRpc(self._desk, store=self._store, now=time.time_ns, problem=self._problem)
        add_WithdrawalReviewServicer_to_server(asked, server.server)
        add_WithdrawalReviewDeskServicer_to_server(admin, server.server)

    async def run(self) -> None:
        """Open the database, however long that takes, then keep the queue, for ever."""
        await self._mysql.open()
        while not self._ready:
            await self._open()
        while True:
            try:
                await self._tidy()
            except UnavailableError as error:
                log.warning("the queue of reviews can't be read", extra={"why": error.message})
            await asyncio.sleep(UPKEEP_SECONDS)

    async def close(self) -> None:
        """Close all connections."""
        await self._mysql.close()

    async def _open(self) -> None:
        try:
            await migrate(self._mysql)
        except ServiceError as error:
            log.warning("reviews have no database yet", extra={"why": error.message})
            await asyncio.sleep(ASK_SECONDS)
            return
        self._ready = True
        self._metrics.ready.set(1)

    async def _tidy(self) -> None:
        """Take out of the queue what ended by itself, and say what is left."""
        waiting = []
        after = 0
        while page := await self._store.page(after=after, most=PAGE, waiting=True):
            waiting += [review for review in page if not await self._desk.close_ended(review)]
            after = page[-1].question.withdrawal_id
        self._metrics.waiting(waiting, now=time.time_ns())

    def _problem(self) -> str | None:
        return None if self._ready else "their database doesn't answer"
