"""`python -m outcry_services.position`: holds, settles and tells."""

from __future__ import annotations

from outcry_services.common.process import run_process
from outcry_services.position.service import run
from outcry_services.position.settings import PositionSettings

if __name__ == "__main__":
    run_process("position", PositionSettings, run)
