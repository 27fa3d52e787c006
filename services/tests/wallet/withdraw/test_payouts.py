"""Withdrawals from the hold to the coin's arrival, on real servers."""

from __future__ import annotations

import pytest

from services.tests.wallet.withdraw.house import BTC, received

pytestmark = [pytest.mark.integration, pytest.mark.chains]


def hot(wallet):
    """The script that pays to the hot wallet's own address 0."""
    return wallet.chain.key.script("0/0")


async def paid_out(wallet, ids, *, blocks=4):
    """Turns and blocks until all have ended."""
    for _ in range(blocks):
        await wallet.turn(mine=1)
        if set(await wallet.statuses(ids)) == {"COMPLETED"}:
            return
    raise AssertionError(await wallet.statuses(ids))


async def test_two_withdrawals_share_a_transaction_and_arrive(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), 3 * BTC))
        await wallet.turn(mine=1)
        ids = await wallet.ask("0.5", "0.25")
        await wallet.turn()
        seen = [await wallet.books.seen(id_) for id_ in ids]
        assert [one.status for one in seen] == ["SENT", "SENT"]
        (txid,) = {one.transaction_id for one in seen}
        assert received(wallet.node, txid) == [50_000_000, 25_000_000]
        await paid_out(wallet, ids)
        steps = [step.status for step in (await wallet.books.seen(ids[0])).steps]
        assert steps == ["PENDING", "HELD", "IN_REVIEW", "APPROVED", "SIGNING", "SENT", "COMPLETED"]
        assert wallet.metric("paid_total") == 2
        # Change is back, less the fee.
        fee = int(wallet.metric("fees_total"))
        await wallet.turn()
        assert wallet.metric("hot_balance", asset="BTC", kind="free") == 3 * BTC - 75_000_000 - fee


async def test_a_hundred_of_one_from_fifty_send_exactly_fifty_and_queue_the_rest(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), 50 * BTC + 2_000_000))
        await wallet.turn(mine=1)
        ids = await wallet.ask(*["1"] * 100)
        await wallet.turn()
        seen = [await wallet.books.seen(id_) for id_ in ids]
        # Oldest first, and the rest says why it waits.
        assert [one.status for one in seen] == ["SENT"] * 50 + ["QUEUED"] * 50
        assert {one.reason for one in seen[50:]} == {"INSUFFICIENT_HOT_FUNDS"}
        assert wallet.metric("pending", asset="BTC", state="QUEUED") == 50
        await paid_out(wallet, ids[:50])
        assert received(wallet.node, seen[0].transaction_id) == [BTC] * 50
        await wallet.turn(mine=2)
        assert await wallet.statuses(ids[50:]) == ["QUEUED"] * 50
        faucet.pay((hot(wallet), 60 * BTC))
        await wallet.turn(mine=1)
        assert await wallet.statuses(ids[50:]) == ["SENT"] * 50
        await paid_out(wallet, ids[50:])


async def test_a_large_one_is_not_overtaken_by_smaller_ones(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        large, small = await wallet.ask("3", "0.1")
        await wallet.turn()
        assert await wallet.statuses([large, small]) == ["QUEUED", "QUEUED"]
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        await paid_out(wallet, [large, small])


async def test_a_transaction_of_a_low_fee_is_replaced_and_pays_once(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        (id_,) = await wallet.ask("0.5")
        await wallet.turn()
        low = (await wallet.books.seen(id_)).transaction_id
        for _ in range(2):
            wallet.clock.ahead += 601
            await wallet.turn()
            await wallet.turn()
        raised = (await wallet.books.seen(id_)).transaction_id
        assert raised != low
        assert wallet.metric("fee_raised_total") == 2
        # The node keeps one of them, since all spend the same.
        assert wallet.node.rpc("getrawmempool") == [raised]
        await paid_out(wallet, [id_])
        assert received(wallet.node, raised) == [50_000_000]
        steps = [step.status for step in (await wallet.books.seen(id_)).steps]
        assert steps[-4:] == ["SENT", "SENT", "SENT", "COMPLETED"]


async def test_a_fee_is_not_raised_above_what_risk_approved(wallet, faucet):
    wallet = wallet.changed(fees={"max_fee_per_withdrawal": 300})
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        (id_,) = await wallet.ask("0.5")
        for _ in range(6):
            await wallet.turn()
            wallet.clock.ahead += 601
        assert wallet.metric("stuck") == 1
        await paid_out(wallet, [id_])
        assert int(wallet.metric("fees_total")) <= 300
        assert wallet.metric("stuck") == 0


async def test_a_request_that_comes_twice_pays_once(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        first = await wallet.books.ask("0.5", client_id="once")
        again = await wallet.books.ask("0.5", client_id="once")
        assert first == again
        for _ in range(3):
            await wallet.saga.heard([first, again])
            await wallet.turn(mine=1)
        assert await wallet.statuses([first]) == ["COMPLETED"]
        assert wallet.metric("paid_total") == 1


async def test_what_was_asked_for_while_nobody_listened_is_found(wallet, faucet):
    ids = [await wallet.books.ask("0.5")]
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await paid_out(wallet, ids)


@pytest.mark.parametrize(
    ("address", "network", "reason"),
    [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bitcoin", "ADDRESS_NETWORK"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q", "bitcoin", "ADDRESS_CHECKSUM"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "bitcoin", "ADDRESS_CHAIN"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "lightning", "ADDRESS_NETWORK"),
    ],
)
async def test_an_address_that_is_none_gives_the_hold_back(wallet, address, network, reason):
    async with wallet.process():
        (id_,) = await wallet.ask("0.5", address=address, network=network)
        await wallet.turn()
        seen = await wallet.books.seen(id_)
        assert (seen.status, seen.reason) == ("RELEASED", "INVALID_ADDRESS")
        assert (seen.steps[-2].status, seen.steps[-2].reason) == ("REJECTED", reason)


async def test_dust_gives_the_hold_back(wallet):
    async with wallet.process():
        (id_,) = await wallet.ask("0.00000545")
        await wallet.turn()
        assert (await wallet.books.seen(id_)).reason == "UNPAYABLE_AMOUNT"
