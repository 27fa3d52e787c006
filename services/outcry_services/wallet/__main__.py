"""`python -m outcry_services.wallet`: one wallet of the exchange, on one chain."""

from __future__ import annotations

from outcry_services.common.process import run_process
from outcry_services.wallet.service import run
from outcry_services.wallet.settings import WalletSettings

if __name__ == "__main__":
    run_process("wallet", WalletSettings, run)
