"""SOL comes home from users' own accounts, which the signers derive as the wallet does."""

from __future__ import annotations

import itertools

import pytest
from outcry_services.wallet.deposits.addresses import AddressBook, SolanaAddresses
from outcry_services.wallet.deposits.metrics import DepositMetrics
from outcry_services.wallet.deposits.sources import SolanaSource
from outcry_services.wallet.deposits.watch import DepositWatch
from outcry_services.wallet.withdraw.quorum import learn_key
from prometheus_client import CollectorRegistry

from services.tests.wallet.deposits.making import Books
from services.tests.wallet.deposits.spl import Payer
from services.tests.wallet.solana.hot import FINAL, SOL
from services.tests.wallet.withdraw.test_crashes import Deaths, KilledError

pytestmark = [pytest.mark.integration, pytest.mark.chains]

_users = itertools.count(2**40)
AGAIN_SECONDS = 20
"""Longer than between two looks at what is due."""


@pytest.fixture(scope="module")
def payer(chain):
    return Payer(chain)


async def address_book(wallet):
    key = await learn_key(wallet.world.store, wallet.world.signers, scheme="ed25519")
    addresses = SolanaAddresses(key.xpub)
    assert addresses.derive("0/0").address == key.address
    book = AddressBook(wallet.world.store, addresses)
    await book.load()
    return key, book


def balance(chain, address):
    return chain.rpc("getBalance", address)["value"]


async def moves(wallet):
    async with wallet.world.store.look() as tables:
        return await tables.session.query(
            tables.named("SELECT user_id, units, fee, txid FROM wallet.moves WHERE ended IS NOT NULL")
        )


async def gathered(wallet, count, *, turns=12):
    for _ in range(turns):
        wallet.clock.ahead += AGAIN_SECONDS
        await wallet.turn()
        await wallet.turn(mine=FINAL)
        if len(await moves(wallet)) == count:
            return
    raise AssertionError(await moves(wallet))


async def test_what_users_pay_in_is_fetched_once(wallet, chain, payer):
    async with wallet.process():
        await wallet.turn()
        key, addresses = await address_book(wallet)
        books = Books()
        watch = DepositWatch(
            wallet.world.store,
            SolanaSource(wallet.pool, hot=key.address),
            file=wallet.file,
            addresses=addresses,
            books=books,
            alarm=None,
            metrics=DepositMetrics(CollectorRegistry()),
            now=wallet.clock.now,
        )
        await watch.step()
        users = [next(_users) for _ in range(3)]
        at = [await addresses.give(user, now=1) for user in users]
        for address in at[:2]:
            payer.pay(address, 3 * SOL)
        crumb = chain.rpc("getMinimumBalanceForRentExemption", 0)
        payer.pay(at[2], crumb)
        chain.mine(FINAL)
        await wallet.pool.round()
        await watch.step()
        assert len(books.credited) == 3
        before = balance(chain, key.address)
        # A withdrawal that waits for funds holds up nothing that brings some.
        (dear,) = await wallet.ask("100000", address=at[0], asset="SOL", network="solana")
        await gathered(wallet, 3)
        assert await wallet.statuses([dear]) == ["QUEUED"]
        found = await moves(wallet)
        assert sorted(user for user, *_ in found) == users
        assert [balance(chain, address) for address in at] == [0, 0, 0]
        fees = 0
        for _, _, fee, txid in found:
            told = chain.rpc("getTransaction", txid, {"encoding": "base64"})
            assert told["meta"]["fee"] == fee
            fees += int(fee)
        assert balance(chain, key.address) - before == 6 * SOL + crumb - fees
        # What comes home is nobody's deposit.
        await watch.step()
        assert len(books.credited) == 3


async def test_a_process_that_dies_on_the_way_fetches_it_once(wallet, chain, payer):
    deaths, stories, addresses = Deaths(), 0, []
    wallet.wrap = deaths.wrap
    while True:
        async with wallet.process():
            await wallet.turn(mine=FINAL)
            addresses.append(await arrives_credited(wallet, payer))
        # Ethereum's die at more calls: what differs here is how a lost signature is found again.
        deaths.arm(2 + 9 * stories)
        stories += 1
        try:
            await to_the_end(wallet, stories)
            break
        except KilledError:
            deaths.arm(0)
            await to_the_end(wallet, stories)
    assert stories > 2
    assert [balance(chain, address) for address in addresses] == [0] * stories
    assert [int(units) for _, units, *_ in await moves_of(wallet)] == [SOL] * stories


async def moves_of(wallet):
    async with wallet.process():
        return await moves(wallet)


async def arrives_credited(wallet, payer):
    """A coin at a new user's address, final and in the books."""
    _, addresses = await address_book(wallet)
    user = next(_users)
    address = await addresses.give(user, now=1)
    txid = payer.pay(address, SOL)
    wallet.node.mine(FINAL)
    async with wallet.world.store.change() as tables:
        await tables.session.execute(
            tables.named(
                "INSERT INTO wallet.deposits "
                "(id, user_id, asset, units, state, height, block, found, updated) "
                "VALUES (%s, %s, 'SOL', %s, 'credited', 0, '', 1, 1)"
            ),
            [f"solana:{txid}:1", user, SOL],
        )
    return address


async def to_the_end(wallet, stories):
    async with wallet.process():
        await gathered(wallet, stories)
