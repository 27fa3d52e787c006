"""Signers that are down or refuse, a risk that says no or waits, and the pause flag."""

from __future__ import annotations

import asyncio

import pytest
from outcry.v1 import withdrawal_review_pb2 as review

from services.tests.wallet.withdraw.house import BTC
from services.tests.wallet.withdraw.test_payouts import hot, paid_out

pytestmark = [pytest.mark.integration, pytest.mark.chains]


@pytest.fixture
def whole_quorum(quorum):
    """All three again at the end."""
    yield quorum
    for index in ("1", "2", "3"):
        quorum.stop(index)
        quorum.run(index)


async def test_any_one_signer_may_be_down_and_with_two_it_waits_and_says_so(wallet, faucet, whole_quorum):
    async with wallet.process():
        faucet.pay((hot(wallet), 3 * BTC))
        await wallet.turn(mine=1)
        whole_quorum.stop("1")
        (first,) = await wallet.ask("0.5")
        await paid_out(wallet, [first])
        assert (wallet.metric("signer_up", signer="1"), wallet.metric("signer_up", signer="2")) == (0, 1)
        whole_quorum.stop("2")
        (second,) = await wallet.ask("0.25")
        await wallet.turn()
        seen = await wallet.books.seen(second)
        assert (seen.status, seen.reason) == ("QUEUED", "SIGNERS_DOWN")
        assert wallet.metric("held_back_total", error="SIGNERS_DOWN") == 1
        whole_quorum.run("1")
        async with asyncio.timeout(60):
            # The connection comes back by itself, and not at once.
            while await wallet.statuses([second]) != ["SENT"]:
                await wallet.signers_are_asked_again()
        await paid_out(wallet, [second])


async def test_what_signers_refuse_waits_under_the_name_of_the_refusal(wallet, faucet, risk):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        # Longer than signers take an approval for: its clock, or its rules, are wrong.
        risk.valid_seconds = 365 * 86_400
        (id_,) = await wallet.ask("0.5")
        await wallet.turn()
        assert wallet.metric("signing_refused_total", code="REFUSED_EXPIRED") == 1
        assert (await wallet.books.seen(id_)).status == "SIGNING"
        risk.valid_seconds = 86_400
        await wallet.signers_are_asked_again()
        await paid_out(wallet, [id_])


async def test_what_risk_rejects_returns_to_its_user_and_the_others_go_on(wallet, faucet, risk):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        no = review.Rejected(reason="DENIED_ADDRESS", message="on the list")
        denied = await wallet.books.ask("0.25")
        late = await wallet.books.ask("0.125")

        def rule(request):
            # One at once, another when its approval is asked for: a list may change in between.
            refused = request.withdrawal_id == denied or (
                request.withdrawal_id == late and request.conflict_point
            )
            return {"rejected": no} if refused else None

        risk.rule = rule
        (good,) = await wallet.ask("0.5")
        await wallet.saga.heard([denied, late])
        for _ in range(3):
            await wallet.turn()
        await paid_out(wallet, [good])
        seen = [await wallet.books.seen(id_) for id_ in (denied, late)]
        assert [(one.status, one.reason) for one in seen] == [("RELEASED", "REJECTED")] * 2
        assert seen[0].steps[-2].reason == "DENIED_ADDRESS"


async def test_what_waits_for_people_holds_nothing_up(wallet, faucet, risk):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        slow = await wallet.books.ask("1.5")
        waiting = review.Waiting(tier="two-admins", reason="MANUAL_REVIEW", needed=2)
        risk.rule = lambda request: {"waiting": waiting} if request.withdrawal_id == slow else None
        (quick,) = await wallet.ask("1")
        await wallet.saga.heard([slow])
        await wallet.turn()
        await paid_out(wallet, [quick])
        seen = await wallet.books.seen(slow)
        assert (seen.status, seen.reason) == ("IN_REVIEW", "MANUAL_REVIEW")


@pytest.mark.parametrize("before", ["building", "signing", "broadcasting"])
async def test_the_pause_flag_stops_the_next_step(wallet, faucet, whole_quorum, before):
    async with wallet.process():
        faucet.pay((hot(wallet), 2 * BTC))
        await wallet.turn(mine=1)
        (id_,) = await wallet.ask("0.5")
        if before == "building":
            wallet.pause = "ledger differs"
            await wallet.turn()
            seen = await wallet.books.seen(id_)
            assert (seen.status, seen.reason) == ("QUEUED", "PAUSED")
        elif before == "signing":
            for index in ("1", "2"):
                whole_quorum.stop(index)
            await wallet.turn()
            for index in ("1", "2"):
                whole_quorum.run(index)
            wallet.pause = "ledger differs"
            await wallet.signers_are_asked_again()
            assert (await wallet.books.seen(id_)).reason == "PAUSED"
        else:
            wallet.pause_after("send")
            await wallet.turn()
            assert (await wallet.books.seen(id_)).status == "SENT"
        for _ in range(2):
            await wallet.turn(mine=1)
        assert wallet.node.rpc("getrawmempool") == []
        assert await wallet.statuses([id_]) != ["COMPLETED"]
        wallet.pause = None
        await wallet.signers_are_asked_again()
        await paid_out(wallet, [id_])
