"""`python -m outcry_services.position`: holds, settles and tells."""

from __future__ import annotations

import asyncio
import sys

from outcry_services.common import logs
from outcry_services.common.errors import ConfigError
from outcry_services.position.service import run
from outcry_services.position.settings import PositionSettings


def main() -> None:
    """Run until SIGTERM; exits 2 with one line when the settings make no sense."""
    try:
        settings = PositionSettings.load()
        logs.configure(service="position", level=settings.log_level, secrets=settings.secrets())
        asyncio.run(run(settings))
    except ConfigError as error:
        print(f"outcry position: {error.message}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
