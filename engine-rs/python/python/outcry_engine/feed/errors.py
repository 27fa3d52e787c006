"""What can go wrong with a feed; the tree is drawn in the package's docstring."""


class FeedError(Exception):
    """Base of the feed's errors."""


class MalformedError(FeedError):
    """Bytes that are no packet, frame or message of the feed."""


class BookError(FeedError):
    """An event that does not fit the book: only a whole one helps."""


class RecoveryError(FeedError):
    """A replica did not help."""


class RefusedError(RecoveryError):
    """A replica said no, and why."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address} refuses: {reason}")
        self.reason = reason
