"""One MySQL server: everything that `ports.Store` promises, over one pool for all shards it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.order.commit_store import CommitTables
from outcry_services.order.outbox_store import OutboxTables
from outcry_services.order.progress_store import ProgressTables
from outcry_services.order.read_store import ReadTables

if TYPE_CHECKING:
    from outcry_services.common.mysql import MySql
    from outcry_services.order.ports import Clock

__all__ = ["ShardStore"]


class ShardStore(CommitTables, OutboxTables, ReadTables, ProgressTables):
    """Of the server behind a pool; `commit` has one caller at a time."""

    def __init__(self, mysql: MySql, *, clock: Clock) -> None:
        CommitTables.__init__(self, mysql, clock=clock)
        OutboxTables.__init__(self, mysql)
        ReadTables.__init__(self, mysql)
        ProgressTables.__init__(self, mysql)
