"""Coins that something else spends, blocks that leave the chain, operators who cancel, a second process."""

from __future__ import annotations

import pytest
from outcry.v1 import order_api_pb2, signer_pb2
from outcry_services.common.identity import Identity, Permission
from outcry_services.order.rpc import OrderAdmin
from outcry_services.wallet.withdraw.bitcoin.psbt import Output, unsigned
from outcry_services.wallet.withdraw.errors import SupersededError
from outcry_services.wallet.withdraw.refreshing import EVERY_SECONDS
from outcry_services.wallet.withdraw.store import WalletStore

from services.tests.order.desk import opened
from services.tests.wallet.withdraw.house import BTC, Called, Running
from services.tests.wallet.withdraw.test_payouts import hot, paid_out

pytestmark = [pytest.mark.integration, pytest.mark.chains]


async def nothing():
    pass


async def spend_elsewhere(wallet, outpoint):
    """Two of three signers send one of our coins to ourselves; that transaction's id."""
    async with wallet.world.store.look() as tables:
        (coin,) = await tables.coins.these([outpoint])
    key = wallet.chain.key
    txid, psbt = unsigned(key, [coin], [Output(key.script("0/9"), coin.units - 5_000, "0/9")])
    request = signer_pb2.Transaction(bitcoin=signer_pb2.BitcoinTransaction(psbt=psbt))
    signed = await wallet.world.signers.sign(request, [], begun=nothing, check=lambda _: None)
    wallet.node.rpc("sendrawtransaction", signed.transaction.hex())
    return txid


async def test_a_conflict_point_that_another_transaction_spent_gives_the_hold_back(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), BTC), (hot(wallet), BTC))
        await wallet.turn(mine=1)
        wallet.pause_after("send")
        first, second = await wallet.ask("0.9", "0.9")
        await wallet.turn()
        assert await wallet.statuses([first, second]) == ["SENT", "SENT"]
        async with wallet.world.store.look() as tables:
            points = [(await tables.withdrawals.get(id_)).conflict_point for id_ in (first, second)]
        assert points[0] != points[1]
        by = await spend_elsewhere(wallet, points[0])
        await wallet.turn(mine=2)
        seen = await wallet.books.seen(first)
        assert (seen.status, seen.reason) == ("RETURNED", "SPENT_ELSEWHERE")
        assert by != seen.transaction_id
        # The other one's point is whole: it is paid by a transaction of its own, that spends the same point.
        wallet.pause = None
        await paid_out(wallet, [second])


async def test_a_payment_whose_block_leaves_the_chain_is_confirmed_in_another(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), BTC))
        await wallet.turn(mine=2)
        (id_,) = await wallet.ask("0.5")
        await wallet.turn()
        await wallet.turn(mine=1)
        wallet.node.reorganise(1)
        await wallet.turn()
        await paid_out(wallet, [id_])
        await wallet.turn()
        fee = int(wallet.metric("fees_total"))
        assert wallet.metric("hot_balance", asset="BTC", kind="free") == BTC // 2 - fee


def admin_of(wallet):
    admin = OrderAdmin(treasury=None, switch=Running(), payouts=wallet.books.payouts)
    return admin, Called(*Identity(3, frozenset({Permission.ADMIN})).metadata())


async def test_an_operator_cancels_what_waits_for_signers(wallet, faucet, quorum):
    async with wallet.process():
        faucet.pay((hot(wallet), BTC))
        await wallet.turn(mine=1)
        for index in ("1", "2"):
            quorum.stop(index)
        try:
            canceled, kept = await wallet.ask("0.25", "0.5")
            await wallet.turn()
            admin, who = admin_of(wallet)
            action = order_api_pb2.WithdrawalActionRequest(withdrawal_id=str(canceled), reason="asked for")
            await admin.CancelWithdrawal(action, who)
        finally:
            for index in ("1", "2"):
                quorum.run(index)
        while await wallet.statuses([kept]) != ["SENT"]:
            await wallet.signers_are_asked_again()
        await paid_out(wallet, [kept])
        assert await wallet.statuses([canceled]) == ["RELEASED"]


async def test_of_two_processes_of_one_wallet_the_older_changes_nothing(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), BTC))
        await wallet.turn(mine=1)
        async with opened(wallet.mariadb) as mysql:
            await WalletStore(mysql, database=wallet.file.database).open()
            with pytest.raises(SupersededError):
                await wallet.ask("0.5")


async def test_a_cancel_of_the_oldest_lets_the_younger_ones_go_on(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), BTC))
        await wallet.turn(mine=1)
        large, small = await wallet.ask("3", "0.5")
        await wallet.turn()
        assert await wallet.statuses([large, small]) == ["QUEUED", "QUEUED"]
        admin, who = admin_of(wallet)
        action = order_api_pb2.WithdrawalActionRequest(withdrawal_id=str(large), reason="asked for")
        await admin.CancelWithdrawal(action, who)
        wallet.clock.ahead += EVERY_SECONDS + 1
        await paid_out(wallet, [small])


async def test_an_operators_retry_raises_the_fee_at_once(wallet, faucet):
    async with wallet.process():
        faucet.pay((hot(wallet), BTC))
        await wallet.turn(mine=1)
        (id_,) = await wallet.ask("0.5")
        await wallet.turn()
        low = (await wallet.books.seen(id_)).transaction_id
        admin, who = admin_of(wallet)
        action = order_api_pb2.WithdrawalActionRequest(withdrawal_id=str(id_), reason="the user waits")
        await admin.RetryWithdrawal(action, who)
        wallet.clock.ahead += EVERY_SECONDS + 1
        await wallet.turn()
        await wallet.turn()
        assert (await wallet.books.seen(id_)).transaction_id != low
        await paid_out(wallet, [id_])
