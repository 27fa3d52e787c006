"""What was asked of the cold wallet, kept until the answer comes, whichever the chain is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from outcry_services.wallet.cold.ur import Message

__all__ = ["Accepted", "Asked"]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A transaction whose new signatures were verified."""

    transaction: str
    encoding: str
    """`hex` or `base64` of what is broadcast; `psbt` where signatures of others are still missing."""
    id: str
    """By which its chain knows it."""
    complete: bool
    """Ready to be broadcast."""


class Asked(Protocol):
    """One transaction; every answer is compared with it, never believed."""

    chain: ClassVar[str]

    @classmethod
    def read(cls, text: bytes, address: str = "") -> Asked:
        """Of a file's content, for the key of `address`."""

    @classmethod
    def restore(cls, saved: dict[str, str]) -> Asked:
        """What `saved` gave."""

    def saved(self) -> dict[str, str]:
        """For `restore`."""

    def message(self) -> Message:
        """What the cold wallet reads."""

    def accept(self, answer: Message) -> Accepted:
        """The signed transaction; raises what `errors` names."""
