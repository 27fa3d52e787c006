"""Two of three signers on Solana: durable nonces, long reviews, replays, and one payment for good."""

from __future__ import annotations

import pytest
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.nodes.model import Place
from outcry_services.wallet.signing.errors import SignersRefusedError
from solders.pubkey import Pubkey

from services.tests.wallet.solana.hot import FINAL, SOL, approved, begun, relay_to

pytestmark = [pytest.mark.integration, pytest.mark.chains]


async def nonce_value(pool, account):
    await pool.round()
    return await pool.agreed(lambda node: node.nonce_value(str(account)), what="a nonce")


@pytest.mark.parametrize("pair", [(1, 2), (1, 3), (2, 3)])
async def test_each_pair_signs_what_the_chain_takes_however_long_the_review_was(
    chain, quorum, risk, pool, hot, pair
):
    nonce, receiver = hot.nonce_account(), Pubkey.new_unique()
    value = await nonce_value(pool, nonce)
    payment = hot.payment(nonce, value, receiver, SOL)
    approval = await approved(risk, pair[0] * 10 + pair[1], receiver, SOL, nonce, value)
    # Any blockhash of before is forgotten by then; a durable nonce is not.
    chain.mine(300)
    async with relay_to(quorum, pair) as relay:
        signed = await relay.sign(payment, [approval], begun=begun)
    await pool.round()
    sent = await broadcast(pool, signed.transaction.hex(), txid=signed.id, seconds=30)
    assert sent.done, sent.refused
    chain.mine(FINAL - 1)
    await pool.round()
    found = await pool.sighting(signed.id)
    assert (found.place, found.succeeded) == (Place.MINED, True)
    assert await pool.read(lambda node: node.balance(str(receiver))) == SOL
    again = await broadcast(pool, signed.transaction.hex(), txid="1" * 64, seconds=30)
    assert "AlreadyProcessed" in again.refused["a"] or "BlockhashNotFound" in again.refused["a"]
    assert chain.rpc("getBalance", str(receiver))["value"] == SOL


async def test_of_two_transactions_for_one_withdrawal_the_chain_takes_one(chain, quorum, risk, pool, hot):
    nonce, receiver = hot.nonce_account(), Pubkey.new_unique()
    value = await nonce_value(pool, nonce)
    approval = await approved(risk, 77, receiver, SOL, nonce, value)
    async with relay_to(quorum) as relay:
        first = await relay.sign(hot.payment(nonce, value, receiver, SOL), [approval], begun=begun)
        raised = await relay.sign(
            hot.payment(nonce, value, receiver, SOL, price=1_000_000), [approval], begun=begun
        )
    assert first.id != raised.id
    assert (await broadcast(pool, raised.transaction.hex(), txid=raised.id, seconds=30)).done
    refused = await broadcast(pool, first.transaction.hex(), txid=first.id, seconds=30)
    assert not refused.done
    assert "BlockhashNotFound" in refused.refused["a"]
    chain.mine(FINAL)
    assert chain.rpc("getBalance", str(receiver))["value"] == SOL
    assert await nonce_value(pool, nonce) != value


async def test_a_withdrawal_is_bound_to_one_nonce_for_ever_whichever_pair_is_asked(quorum, risk, pool, hot):
    nonce, other, receiver = hot.nonce_account(), hot.nonce_account(), Pubkey.new_unique()
    value, elsewhere = await nonce_value(pool, nonce), await nonce_value(pool, other)
    approval = await approved(risk, 88, receiver, SOL, nonce, value)
    risk.fixed.clear()
    forged = await approved(risk, 88, receiver, SOL, other, elsewhere)
    async with relay_to(quorum, (1, 2)) as relay:
        await relay.sign(hot.payment(nonce, value, receiver, SOL), [approval], begun=begun)
    # Signer 3 has not seen the first one; its partner has, and won't.
    for pair in ((1, 3), (2, 3)):
        async with relay_to(quorum, pair) as relay:
            with pytest.raises(SignersRefusedError) as refused:
                await relay.sign(hot.payment(other, elsewhere, receiver, SOL), [forged], begun=begun)
            assert refused.value.refusal in ("REFUSED_CONFLICT_POINT", "REFUSED_APPROVAL")


async def test_nothing_is_signed_that_was_not_approved_so(quorum, risk, pool, hot):
    nonce, receiver = hot.nonce_account(), Pubkey.new_unique()
    value = await nonce_value(pool, nonce)
    approval = await approved(risk, 99, receiver, SOL, nonce, value)
    stranger = Pubkey.new_unique()
    for payment, refusal in (
        (hot.payment(nonce, value, receiver, SOL + 1), "REFUSED_OUTPUT"),
        (hot.payment(nonce, value, stranger, SOL), "REFUSED_OUTPUT"),
        (hot.payment(nonce, value, receiver, SOL, price=60_000_000), "REFUSED_FEE"),
    ):
        async with relay_to(quorum) as relay:
            with pytest.raises(SignersRefusedError) as refused:
                await relay.sign(payment, [approval], begun=begun)
        assert refused.value.refusal == refusal
