"""`python -m outcry_services.gateway`: Envoy's authorization service."""

from __future__ import annotations

from outcry_services.common.process import run_process
from outcry_services.gateway.service import run
from outcry_services.gateway.settings import GatewaySettings

if __name__ == "__main__":
    run_process("gateway", GatewaySettings, run)
