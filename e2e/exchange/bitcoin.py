"""A wallet of Bitcoin beside an exchange: chain, signers, risk's key and rules, the wallet's process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from e2e.backends import BtcdServer, SignerQuorum
from e2e.backends.server import Started
from e2e.exchange.services import Ports, ServiceUnderTest

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.exchange.exchange import Exchange

__all__ = ["BitcoinSide"]

MATURE = 101
"""Blocks before the first coin may be spent."""


class BitcoinSide(Started):
    """Start it before the exchange, which needs `settings`; then `run_wallet`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = Ed25519PrivateKey.generate()
        self.btcd = BtcdServer()
        self.signers = SignerQuorum(policy=self._policy())
        self.wallet: ServiceUnderTest | None = None

    def start(self) -> None:
        """Chain and signers."""
        self.btcd.start()
        self.btcd.mine(MATURE)
        self.signers.start()

    def close(self) -> None:
        """End and remove all of it."""
        if self.wallet is not None:
            self.wallet.process.kill()
        self.signers.close()
        self.btcd.close()

    def settings(self, mariadb: str) -> dict[str, str]:
        """Of risk, so that it reviews withdrawals, and of settlement; `mariadb` is the server's `mysql://host:port`."""
        rules = self._directory / "rules.json"
        asset = {
            "on": [{"chain": "bitcoin", "network": "regtest", "asset": "BTC", "scale": 8}],
            "automatic": "10",
            "one_admin": "20",
            "most": "50",
            "per_day": {"count": 1000, "amount": "1000"},
        }
        rules.write_text(
            json.dumps({"new_address_seconds": 0, "approval_seconds": 3600, "assets": {"BTC": asset}})
        )
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {
            "OUTCRY_SOLVENCY_SECONDS": "1",
            "OUTCRY_REVIEWS": mariadb,
            "OUTCRY_APPROVAL_KEY": pem.decode(),
            "OUTCRY_APPROVAL_RULES_FILE": str(rules),
        }

    def run_wallet(self, exchange: Exchange) -> ServiceUnderTest:
        """The process, ready."""
        login = self._directory / "btcd.login"
        login.write_text(self.btcd.login)
        file = self._directory / "wallet.json"
        file.write_text(json.dumps(self._file(str(login))))
        settings = exchange.settings() | {
            "OUTCRY_WALLET_FILE": str(file),
            "OUTCRY_ORDER": exchange.addresses["order"],
            "OUTCRY_MYSQL": f"mysql://{exchange.mariadb.host}:{exchange.mariadb.port}",
            "OUTCRY_TICK_SECONDS": "0.2",
        }
        self.wallet = ServiceUnderTest(
            "wallet", ports=Ports.free(), settings=settings, directory=self._directory
        )
        self.wallet.start()
        self.wallet.wait_ready()
        self._tell(exchange)
        return self.wallet

    def _tell(self, exchange: Exchange) -> None:
        """Register it, as the operator does."""
        assert self.wallet is not None
        entry = {
            "chain": "bitcoin",
            "network": "regtest",
            "grpc": self.wallet.address,
            "assets": [{"asset": "BTC"}],
        }
        exchange.consul.put("kv/outcry/wallets/outcry/bitcoin", json.dumps(entry).encode())

    def _file(self, login: str) -> dict[str, object]:
        node = {"name": "btcd", "url": self.btcd.url, "credentials_file": login}
        return {
            "name": "bitcoin",
            "chain": "bitcoin",
            "network": "regtest",
            "nodes": {
                "chain": "bitcoin",
                "network": "regtest",
                "min_peers": 0,
                "probe_seconds": 0.5,
                "timeout": 30,
                "nodes": [node],
            },
            "assets": [{"asset": "BTC", "scale": 8, "chain_scale": 8, "confirmations": 1, "dust": "546"}],
            "signers": self.signers.targets,
            "tls": self.signers.tls,
            "fees": {"max_fee_per_withdrawal": "20000", "max_rate": 100},
            "batch": {"most": 50, "seconds": 0},
            "scan_from": 0,
        }

    def _policy(self) -> dict[str, object]:
        plenty = str(10**12)
        return {
            "risk_keys": {"risk-1": self._key.public_key().public_bytes_raw().hex()},
            "bitcoin": {
                "network": "regtest",
                "max_fee": "1000000",
                "max_fee_rate": 500,
                "max_fee_per_day": "100000000",
                "cold": [],
                "limits": {"per_withdrawal": plenty, "per_day": plenty, "per_address_per_day": plenty},
            },
        }
