"""Withdrawals of ether: nonces in a row, each used once, whatever dies or is left out on the way."""

from __future__ import annotations

import pytest
from outcry.v1 import withdrawal_review_pb2 as review

from services.tests.wallet.withdraw.ether import ETHER, TOKEN, balance, somebody, token_code
from services.tests.wallet.withdraw.test_crashes import Deaths, KilledError

pytestmark = [pytest.mark.integration, pytest.mark.chains]


async def asked(wallet, *amounts, to):
    return await wallet.ask(*amounts, address=to, network="ethereum", asset="ETH")


def hot(wallet):
    return wallet.world.rail._account.address


def fund(wallet, wei):
    """Exactly so much: what is there of tests before is counted."""
    wallet.node.send(hot(wallet), max(0, wei - balance(wallet.node, hot(wallet))))


async def arrived(wallet, ids, *, turns=8):
    for _ in range(turns):
        await wallet.turn(mine=1)
        if set(await wallet.statuses(ids)) == {"COMPLETED"}:
            return
    raise AssertionError(await wallet.statuses(ids))


async def test_ether_arrives_to_the_wei_and_the_fee_is_what_the_chain_took(open_ether_wallet, geth):
    wallet = await open_ether_wallet(geth)
    payee = somebody()
    async with wallet.process():
        fund(wallet, 5 * ETHER)
        before = balance(geth, hot(wallet))
        await wallet.turn()
        ids = await asked(wallet, "0.5", "0.25", "0.125", to=payee)
        await arrived(wallet, ids)
        assert balance(geth, payee) == 875 * ETHER // 1000
        fees = before - balance(geth, hot(wallet)) - 875 * ETHER // 1000
        assert int(wallet.metric("fees_total")) == fees


async def test_who_is_left_out_leaves_no_gap_behind(open_ether_wallet, geth, risk):
    wallet = await open_ether_wallet(geth)
    payee = somebody()
    async with wallet.process():
        fund(wallet, 5 * ETHER)
        await wallet.turn()
        late = await wallet.books.ask("0.5", payee, network="ethereum", asset="ETH")
        no = review.Rejected(reason="DENIED_ADDRESS", message="on the list")

        def rule(request):
            return {"rejected": no} if request.withdrawal_id == late and request.conflict_point else None

        risk.rule = rule
        await wallet.saga.heard([late])
        (good,) = await asked(wallet, "0.25", to=payee)
        await arrived(wallet, [good])
        assert await wallet.statuses([late]) == ["RELEASED"]
        assert balance(geth, payee) == ETHER // 4


