"""The quorum's addresses on Bitcoin, from its extended public key: no signer is needed to know them.

`tr(xpub/0/n)` are the hot wallet's own and `tr(xpub/1/high/low)` a user's (BIP-32 without hardening, BIP-341
without scripts; docs/services/signer.md).
"""

from __future__ import annotations

from functools import lru_cache

from embit.bip32 import HDKey
from embit.ec import PublicKey
from embit.script import p2tr

__all__ = ["CHANGE_PATHS", "GroupKey", "own_path", "steps_of"]

CHANGE_PATHS = 64
"""Change goes to `0/1` … `0/64` in turn: that many are looked for in blocks, besides `0/0`."""


def own_path(index: int) -> str:
    """The hot wallet's own address number `index`."""
    return f"0/{index}"


def steps_of(path: str) -> list[int]:
    """A path's steps below the group's key."""
    return [int(step) for step in path.split("/")]


class GroupKey:
    """What can be derived from an xpub; raises ValueError for text that is none."""

    def __init__(self, xpub: str) -> None:
        try:
            self._root = HDKey.from_string(xpub)
        except Exception as error:  # its parser raises whatever the text leads it to
            raise ValueError(f"an extended public key that is none: {error}") from error
        self.public_key = lru_cache(maxsize=4096)(self._derive)

    def script(self, path: str) -> bytes:
        """What pays to the address there."""
        return bytes(p2tr(self.public_key(path)).data)

    def own_scripts(self) -> dict[bytes, str]:
        """The hot wallet's own, with their paths."""
        return {self.script(own_path(index)): own_path(index) for index in range(CHANGE_PATHS + 1)}

    def _derive(self, path: str) -> PublicKey:
        """The internal key: 32 bytes of it go into a PSBT."""
        derived = self._root.derive(steps_of(path)).key
        return PublicKey.from_xonly(derived.xonly())
