"""Deposits on the machine of Solana's validators, kept in a real MariaDB."""

from __future__ import annotations

import pytest
from outcry_services.wallet.deposits.addresses import SolanaAddresses
from outcry_services.wallet.deposits.sources import SolanaSource
from solders.keypair import Keypair

from e2e.backends import SvmServer
from services.tests.wallet.deposits.making import ALICE, BOB, wallet_file, world_of
from services.tests.wallet.deposits.spl import SOL, Payer
from services.tests.wallet.nodes.making import pool_of

pytestmark = [pytest.mark.integration, pytest.mark.chains]

FINAL = 31
"""Slots behind its own that make a block final."""
ASSET = {"asset": "SOL", "scale": 8, "chain_scale": 9, "confirmations": 2, "dust": "2000000"}


@pytest.fixture(scope="module")
def chain():
    with SvmServer() as node:
        node.mine(FINAL)
        yield node


@pytest.fixture(scope="module")
def payer(chain):
    return Payer(chain)


@pytest.fixture
async def world(chain, payer, mariadb, tmp_path):
    """Its hot account is the payer's, as far as it knows, where a test says so."""
    genesis = chain.rpc("getGenesisHash")
    key = SolanaAddresses((bytes(Keypair().pubkey()) + bytes(range(32))).hex())
    chain.mine(FINAL)
    file = wallet_file("solana", [ASSET], scan_from=chain.rpc("getSlot"))
    async with pool_of({"a": chain}, directory=tmp_path, chain="solana", genesis=genesis) as pool:
        await pool.round()
        hot = SolanaSource(pool, hot=key.derive("0/0").address)
        async with world_of(mariadb, file, source=hot, deriver=key) as world:
            world.pool = pool
            yield world


async def step(world, chain, *, slots=FINAL):
    chain.mine(slots)
    await world.pool.round()
    await world.watch.step()


async def test_coins_arrive_once_whatever_dies_and_slots_without_a_block_are_stepped_over(
    world, chain, payer
):
    alice, bob = await world.address(ALICE), await world.address(BOB)
    await step(world, chain)
    # While nobody looks.
    txid = payer.pay(alice, SOL)
    chain.rpc("svm_skipSlots", 3)
    payer.pay(bob, 1_500_000)
    await world.start()
    await step(world, chain, slots=FINAL - 2)
    assert (await world.states(), world.books.credited) == (["seen"], {})
    await step(world, chain, slots=1)
    # It dies between the credit and its record, and asks again.
    (entry,) = world.watch._book.entries.values()
    assert entry.state == "credited"
    async with world.store.change() as tables:
        await tables.session.execute(tables.named("UPDATE wallet.deposits SET state = 'seen'"))
    await world.start()
    await step(world, chain)
    assert world.books.of(ALICE) == [("SOL", SOL)]
    assert (world.books.asked, await world.states()) == (2, ["credited"])
    assert list(world.books.credited) == [f"solana:{txid}:1"]
    assert await world.aside() == [("SOL", "1500000", "DUST")]
    assert world.metric("kept_aside", asset="SOL", reason="DUST") == 1


async def test_what_a_program_moves_counts_and_what_fails_does_not(world, chain, payer):
    alice, bob = await world.address(ALICE), await world.address(BOB)
    # One transaction that pays both, and one that is in a block and undone.
    payer.send(payer.paid(alice, SOL), payer.paid(bob, 2 * SOL), payer.paid(alice, SOL))
    payer.send(payer.paid(alice, SOL), payer.paid(bob, 10**12), skipPreflight=True)
    await step(world, chain, slots=FINAL + 1)
    assert (world.books.of(ALICE), world.books.of(BOB)) == ([("SOL", 2 * SOL)], [("SOL", 2 * SOL)])
    assert await world.states() == ["credited", "credited"]


async def test_tokens_that_nobody_knows_lie_aside_and_so_does_what_the_wallet_itself_sends(
    world, chain, payer
):
    alice, bob = await world.address(ALICE), await world.address(BOB)
    mint = payer.mint()
    payer.give(mint, alice, 5_000_000)
    world.source._hot = str(payer.key.pubkey())
    payer.pay(bob, SOL)
    await step(world, chain, slots=FINAL + 1)
    assert await world.aside() == sorted([(str(mint), "5000000", "OWN"), ("SOL", str(SOL), "OWN")])
    world.source._hot = ""
    payer.give(mint, alice, 7)
    await step(world, chain, slots=FINAL + 1)
    assert (str(mint), "7", "UNSUPPORTED") in await world.aside()
    assert world.metric("kept_aside", asset="other", reason="UNSUPPORTED") == 1
    assert (world.books.credited, await world.states()) == ({}, [])


async def test_a_withdrawal_to_another_user_is_a_deposit(world, chain, payer):
    """Of what the hot account sends, only what pays no withdrawal is the wallet's own."""
    alice = await world.address(ALICE)
    world.source._hot = str(payer.key.pubkey())
    txid = payer.pay(alice, SOL)
    async with world.store.change() as tables:
        payment = await tables.payments.add("PAYOUT", now=1)
        await tables.session.execute(
            tables.named(
                "INSERT INTO wallet.transactions (txid, payment, version, state, unsigned_form, fee, size, "
                "created) VALUES (%s, %s, 1, 'SENT', '', 5000, 1, 1)"
            ),
            [txid, payment],
        )
    await step(world, chain, slots=FINAL + 1)
    assert world.books.of(ALICE) == [("SOL", SOL)]
    assert await world.aside() == []
