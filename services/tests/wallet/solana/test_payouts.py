"""Withdrawals on Solana, from the hold to the coin's arrival, on real servers."""

from __future__ import annotations

from base64 import b64encode

import pytest
from solders.pubkey import Pubkey

from e2e.backends.json_rpc import RpcError
from services.tests.wallet.solana.hot import FINAL, SOL, approved, begun, relay_to

pytestmark = [pytest.mark.integration, pytest.mark.chains]


async def ask(wallet, *amounts, address=None):
    address = address or str(Pubkey.new_unique())
    return await wallet.ask(*amounts, address=address, asset="SOL", network="solana"), address


def balance(wallet, address):
    return wallet.node.rpc("getBalance", address)["value"]


def deliver(wallet, raw):
    """Past the wallet."""
    wallet.node.rpc("sendTransaction", b64encode(raw).decode(), {"encoding": "base64"})


async def final(wallet):
    """What was sent is final, seen, and told to the books."""
    await wallet.turn(mine=FINAL)


async def test_a_withdrawal_arrives_and_its_fee_is_told(wallet):
    async with wallet.process():
        await wallet.turn()
        ids, address = await ask(wallet, "0.5")
        await wallet.turn()
        (seen,) = [await wallet.books.seen(id_) for id_ in ids]
        assert (seen.status, balance(wallet, address)) == ("SENT", SOL // 2)
        await final(wallet)
        seen = await wallet.books.seen(ids[0])
        steps = [step.status for step in seen.steps]
        assert steps == ["PENDING", "HELD", "IN_REVIEW", "APPROVED", "SIGNING", "SENT", "COMPLETED"]
        found = wallet.node.rpc("getTransaction", seen.transaction_id, {"encoding": "base64"})
        assert found["meta"]["fee"] == int(wallet.metric("fees_total"))


async def test_so_many_are_on_their_way_as_there_are_nonces_and_each_goes_once(wallet):
    async with wallet.process():
        await wallet.turn()
        ids, address = await ask(wallet, "0.1", "0.2", "0.3")
        await wallet.turn()
        assert await wallet.statuses(ids) == ["SENT", "SENT", "QUEUED"]
        assert (await wallet.books.seen(ids[2])).reason == "NONCES_BUSY"
        await wallet.turn()
        assert balance(wallet, address) == 3 * SOL // 10
        await final(wallet)
        await wallet.turn()
        assert await wallet.statuses(ids) == ["COMPLETED", "COMPLETED", "SENT"]
        await final(wallet)
        assert await wallet.statuses(ids) == ["COMPLETED"] * 3
        assert balance(wallet, address) == 6 * SOL // 10


async def test_what_no_account_may_hold_is_returned(wallet):
    async with wallet.process():
        await wallet.turn()
        ids, _ = await ask(wallet, "0.0008")
        await wallet.turn()
        seen = await wallet.books.seen(ids[0])
        assert (seen.status, seen.reason) == ("RELEASED", "UNPAYABLE_AMOUNT")


async def test_more_than_there_is_waits_and_says_so(wallet):
    async with wallet.process():
        await wallet.turn()
        ids, _ = await ask(wallet, "100000")
        await wallet.turn()
        seen = await wallet.books.seen(ids[0])
        assert (seen.status, seen.reason) == ("QUEUED", "INSUFFICIENT_HOT_FUNDS")


async def test_a_stuck_one_is_replaced_by_one_that_pays_more_and_one_of_them_lands(wallet):
    lost = []

    def hold_back(name, port):
        """The chain gets nothing of what is handed out."""
        if name != "rail":
            return port
        hand_out = port.broadcast

        async def broadcast(transaction, *, seconds):
            lost.append(transaction)
            return await hand_out(transaction, seconds=seconds) if len(lost) > 2 else Silent()

        port.broadcast = broadcast
        return port

    class Silent:
        done, refused, silent = False, {}, frozenset()

    wallet.wrap = hold_back
    async with wallet.process():
        await wallet.turn()
        ids, address = await ask(wallet, "0.5")
        await wallet.turn()
        wallet.clock.ahead += 601
        await wallet.turn()
        await wallet.turn()
        first, last = lost[0], lost[-1]
        assert last.fee > first.fee
        await final(wallet)
        assert await wallet.statuses(ids) == ["COMPLETED"]
        assert balance(wallet, address) == SOL // 2
        # The other one, whoever kept it, is worth nothing.
        with pytest.raises(RpcError, match="BlockhashNotFound"):
            deliver(wallet, first.signed)


async def test_a_message_of_ours_that_landed_under_another_id_is_the_payment(wallet, quorum):
    """A process had it signed, and died before it kept the signature; somebody sent it all the same."""
    kept = {}

    def die_before_keeping(name, port):
        if name != "signers":
            return port
        sign = port.sign

        async def signed(transaction, approvals, **named):
            kept["answer"] = await sign(transaction, approvals, **named)
            raise ConnectionResetError("the process dies here")

        port.sign = signed
        return port

    wallet.wrap = die_before_keeping
    async with wallet.process():
        await wallet.turn()
        ids, address = await ask(wallet, "0.5")
        with pytest.raises(ConnectionResetError):
            await wallet.turn()
    deliver(wallet, kept["answer"].transaction)
    wallet.node.mine(FINAL - 1)
    wallet.wrap = lambda _, port: port
    async with wallet.process():
        await wallet.turn()
        await wallet.turn()
        seen = await wallet.books.seen(ids[0])
        assert (seen.status, seen.transaction_id) == ("COMPLETED", kept["answer"].id)
    assert balance(wallet, address) == SOL // 2


async def test_a_nonce_that_somebody_else_spent_returns_the_hold(wallet, hot, quorum, risk):
    """The quorum signed another transaction of that nonce, for another withdrawal."""
    async with wallet.process():
        await wallet.turn()
        ids, address = await ask(wallet, "0.5")
        wallet.pause_after("pay")
        await wallet.turn()
        async with wallet.world.store.look() as tables:
            bound = await tables.withdrawals.get(ids[0])
        nonce, _, value = bound.conflict_point.partition(":")
        stranger = Pubkey.new_unique()
        approval = await approved(risk, 4711, stranger, SOL, Pubkey.from_string(nonce), value)
        payment = hot.payment(Pubkey.from_string(nonce), value, stranger, SOL)
        async with relay_to(quorum) as relay:
            other = await relay.sign(payment, [approval], begun=begun)
        deliver(wallet, other.transaction)
        wallet.node.mine(FINAL - 1)
        wallet.pause = None
        await wallet.turn()
        await wallet.turn()
        seen = await wallet.books.seen(ids[0])
        assert (seen.status, balance(wallet, address)) == ("RETURNED", 0)
