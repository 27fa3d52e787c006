"""Feeds an exchange's logs to the books in any order that Kafka could have, with repeats."""

from __future__ import annotations

from outcry_services.common.kafka import Batch, Item, RawRecord
from outcry_services.settlement.follower import Settler
from outcry_services.settlement.intake import Intake


def raw(place, offset, message):
    return RawRecord(
        topic=place[0],
        partition=place[1],
        offset=offset,
        timestamp_ms=1_700_000_000_000 + offset,
        key=b"",
        value=message.SerializeToString(),
        headers={},
    )


def batch(place, start, messages, end=None):
    """Consecutive records from offset `start`, as a reader gives them."""
    items = tuple(
        Item(record=raw(place, start + at, message), value=message) for at, message in enumerate(messages)
    )
    position = start + len(messages)
    return Batch(topic=place[0], partition=place[1], position=position, end=end or position, items=items)


def offer(intake, found):
    """To the side of the intake that the topic belongs to."""
    if found.topic == "orders":
        intake.offer_instructions(found)
    elif found.topic == "order-events":
        intake.offer_answers(found)
    else:
        intake.offer_events(found)


class Feeder:
    """The logs of an exchange, read from the ledger's positions in an order that `dice` decides."""

    def __init__(self, store, records, dice, *, stride=10):
        """`stride`: the most records that are read, and a sixth of the steps that are applied, at a time."""
        self.store, self.records, self.dice, self.stride = store, records, dice, stride
        self.opened = self.settler = None
        self.read = {}

    async def restart(self, *, most_steps=500):
        """As a new process: all that was in memory is gone."""
        self.opened = await self.store.open()
        intake = Intake(self.opened.cursors)
        for place in self.records:
            position = self.opened.offsets.get(place)
            intake.follow(place, position)
            self.read[place] = position or 0
        self.settler = Settler(self.store, self.opened, intake, most_steps=most_steps)

    def feed(self):
        """One batch of any partition that has more; whether there was one."""
        places = [place for place, read in self.read.items() if read < len(self.records[place])]
        if not places:
            return False
        place = self.dice.choice(places)
        start = self.read[place]
        if self.dice.random() < 0.2:
            # As after a failed delivery: what was written already comes again behind it.
            start = max(0, start - self.dice.randint(1, 5))
        stop = min(len(self.records[place]), self.read[place] + self.dice.randint(1, self.stride))
        offer(self.settler.intake, batch(place, start, self.records[place][start:stop]))
        self.read[place] = stop
        return True

    async def drain(self):
        """Apply all that is ready."""
        while await self.settler.step():
            pass

    async def run(self, *, restarts=0.0):
        """Everything, to the end; with restarts in between now and then."""
        await self.restart(most_steps=self.dice.randint(1, 6 * self.stride))
        while self.feed():
            if self.dice.random() < 0.4:
                await self.settler.step()
            if self.dice.random() < restarts:
                await self.restart(most_steps=self.dice.randint(1, 6 * self.stride))
        await self.drain()
