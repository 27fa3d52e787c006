"""Deposits of ether and tokens are brought from their users' addresses to the account that pays out, once."""

from __future__ import annotations

import itertools

import pytest
from outcry_services.wallet.deposits.addresses import AddressBook, EthereumAddresses
from outcry_services.wallet.deposits.metrics import DepositMetrics
from outcry_services.wallet.deposits.sources import EthereumSource
from outcry_services.wallet.deposits.watch import DepositWatch
from outcry_services.wallet.withdraw.quorum import learn_key
from prometheus_client import CollectorRegistry

from services.tests.wallet.deposits.making import Books
from services.tests.wallet.withdraw.ether import ETHER, TOKEN, balance, somebody, token_code
from services.tests.wallet.withdraw.test_crashes import Deaths, KilledError
from services.tests.wallet.withdraw.test_ethereum import arrived, asked, fund, give, hot

pytestmark = [pytest.mark.integration, pytest.mark.chains]

_users = itertools.count(2**40)
"""All wallets have one quorum: no two tests have a user in common."""
AGAIN_SECONDS = 20
"""Longer than between two looks at what is due."""
HELD = 10**12
"""Units of the token, of which everybody has as many."""


class PaidIn:
    """The deposits of a wallet's running process."""

    def __init__(self, wallet, key):
        world, self.wallet, self.books = wallet.world, wallet, Books()
        self.addresses = AddressBook(world.store, EthereumAddresses(key.xpub))
        self.watch = DepositWatch(
            world.store,
            EthereumSource(wallet.pool, hot=bytes.fromhex(hot(wallet)[2:])),
            file=wallet.file,
            addresses=self.addresses,
            books=self.books,
            alarm=self._alarm,
            metrics=DepositMetrics(CollectorRegistry()),
            now=wallet.clock.now,
        )

    async def address(self):
        """A new user, and where they pay to."""
        user = next(_users)
        return user, await self.addresses.give(user, now=1)

    async def _alarm(self, reason):
        raise AssertionError(reason)


async def paid_in(wallet):
    key = await learn_key(wallet.world.store, wallet.world.signers, scheme="ecdsa")
    found = PaidIn(wallet, key)
    await found.addresses.load()
    await found.watch.step()
    return found


async def rows(wallet, statement):
    async with wallet.world.store.look() as tables:
        return await tables.session.query(tables.named(statement))


async def gathered(wallet, *, moves, turns=12):
    """Turn until so many moves ended; by kind what each moved and what it cost."""
    for _ in range(turns):
        wallet.clock.ahead += AGAIN_SECONDS
        await wallet.turn(mine=1)
        found = await rows(
            wallet,
            "SELECT p.kind, m.user_id, m.asset, m.units, m.fee, m.txid FROM wallet.moves m "
            "JOIN wallet.payments p ON p.id = m.payment WHERE m.ended IS NOT NULL ORDER BY m.payment",
        )
        if len(found) >= moves:
            return found
    raise AssertionError(found)


def nonce(node, address):
    return int(node.rpc("eth_getTransactionCount", address, "latest"), 16)


async def test_ether_comes_home_to_the_wei_and_crumbs_stay(open_ether_wallet, anvil):
    wallet = await open_ether_wallet(anvil)
    async with wallet.process():
        deposits = await paid_in(wallet)
        (alice, at_alice), (bob, at_bob), (_, at_carol) = [await deposits.address() for _ in range(3)]
        anvil.send(at_alice, 2 * ETHER)
        anvil.send(at_bob, ETHER)
        anvil.send(at_carol, 10**13)
        anvil.mine(3)
        await wallet.pool.round()
        await deposits.watch.step()
        assert len(deposits.books.credited) == 3
        before = balance(anvil, hot(wallet))
        moves = await gathered(wallet, moves=2)
        assert [(kind, user, asset) for kind, user, asset, *_ in moves] == [
            ("GATHER", alice, "ETH"),
            ("GATHER", bob, "ETH"),
        ]
        for _, _, _, units, fee, txid in moves:
            receipt = anvil.rpc("eth_getTransactionReceipt", txid)
            assert fee == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            assert units > ETHER * 99 // 100
        assert balance(anvil, hot(wallet)) - before == sum(int(units) for _, _, _, units, _, _ in moves)
        assert wallet.metric("fees_total") == sum(int(fee) for *_, fee, _ in moves)
        # What isn't worth its fee waits, visibly, until more comes.
        wallet.clock.ahead += AGAIN_SECONDS
        await wallet.turn(mine=1)
        assert (balance(anvil, at_carol), nonce(anvil, at_carol)) == (10**13, 0)
        assert wallet.metric("ungathered", asset="ETH") == 10**13
        anvil.send(at_carol, ETHER)
        anvil.send(at_alice, ETHER)
        anvil.mine(3)
        await wallet.pool.round()
        await deposits.watch.step()
        await gathered(wallet, moves=4)
        assert [nonce(anvil, address) for address in (at_alice, at_bob, at_carol)] == [2, 1, 1]
        assert wallet.metric("ungathered", asset="ETH") == 0


