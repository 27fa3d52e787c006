"""Whatever the chain does, each deposit is credited once, deep enough; a lost one is reversed or alarmed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan.book import Book, Deposit, State
from outcry_services.wallet.scan.errors import DeepReorgError, ScanError
from outcry_services.wallet.scan.follow import Place, Scan, TakeBack, Wait, next_step

NEEDED = {"BTC": 3}
REMEMBERED = 50
GENESIS = Tip(height=0, hash="g")


def deposit(number, *, asset="BTC", amount=5):
    return Deposit(id=f"bitcoin:{number}:0", user_id=7, asset=asset, amount=amount)


class Chain:
    """The majority's chain: blocks with deposits, and reorganisations."""

    def __init__(self):
        self.blocks = [(GENESIS, [])]
        self._made = 0

    def mine(self, deposits=()):
        self._made += 1
        block = Tip(height=len(self.blocks), hash=f"b{self._made}")
        self.blocks.append((block, list(deposits)))

    def reorganise(self, depth, kept):
        """Replace the end by one block more; of its deposits, those that `kept` says are mined again."""
        depth = min(depth, len(self.blocks) - 1)
        dropped = [each for _, deposits in self.blocks[len(self.blocks) - depth :] for each in deposits]
        del self.blocks[len(self.blocks) - depth :]
        self.mine([each for number, each in enumerate(dropped) if kept[number % len(kept)]])
        for _ in range(depth):
            self.mine()


class Scanner:
    """The pure steps, driven as a service would, with what it stored."""

    def __init__(self):
        self.place = Place((GENESIS,))
        self.book = Book()
        self.paid = []

    def step(self, chain):
        last = self.place.last.height
        at_last = chain.blocks[last][0].hash if last < len(chain.blocks) else None
        step = next_step(self.place, height=len(chain.blocks) - 1, block_at_last=at_last)
        if isinstance(step, Scan):
            block, deposits = chain.blocks[step.height]
            self.place = self.place.scanned(block, remembered=REMEMBERED)
            self.book = self.book.scanned(block, deposits)
        elif isinstance(step, TakeBack):
            self.place = self.place.taken_back()
            self.book = self.book.taken_back(step.block)
        return step

    def credit(self):
        for entry in self.book.due(height=self.place.last.height, confirmations=NEEDED):
            assert self.place.last.height - entry.block.height + 1 >= NEEDED["BTC"]
            self.book = self.book.credited(entry.deposit.id)
            self.paid.append(entry.deposit.id)

    def catch_up(self, chain, steps=10**6):
        for _ in range(steps):
            step = self.step(chain)
            if isinstance(step, Scan) or step == Wait(on_chain=True):
                self.credit()
            if isinstance(step, Wait):
                break


moves = st.one_of(
    st.tuples(st.just("mine"), st.integers(0, 2)),
    st.tuples(st.just("reorganise"), st.integers(1, 6), st.lists(st.booleans(), min_size=1, max_size=3)),
    st.tuples(st.just("scan"), st.integers(1, 5)),
)


@given(st.lists(moves, max_size=60))
def test_the_book_is_what_the_chain_holds_whatever_happened_on_the_way(history):
    chain, scanner, made = Chain(), Scanner(), 0
    for what, *arguments in history:
        if what == "mine":
            chain.mine(deposit(made + number) for number in range(arguments[0]))
            made += arguments[0]
        elif what == "reorganise":
            chain.reorganise(*arguments)
        else:
            scanner.catch_up(chain, steps=arguments[0])
    scanner.catch_up(chain)
    held = {each.id: block for block, deposits in chain.blocks for each in deposits}
    top = len(chain.blocks) - 1
    assert len(set(scanner.paid)) == len(scanner.paid)
    for id_, entry in scanner.book.entries.items():
        paid = id_ in scanner.paid
        if id_ in held:
            assert entry.block == held[id_]
            assert entry.state is (State.CREDITED if paid else State.SEEN)
            assert paid or top - entry.block.height + 1 < NEEDED["BTC"]
        else:
            assert entry.state is (State.ALARMED if paid else State.GONE)
    assert held.keys() <= scanner.book.entries.keys()
    assert {entry.deposit.id for entry in scanner.book.alarms()} == set(scanner.paid) - held.keys()


def test_a_downtime_of_many_blocks_is_caught_up_one_by_one():
    chain, scanner = Chain(), Scanner()
    for number in range(500):
        chain.mine([deposit(number)] if number % 100 == 0 else [])
    scanner.catch_up(chain)
    assert scanner.paid == [deposit(number).id for number in (0, 100, 200, 300, 400)]
    assert len(scanner.place.blocks) == REMEMBERED


def test_a_chain_that_is_shorter_for_a_moment_takes_nothing_back():
    place = Place((GENESIS, Tip(height=1, hash="a")))
    assert next_step(place, height=0, block_at_last=None) == Wait(on_chain=False)
    assert next_step(place, height=1, block_at_last="x") == TakeBack(place.last)


def test_a_reorganisation_beyond_memory_stops_and_asks_for_a_person():
    with pytest.raises(DeepReorgError, match="compare deposits by hand"):
        Place((Tip(height=9, hash="a"),)).taken_back()


def test_a_block_that_is_not_the_next_is_refused():
    with pytest.raises(ValueError, match="doesn't follow"):
        Place((GENESIS,)).scanned(Tip(height=2, hash="b"), remembered=5)


def test_an_asset_without_confirmations_is_never_credited():
    block = Tip(height=1, hash="a")
    book = Book().scanned(block, [deposit(1, asset="DOGE")])
    assert book.due(height=10**6, confirmations=NEEDED) == []
    assert book.entries["bitcoin:1:0"].state is State.SEEN


def test_a_deposit_is_credited_once_and_is_always_the_same():
    one, two = Tip(height=1, hash="a"), Tip(height=2, hash="b")
    book = Book().scanned(one, [deposit(1)])
    with pytest.raises(ScanError, match="in block a and in b"):
        book.scanned(two, [deposit(1)])
    with pytest.raises(ScanError, match="another user, asset or amount"):
        book.taken_back(one).scanned(two, [deposit(1, amount=6)])
    book = book.credited("bitcoin:1:0")
    with pytest.raises(ScanError, match="is credited, and can't be"):
        book.credited("bitcoin:1:0")
    with pytest.raises(ScanError, match="is unknown"):
        book.credited("bitcoin:9:0")
