"""Withdrawals through all services and processes: from a user's balance to a block, and the books at zero."""

from __future__ import annotations

from decimal import Decimal

import pytest
from outcry_services.wallet.withdraw.bitcoin.keys import GroupKey

from e2e.backends import wait_until
from e2e.exchange import Exchange
from e2e.exchange.bitcoin import BitcoinSide
from services.tests.wallet.withdraw.coins import Faucet
from services.tests.wallet.withdraw.house import BTC, PAYEE, received

pytestmark = [pytest.mark.integration, pytest.mark.chains]

ALICE = 1001


@pytest.fixture(scope="module")
def bitcoin(tmp_path_factory):
    with BitcoinSide(tmp_path_factory.mktemp("bitcoin")) as side:
        yield side


@pytest.fixture(scope="module")
def exchange(bitcoin):
    with Exchange(more=bitcoin.settings) as running:
        bitcoin.run_wallet(running)
        running.admin().deposit(ALICE, "BTC", "5", reference="deposit-of-alice")
        alice = running.client(ALICE)
        wait_until(lambda: alice.position("BTC")[0] == "5.00000000", seconds=60, what="alice's deposit")
        yield running


def fund(exchange, bitcoin):
    """Ten coins for the hot wallet, whose key the wallet has learned from its signers."""
    ((xpub,),) = exchange.mariadb.execute("SELECT xpub FROM wallet_bitcoin.group_keys")
    script = GroupKey(xpub).script("0/0")
    Faucet(bitcoin.btcd).pay(*[(script, BTC)] * 10)


def test_withdrawals_arrive_once_while_the_wallet_is_killed_again_and_again(exchange, bitcoin):
    fund(exchange, bitcoin)
    alice, wallet = exchange.client(ALICE), bitcoin.wallet
    ids = [
        alice.withdraw("BTC", f"0.1000000{number}", address=PAYEE, network="bitcoin") for number in range(4)
    ]

    def there(*statuses):
        return sum(alice.withdrawal(id_).status in statuses for id_ in ids)

    def wait_for(number, statuses):
        def holds():
            # A process that died before it handed its transaction out does so later: each gets its block.
            if "SENT" not in statuses and bitcoin.btcd.rpc("getrawmempool"):
                bitcoin.btcd.mine()
            return there(*statuses) >= number

        wait_until(holds, seconds=120, what=f"{number} withdrawals {statuses[0]}")

    for statuses in (("SENT", "COMPLETED"), ("COMPLETED",)):
        for number in range(1, len(ids) + 1):
            # At a moment of its own each time: as soon as one more is there.
            wait_for(number, statuses)
            wallet.restart()
    seen = [alice.withdrawal(id_) for id_ in ids]
    for one in {one.transaction_id: one for one in seen}.values():
        paid = sorted(received(bitcoin.btcd, one.transaction_id))
        wanted = sorted(
            int(Decimal(it.amount) * BTC) for it in seen if it.transaction_id == one.transaction_id
        )
        assert paid == wanted
    left = Decimal(5) - sum(Decimal(one.amount) for one in seen)
    wait_until(
        lambda: tuple(map(Decimal, alice.position("BTC"))) == (left, Decimal(0)),
        seconds=60,
        what=f"alice has {left}",
    )
    wait_until(lambda: exchange.admin().check_ledger().balanced, seconds=60, what="the books at zero")
