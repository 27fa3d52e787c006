"""Reading what a node answered: every field checked for its type and shape, since a node is a stranger."""

from __future__ import annotations

import re
from collections.abc import Mapping

from outcry_services.wallet.nodes.errors import NodeAnswerError

__all__ = ["Answer"]

_HEX_HASH = re.compile(r"[0-9a-f]{64}")
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_KEY = re.compile(f"{_BASE58}{{32,44}}")
_SIGNATURE = re.compile(f"{_BASE58}{{64,88}}")
_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,63})")
_DATA = re.compile(r"0x([0-9a-fA-F]{2})*")
_DIGITS = re.compile(r"0|[1-9][0-9]{0,19}")
_MOST = 2**63 - 1


class Answer:
    """A node's answer, or a part of it; `what` is the call and the way to the part, for messages."""

    def __init__(self, node: str, what: str, value: object) -> None:
        self._node = node
        self._what = what
        self.value = value

    def __getitem__(self, name: str) -> Answer:
        """A field that must be there; raises `NodeAnswerError`."""
        found = self.get(name)
        if found is None:
            raise self._wrong(f"the field {name}")
        return found

    def get(self, name: str) -> Answer | None:
        """A field that may be missing or null; raises `NodeAnswerError` where there is no object."""
        if not isinstance(self.value, Mapping):
            raise self._wrong("an object")
        value = self.value.get(name)
        return None if value is None else Answer(self._node, f"{self._what}.{name}", value)

    def items(self) -> list[Answer]:
        """The parts of a list; raises `NodeAnswerError`."""
        if not isinstance(self.value, list):
            raise self._wrong("a list")
        return [Answer(self._node, f"{self._what}[{at}]", part) for at, part in enumerate(self.value)]

    def text(self) -> str:
        """Raises `NodeAnswerError` where it is no text."""
        if not isinstance(self.value, str):
            raise self._wrong("text")
        return self.value

    def flag(self) -> bool:
        """Raises `NodeAnswerError` where it is neither true nor false."""
        if not isinstance(self.value, bool):
            raise self._wrong("true or false")
        return self.value

    def count(self) -> int:
        """A number from 0 to 2**63 - 1; raises `NodeAnswerError`."""
        number = self.number()
        if number < 0:
            raise self._wrong("a number from 0 on")
        return number

    def number(self) -> int:
        """A whole number of at most 63 bits; raises `NodeAnswerError`."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or abs(self.value) > _MOST:
            raise self._wrong("a whole number")
        return self.value

    def digits(self) -> int:
        """A number of at most 64 bits, written as text; raises `NodeAnswerError`."""
        text = self.text()
        if not _DIGITS.fullmatch(text) or (number := int(text)) >= 2**64:
            raise self._wrong("digits of a number below 2^64")
        return number

    def hash(self) -> str:
        """32 bytes as Bitcoin's tools write them; raises `NodeAnswerError`."""
        text = self.text()
        if not _HEX_HASH.fullmatch(text):
            raise self._wrong("a hash of 64 hex digits")
        return text

    def hash0x(self) -> str:
        """32 bytes as Ethereum's tools write them; raises `NodeAnswerError`."""
        text = self.text()
        if not (text.startswith("0x") and _HEX_HASH.fullmatch(text[2:])):
            raise self._wrong("a hash of 0x and 64 hex digits")
        return text

    def key(self) -> str:
        """32 bytes as Solana's tools write them; raises `NodeAnswerError`."""
        text = self.text()
        if not _KEY.fullmatch(text):
            raise self._wrong("32 bytes in base58")
        return text

    def signature(self) -> str:
        """64 bytes as Solana's tools write them; raises `NodeAnswerError`."""
        text = self.text()
        if not _SIGNATURE.fullmatch(text):
            raise self._wrong("64 bytes in base58")
        return text

    def account(self) -> bytes:
        """20 bytes as Ethereum's tools write them; raises `NodeAnswerError`."""
        found = self.data()
        if len(found) != 20:
            raise self._wrong("an account of 20 bytes")
        return found

    def data(self) -> bytes:
        """Bytes as Ethereum's tools write them; raises `NodeAnswerError`."""
        text = self.text()
        if not _DATA.fullmatch(text):
            raise self._wrong("bytes in hex behind 0x")
        return bytes.fromhex(text[2:])

    def quantity(self, *, most: int = _MOST) -> int:
        """A number in Ethereum's hex form, without leading zeros; raises `NodeAnswerError`."""
        text = self.text()
        if not _QUANTITY.fullmatch(text) or (number := int(text, 16)) > most:
            raise self._wrong(f"a quantity in hex up to {most:#x}")
        return number

    def _wrong(self, wanted: str) -> NodeAnswerError:
        # Type alone: the value may be anything, as long as it likes.
        kind = type(self.value).__name__
        return NodeAnswerError(self._node, f"{self._what} should be {wanted}, and is {kind}")