async def test_tokens_come_home_with_gas_that_is_no_deposit(open_ether_wallet, anvil):
    anvil.rpc("anvil_setCode", TOKEN, token_code())
    wallet = await open_ether_wallet(anvil)
    async with wallet.process():
        give(wallet, ETHER)
        deposits = await paid_in(wallet)
        alice, at_alice = await deposits.address()
        await token_arrives(wallet, deposits, at_alice)
        gas, fetched = await gathered(wallet, moves=2)
        assert (gas[:3], fetched[:4]) == (("GAS", alice, "ETH"), ("GATHER", alice, "USDT", HELD))
        (moved,) = anvil.rpc("eth_getTransactionReceipt", fetched[5])["logs"]
        assert (moved["address"], int(moved["data"], 16)) == (TOKEN, HELD)
        assert [topic[-40:] for topic in moved["topics"][1:]] == [at_alice[2:].lower(), hot(wallet)[2:]]
        assert balance(anvil, at_alice) == int(gas[3]) - int(fetched[4])
        await deposits.watch.step()
        assert [it.asset for it in deposits.books.credited.values()] == ["USDT"]
        assert await rows(wallet, "SELECT asset, units, reason FROM wallet.kept_aside") == [
            ("ETH", str(gas[3]), "OWN")
        ]


async def token_arrives(wallet, deposits, address):
    node = wallet.node
    data = "0xa9059cbb" + address[2:].lower().rjust(64, "0") + f"{7_000_000:064x}"
    call = {"from": node.account, "to": TOKEN, "data": data, "gas": hex(200_000)}
    node.rpc("eth_sendTransaction", call)
    node.mine(3)
    await wallet.pool.round()
    await deposits.watch.step()
    assert len(deposits.books.credited) == 1


async def test_gas_that_signers_refuse_holds_up_no_withdrawal(open_ether_wallet, anvil):
    anvil.rpc("anvil_setCode", TOKEN, token_code())
    wallet = await open_ether_wallet(anvil)
    payee = somebody()
    async with wallet.process():
        give(wallet, 5 * ETHER)
        deposits = await paid_in(wallet)
        _, at_alice = await deposits.address()
        await token_arrives(wallet, deposits, at_alice)
        # So dear that more gas is wanted than the signers' policy lets go to a deposit address.
        anvil.rpc("anvil_setNextBlockBaseFeePerGas", hex(25 * 10**9))
        anvil.mine(1)
        wallet.clock.ahead += AGAIN_SECONDS
        await wallet.turn()
        (id_,) = await asked(wallet, "0.5", to=payee)
        for _ in range(4):
            wallet.clock.ahead += AGAIN_SECONDS
            await wallet.turn(mine=1)
        await arrived(wallet, [id_])
        assert balance(anvil, payee) == ETHER // 2
        assert (balance(anvil, at_alice), nonce(anvil, at_alice)) == (0, 0)


async def test_a_process_that_dies_at_any_call_fetches_each_once(open_ether_wallet, geth):
    wallet = await open_ether_wallet(geth)
    deaths, stories, addresses = Deaths(), 0, []
    async with wallet.process():
        fund(wallet, ETHER)
    wallet.wrap = deaths.wrap
    while True:
        async with wallet.process():
            addresses.append(await arrives_credited(wallet))
        # Bitcoin's payments die at each call: these at some of them, before and after in turn.
        deaths.arm(1 + 5 * stories)
        stories += 1
        try:
            await to_the_end(wallet, stories)
            break
        except KilledError:
            deaths.arm(0)
            await to_the_end(wallet, stories)
    assert stories > 4
    assert [nonce(geth, address) for address in addresses] == [1] * stories
    assert max(balance(geth, address) for address in addresses) < ETHER // 100


async def arrives_credited(wallet):
    """An ether at a new user's address, and in the books."""
    key = await learn_key(wallet.world.store, wallet.world.signers, scheme="ecdsa")
    user = next(_users)
    address = await AddressBook(wallet.world.store, EthereumAddresses(key.xpub)).give(user, now=1)
    txid = wallet.node.send(address, ETHER)
    async with wallet.world.store.change() as tables:
        await tables.session.execute(
            tables.named(
                "INSERT INTO wallet.deposits "
                "(id, user_id, asset, units, state, height, block, found, updated) "
                "VALUES (%s, %s, 'ETH', %s, 'credited', 0, '', 1, 1)"
            ),
            [f"ethereum:{txid}:0", user, ETHER],
        )
    return address


async def to_the_end(wallet, stories):
    async with wallet.process():
        await gathered(wallet, moves=stories)
