"""The cold wallet's addresses on Bitcoin, from its public descriptors: those that signers allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embit.bip32 import HDKey, parse_path
from embit.script import p2tr, p2wpkh

from outcry_services.common.addresses import AddressError, parse_address
from outcry_services.common.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COLD_ADDRESSES", "cold_scripts"]

COLD_ADDRESSES = 100
"""Of each descriptor; signers refuse what lies beyond."""
_KINDS = {"wpkh(": p2wpkh, "tr(": p2tr}


def cold_scripts(cold: Sequence[str], *, network: str) -> dict[bytes, str]:
    """What pays to it, with `cold/which/index`, the first first. Raises `ConfigError` for what is neither."""
    found: dict[bytes, str] = {}
    for which, wallet in enumerate(cold):
        for index, script in enumerate(_scripts(wallet.partition("#")[0], network)):
            found.setdefault(script, f"cold/{which}/{index}")
    return found


def _scripts(wallet: str, network: str) -> list[bytes]:
    for prefix, pay in _KINDS.items():
        if wallet.startswith(prefix) and wallet.endswith("/*)"):
            key = wallet.removeprefix(prefix).removesuffix("/*)")
            try:
                branch = _branch(key.rpartition("]")[2])
                return [bytes(pay(branch.child(index).key).data) for index in range(COLD_ADDRESSES)]
            except Exception as error:  # its parser raises whatever the text leads it to
                raise ConfigError(f"a cold descriptor that can't be derived from: {error}") from error
    try:
        return [parse_address("bitcoin", network, wallet).script]
    except AddressError as error:
        raise ConfigError(
            f"a cold wallet that is no address, wpkh(…/*) or tr(…/*): {error.message}"
        ) from error


def _branch(key: str) -> HDKey:
    xpub, _, path = key.partition("/")
    root = HDKey.from_string(xpub)
    return root.derive(parse_path(f"m/{path}")) if path else root
