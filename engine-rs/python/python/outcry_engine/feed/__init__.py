"""A client of the market data feed: hears the lines, keeps the book, has what is missing sent again.

    async with FeedClient(lines=["239.1.1.1:30000"], recovery=["engine-btc-usdt-0:7072"]) as feed:
        async for update in feed:
            print(update, feed.book.best())

docs/feed.md describes the protocol, `schema/feed.xml` of the crate `outcry-feed` every message. Prices are
ticks, quantities lots, times Unix nanoseconds.

    FeedError
    ├── MalformedError   bytes that are no packet, frame or message of the feed
    ├── BookError        an event that does not fit the book
    └── RecoveryError    a replica did not help: RefusedError names its reason
"""

from outcry_engine.feed.book import Book, Level, Order
from outcry_engine.feed.client import FeedClient
from outcry_engine.feed.errors import BookError, FeedError, MalformedError, RecoveryError, RefusedError
from outcry_engine.feed.messages import BUY, SELL, Message
from outcry_engine.feed.packets import Packet
from outcry_engine.feed.sequencer import Sequencer, Tally
from outcry_engine.feed.updates import Ended, Event, Snapshot, Update

__all__ = [
    "BUY",
    "SELL",
    "Book",
    "BookError",
    "Ended",
    "Event",
    "FeedClient",
    "FeedError",
    "Level",
    "MalformedError",
    "Message",
    "Order",
    "Packet",
    "RecoveryError",
    "RefusedError",
    "Sequencer",
    "Snapshot",
    "Tally",
    "Update",
]
