"""An address for every user, derived from the quorum's public key: `m/1/(user >> 31)/(user mod 2^31)`.

The same that the signers derive (docs/services/signer.md), so that they can spend what arrives. Only
addresses that were given out are looked for in blocks; each is stored before it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from embit.bip32 import HDKey

from outcry_services.common.addresses import base58
from outcry_services.common.addresses.bitcoin import address_of_taproot
from outcry_services.common.addresses.ethereum import checksummed, keccak256
from outcry_services.wallet.deposits.ed25519 import child_key
from outcry_services.wallet.withdraw.bitcoin.keys import GroupKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = [
    "AddressBook",
    "BitcoinAddresses",
    "Derived",
    "Deriver",
    "EthereumAddresses",
    "SolanaAddresses",
    "path_of",
]

_STEP = 1 << 31


@dataclass(frozen=True, slots=True)
class Derived:
    """An address, and what blocks show of it."""

    address: str
    owner: bytes
    """Bitcoin's script, Ethereum's 20 bytes, Solana's 32."""


class Deriver(Protocol):
    """A chain's way from a path to an address."""

    def derive(self, path: str) -> Derived:
        """At this path below the quorum's key."""


def path_of(user_id: int) -> str:
    """Where a user's key lies."""
    return f"1/{user_id // _STEP}/{user_id % _STEP}"


class BitcoinAddresses:
    """Taproot addresses of a network; raises ValueError for an xpub that is none."""

    def __init__(self, xpub: str, *, network: str) -> None:
        self._key = GroupKey(xpub)
        self._network = network

    def derive(self, path: str) -> Derived:
        """`tr(xpub/1/…)`."""
        script = self._key.script(path)
        return Derived(address_of_taproot(self._network, script[2:]), script)


class EthereumAddresses:
    """Accounts; raises ValueError for an xpub that is none."""

    def __init__(self, xpub: str) -> None:
        try:
            self._root = HDKey.from_string(xpub)
        except Exception as error:  # its parser raises whatever the text leads it to
            raise ValueError(f"an extended public key that is none: {error}") from error

    def derive(self, path: str) -> Derived:
        """The last 20 bytes of the Keccak-256 of the public key."""
        key = self._root.derive([int(step) for step in path.split("/")]).key
        key.compressed = False
        account = keccak256(bytes(key.sec())[1:])[12:]
        return Derived(checksummed(account), account)


class SolanaAddresses:
    """Accounts; `extended` is the key and its chain code in hex. Raises ValueError where it is neither."""

    def __init__(self, extended: str) -> None:
        data = bytes.fromhex(extended)
        if len(data) != 64:
            raise ValueError(f"{len(data)} bytes where a key and its chain code are 64")
        self._key, self._chain_code = data[:32], data[32:]
        self.derive("0/0")

    def derive(self, path: str) -> Derived:
        """The key itself is the account."""
        key = child_key(self._key, self._chain_code, path)
        return Derived(base58.encode(key), key)


class AddressBook:
    """Those that were given out; `known` is told each, with its path, by whoever spends what arrives."""

    def __init__(
        self, store: WalletStore, deriver: Deriver, *, known: Callable[[bytes, str], None] | None = None
    ) -> None:
        self._store = store
        self._deriver = deriver
        self._known = known
        self._users: dict[bytes, int] = {}

    @property
    def owners(self) -> Mapping[bytes, int]:
        """The user of each."""
        return self._users

    async def load(self) -> None:
        """Read what was given out before."""
        async with self._store.look() as tables:
            rows = await tables.session.query(
                tables.named("SELECT owner, user_id, path FROM wallet.addresses")
            )
        for owner, user_id, path in rows:
            self._take(bytes(owner), int(user_id), str(path))

    async def give(self, user_id: int, *, now: int) -> str:
        """A user's address, the same for ever; `now` in Unix nanoseconds."""
        path = path_of(user_id)
        derived = self._deriver.derive(path)
        if derived.owner not in self._users:
            async with self._store.change() as tables:
                await tables.session.execute(
                    tables.named(
                        "INSERT IGNORE INTO wallet.addresses (user_id, path, address, owner, given) "
                        "VALUES (%s, %s, %s, %s, %s)"
                    ),
                    [user_id, path, derived.address, derived.owner, now],
                )
            # Once it is durable: the next block is looked through for it.
            self._take(derived.owner, user_id, path)
        return derived.address

    def _take(self, owner: bytes, user_id: int, path: str) -> None:
        self._users[owner] = user_id
        if self._known is not None:
            self._known(owner, path)
