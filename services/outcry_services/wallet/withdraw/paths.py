"""Paths of our accounts below the quorum's key, as signers name them (docs/services/signer.md)."""

from __future__ import annotations

from outcry.v1 import signer_pb2

__all__ = ["key_path"]

_STEP = 1 << 31


def key_path(path: str) -> signer_pb2.KeyPath:
    """Of `0/n` or of a user's `1/high/low`; raises ValueError for another."""
    match [int(step) for step in path.split("/")]:
        case [0, number]:
            return signer_pb2.KeyPath(own=number)
        case [1, high, low]:
            return signer_pb2.KeyPath(deposit=high * _STEP + low)
    raise ValueError(f"{path!a} is no path of an account of ours")