async def test_a_hundred_of_one_from_fifty_and_gas_send_exactly_fifty(open_ether_wallet, anvil):
    wallet = await open_ether_wallet(anvil)
    payee = somebody()
    async with wallet.process():
        give(wallet, 50 * ETHER + ETHER // 2)
        await wallet.turn()
        ids = await asked(wallet, *["1"] * 100, to=payee)
        await wallet.turn()
        assert await wallet.statuses(ids) == ["SENT"] * 50 + ["QUEUED"] * 50
        assert (await wallet.books.seen(ids[-1])).reason == "INSUFFICIENT_HOT_FUNDS"
        await arrived(wallet, ids[:50])
        await wallet.turn(mine=1)
        assert await wallet.statuses(ids[50:]) == ["QUEUED"] * 50
        assert balance(anvil, payee) == 50 * ETHER


def give(wallet, wei):
    """On anvil, by its own word."""
    wallet.node.rpc("anvil_setBalance", hot(wallet), hex(wei))


async def test_a_transaction_of_a_low_fee_is_replaced_with_the_same_nonce(open_ether_wallet, anvil):
    wallet = await open_ether_wallet(anvil)
    payee = somebody()
    async with wallet.process():
        give(wallet, 5 * ETHER)
        await wallet.turn()
        (id_,) = await asked(wallet, "0.5", to=payee)
        await wallet.turn()
        low = (await wallet.books.seen(id_)).transaction_id
        wallet.clock.ahead += 601
        await wallet.turn()
        await wallet.turn()
        raised = (await wallet.books.seen(id_)).transaction_id
        assert raised != low
        assert anvil.rpc("eth_getTransactionByHash", low) is None
        await arrived(wallet, [id_])
        assert balance(anvil, payee) == ETHER // 2


async def test_what_landed_under_an_id_that_nobody_kept_is_the_payment(open_ether_wallet, geth):
    """A process had it signed, and died before it kept the signature; somebody sent it all the same."""
    wallet = await open_ether_wallet(geth)
    payee, answers = somebody(), []

    def die_before_keeping(name, port):
        if name != "signers":
            return port
        sign = port.sign

        async def signed(transaction, approvals, **named):
            answers.append(await sign(transaction, approvals, **named))
            raise KilledError

        port.sign = signed
        return port

    wallet.wrap = die_before_keeping
    async with wallet.process():
        fund(wallet, 5 * ETHER)
        await wallet.turn()
        (id_,) = await asked(wallet, "0.5", to=payee)
        with pytest.raises(KilledError):
            await wallet.turn()
    (answer,) = answers
    geth.rpc("eth_sendRawTransaction", f"0x{answer.transaction.hex()}")
    wallet.wrap = lambda _, port: port
    async with wallet.process():
        await arrived(wallet, [id_])
        assert (await wallet.books.seen(id_)).transaction_id == answer.id
    assert balance(geth, payee) == ETHER // 2


async def test_a_token_is_paid_with_the_fee_in_ether(open_ether_wallet, anvil):
    anvil.rpc("anvil_setCode", TOKEN, token_code())
    wallet = await open_ether_wallet(anvil)
    payee = somebody()
    async with wallet.process():
        give(wallet, ETHER)
        await wallet.turn()
        paid = await wallet.ask("12.5", address=payee, network="ethereum", asset="USDT")
        fine = await wallet.ask("0.00000001", address=payee, network="ethereum", asset="USDT")
        await arrived(wallet, paid)
        seen = await wallet.books.seen(paid[0])
        (moved,) = anvil.rpc("eth_getTransactionReceipt", seen.transaction_id)["logs"]
        assert (moved["address"], int(moved["data"], 16)) == (TOKEN, 12_500_000)
        assert moved["topics"][2][-40:] == payee[2:].lower()
        assert (await wallet.books.seen(fine[0])).reason == "UNPAYABLE_AMOUNT"


async def test_what_the_chain_takes_and_undoes_returns_the_hold(open_ether_wallet, anvil):
    anvil.rpc("anvil_setCode", TOKEN, token_code(reverts=True))
    wallet = await open_ether_wallet(anvil)
    async with wallet.process():
        give(wallet, ETHER)
        await wallet.turn()
        (id_,) = await wallet.ask("12.5", address=somebody(), network="ethereum", asset="USDT")
        for _ in range(5):
            await wallet.turn(mine=1)
        seen = await wallet.books.seen(id_)
        assert (seen.status, seen.reason) == ("RETURNED", "REVERTED")


async def test_a_process_that_dies_at_any_call_pays_each_once(open_ether_wallet, geth):
    wallet = await open_ether_wallet(geth)
    deaths, payee, stories = Deaths(), somebody(), 0
    async with wallet.process():
        fund(wallet, 20 * ETHER)
    wallet.wrap = deaths.wrap
    while True:
        id_ = await wallet.books.ask("0.01", payee, network="ethereum", asset="ETH")
        # Bitcoin dies at each call: here at some of them, before and after in turn.
        deaths.arm(1 + 3 * stories)
        stories += 1
        try:
            await to_the_end(wallet, id_)
            break
        except KilledError:
            deaths.arm(0)
            await to_the_end(wallet, id_)
    assert stories > 10
    assert balance(geth, payee) == stories * ETHER // 100


async def to_the_end(wallet, id_):
    async with wallet.process():
        await arrived(wallet, [id_])
