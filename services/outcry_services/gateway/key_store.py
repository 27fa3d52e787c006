"""The keys in force, read again whenever their file changes.

Kubernetes replaces a mounted Secret by swapping a link, so what is compared is what the path leads to now. A
file that is broken or gone leaves the keys as they were: nobody is locked out, or let in, by a slip.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import ConfigError
from outcry_services.gateway.keys import ApiKey, ApiKeys, parse_keys

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KeyStore"]

log = logging.getLogger(__name__)


class KeyStore:
    """Made from a file that is right: raises `ConfigError` otherwise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._read()
        self._keys: ApiKeys = parse_keys(self._seen, where=str(path))
        self._problem: str | None = None

    def __len__(self) -> int:
        """How many keys are in force."""
        return len(self._keys)

    def get(self, key: str) -> ApiKey | None:
        """By its name."""
        return self._keys.get(key)

    @property
    def problem(self) -> str | None:
        """Why the file of now is not in force; None while it is."""
        return self._problem

    async def follow(self, *, every_seconds: float = 1.0) -> None:
        """Take up changes until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            self.refresh()

    def refresh(self) -> None:
        """Take up the file as it is now; a faulty one is reported once and changes nothing."""
        try:
            text = self._read()
            if text == self._seen and self._problem is None:
                return
            self._keys = parse_keys(text, where=str(self._path))
        except ConfigError as error:
            if self._problem != error.message:
                log.warning("API keys are not taken up", extra={"why": error.message})
            self._problem = error.message
            return
        self._seen, self._problem = text, None
        log.info("API keys taken up", extra={"count": len(self._keys)})

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self._path} can't be read: {error.strerror}") from None
