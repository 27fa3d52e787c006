"""`python -m outcry_services.risk`: the risk service."""

from __future__ import annotations

from outcry_services.common.process import run_process
from outcry_services.risk.service import run
from outcry_services.risk.settings import RiskSettings

if __name__ == "__main__":
    run_process("risk", RiskSettings, run)
