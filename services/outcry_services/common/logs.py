"""Logs as JSON lines on standard error: one object a line, with the ids that a search needs, no secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from outcry_services.common import trace

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HIDDEN", "JsonFormatter", "configure"]

HIDDEN = "[hidden]"

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET_KEY = re.compile(
    r"pass(word|wd)|secret|token|authorization|api.?key|signature|private", re.IGNORECASE
)
# Shorter ones would hide half the alphabet.
_SHORTEST_SECRET = 4


class JsonFormatter(logging.Formatter):
    """Renders a record as one JSON object: time, level, logger, message, trace and order id, extras.

    Values of keys that sound like a secret are hidden at any depth, and the given secrets themselves wherever
    they turn up, traces of exceptions included.
    """

    def __init__(self, *, service: str, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._service = service
        # As they look inside JSON text; the longest first, since one may be part of another.
        known = {json.dumps(secret)[1:-1] for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        ids = {"trace_id": trace.trace_id(), "order_id": trace.order_id()}
        line.update({key: value for key, value in ids.items() if value})
        extras = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        line.update(_without_secrets(extras))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        text = json.dumps(line, default=str)
        return self._known.sub(HIDDEN, text) if self._known else text


def configure(
    *, service: str, level: str = "info", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send all logging to standard error; libraries speak from warnings on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service=service, secrets=secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("aiohttp", "asyncio", "asyncmy", "grpc", "redis"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - any value of a log line
    if isinstance(value, dict):
        return {
            key: HIDDEN if _SECRET_KEY.search(str(key)) else _without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_secrets(inner) for inner in value]
    return value
