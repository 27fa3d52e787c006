"""Logs as JSON lines on standard error: one object a line, with the ids that a search needs."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# kopf's references to the object at hand: long, and said better by our own fields.
_NOISE = frozenset({"settings", "k8s_skip", "k8s_ref"})


class JsonFormatter(logging.Formatter):
    """Renders a record as one JSON object: time, level, logger, message, extras."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        extras = vars(record).items()
        line.update({key: value for key, value in extras if key not in _STANDARD and key not in _NOISE})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str) -> None:
    """Send all logging to standard error; libraries speak from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for library in ("aiohttp", "asyncio", "kopf"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger().level))
