"""The chain that a wallet is on: its nodes, and its rail once the quorum's key is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.opening import bitcoin_pool, ethereum_pool, solana_pool
from outcry_services.wallet.withdraw.bitcoin.cold import cold_scripts
from outcry_services.wallet.withdraw.bitcoin.keys import GroupKey
from outcry_services.wallet.withdraw.bitcoin.rail import BitcoinRail
from outcry_services.wallet.withdraw.bitcoin.watch import COLD, CoinWatch
from outcry_services.wallet.withdraw.ethereum.account import Account
from outcry_services.wallet.withdraw.ethereum.gatherer import EthereumGatherer
from outcry_services.wallet.withdraw.ethereum.rail import EthereumRail
from outcry_services.wallet.withdraw.quorum import learn_key
from outcry_services.wallet.withdraw.solana.gatherer import SolanaGatherer
from outcry_services.wallet.withdraw.solana.rail import SolanaRail
from outcry_services.wallet.withdraw.solana.view import ChainView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry_services.wallet.nodes.metrics import PoolMetrics
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.gathering import Gatherer
    from outcry_services.wallet.withdraw.store import WalletStore
    from outcry_services.wallet.withdraw.world import Signers

__all__ = ["BitcoinChain", "Chain", "EthereumChain", "SolanaChain", "chain_of"]


class BitcoinChain:
    """`owners` may be given more scripts of ours by whoever knows of them: users' deposit addresses."""

    def __init__(self, file: WalletFile, metrics: PoolMetrics) -> None:
        self.file = file
        self.pool = bitcoin_pool(file.nodes, metrics)
        self.gatherer: Gatherer | None = None
        self.owners: dict[bytes, str] = {}
        self.key: GroupKey | None = None

    async def rail(self, store: WalletStore, signers: Signers, *, now: Callable[[], int]) -> BitcoinRail:
        """Raises `UnavailableError` until there is a key."""
        known = await learn_key(store, signers, scheme="taproot")
        self.key = key = GroupKey(known.xpub)
        self.owners.update(key.own_scripts())
        watch = CoinWatch(store, self.pool, owners=self._owned, scan_from=self.file.scan_from)
        return BitcoinRail(
            self.file, key=key, pool=self.pool, watch=watch, cold=self._cold_watch(store), now=now
        )

    def _cold_watch(self, store: WalletStore) -> CoinWatch | None:
        if not self.file.cold:
            return None
        scripts = cold_scripts(self.file.cold, network=self.file.network)
        return CoinWatch(
            store, self.pool, owners=lambda: scripts, scan_from=self.file.scan_from, watched=COLD
        )

    def _owned(self) -> Mapping[bytes, str]:
        return self.owners


class EthereumChain:
    """One account pays out; what lies at users' own is gathered there."""

    def __init__(self, file: WalletFile, metrics: PoolMetrics) -> None:
        self.file = file
        self.pool = ethereum_pool(file.nodes, metrics)
        self.gatherer: Gatherer | None = None

    async def rail(self, store: WalletStore, signers: Signers, *, now: Callable[[], int]) -> EthereumRail:
        """Raises `UnavailableError` until there is a key."""
        known = await learn_key(store, signers, scheme="ecdsa")
        account = Account(self.pool, known.address)
        rail = EthereumRail(self.file, account=account, pool=self.pool, store=store, now=now)
        self.gatherer = EthereumGatherer(
            self.file, rail=rail, hot=account, pool=self.pool, store=store, now=now
        )
        return rail


class SolanaChain:
    """The account that pays out has no coins to look for in blocks: what it has is what the chain says."""

    def __init__(self, file: WalletFile, metrics: PoolMetrics) -> None:
        self.file = file
        self.pool = solana_pool(file.nodes, metrics)
        self.gatherer: Gatherer | None = None

    async def rail(self, store: WalletStore, signers: Signers, *, now: Callable[[], int]) -> SolanaRail:
        """Raises `UnavailableError` until there is a key."""
        account = (await learn_key(store, signers, scheme="ed25519")).address
        view = ChainView(store, self.pool, account=account, nonces=self.file.nonces, now=now)
        rail = SolanaRail(self.file, account=account, pool=self.pool, view=view, now=now)
        self.gatherer = SolanaGatherer(rail=rail, pool=self.pool, store=store, now=now)
        return rail


Chain = BitcoinChain | EthereumChain | SolanaChain


def chain_of(file: WalletFile, metrics: PoolMetrics) -> Chain:
    """The wallet's chain, of which nothing is asked yet."""
    if file.chain == "bitcoin":
        return BitcoinChain(file, metrics)
    return EthereumChain(file, metrics) if file.chain == "ethereum" else SolanaChain(file, metrics)
