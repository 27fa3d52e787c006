"""What can go wrong with scanning.

IntegrityError (common)
└── ScanError
├── BlockError       bytes that are no block, or not the one that was asked for
│   └── ParentError  a block that doesn't follow the last one: the chain changed meanwhile
└── DeepReorgError   the chain changed further back than is remembered
"""

from __future__ import annotations

from outcry_services.common.errors import IntegrityError

__all__ = ["BlockError", "DeepReorgError", "ParentError", "ScanError"]


class ScanError(IntegrityError):
    """Scanning stops and doesn't guess."""

    default_name = "SCAN"


class BlockError(ScanError):
    """Bytes that are no block, or not the one that was asked for: ask another node."""

    default_name = "BLOCK"


class ParentError(BlockError):
    """A block that doesn't follow the last one: the chain changed meanwhile, so take the next step anew."""

    default_name = "PARENT"


class DeepReorgError(ScanError):
    """The chain changed further back than is remembered: a person decides."""

    default_name = "DEEP_REORG"
