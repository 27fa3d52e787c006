"""What goes wrong between the exchange and its cold wallet.

    ColdWalletError          name, message
    ├── MalformedError       a frame or an answer that breaks its own format
    ├── FramesMissingError   the frames end before the message is whole
    ├── FramesMixedError     frames of different messages
    ├── FramesTamperedError  the fragments together aren't what each of them announced
    ├── WrongAnswerError     an answer to another request, or with another transaction in it
    ├── BadSignatureError    a signature that isn't the cold key's, or not over what was asked
    └── UnreadableError      a file that can't be read, or a transaction that can't be asked for

A message says what was wrong, where, and what to do.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BadSignatureError",
    "ColdWalletError",
    "FramesMissingError",
    "FramesMixedError",
    "FramesTamperedError",
    "MalformedError",
    "UnreadableError",
    "WrongAnswerError",
]


class ColdWalletError(Exception):
    """The base of all; `name` is one word that a program may compare."""

    name: ClassVar[str] = "COLD_WALLET"


class MalformedError(ColdWalletError):
    """A frame or an answer that breaks its own format."""

    name = "MALFORMED"


class FramesMissingError(ColdWalletError):
    """The frames end before the message is whole."""

    name = "FRAMES_MISSING"


class FramesMixedError(ColdWalletError):
    """Frames of different messages."""

    name = "FRAMES_MIXED"


class FramesTamperedError(ColdWalletError):
    """The fragments together aren't what each of them announced."""

    name = "FRAMES_TAMPERED"


class WrongAnswerError(ColdWalletError):
    """An answer to another request, or with another transaction in it."""

    name = "WRONG_ANSWER"


class BadSignatureError(ColdWalletError):
    """A signature that isn't the cold key's, or not over what was asked."""

    name = "BAD_SIGNATURE"


class UnreadableError(ColdWalletError):
    """A file that can't be read, or a transaction that can't be asked for."""

    name = "UNREADABLE"
