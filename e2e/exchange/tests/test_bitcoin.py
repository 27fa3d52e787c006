"""Coins through all services and processes: from a block and into one, the books equal to the chain."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import grpc
import pytest
from outcry_services.common.addresses import parse_address
from outcry_services.common.errors import NotFoundError, UnavailableError, error_class
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
        yield running


@pytest.fixture(scope="module")
def faucet(bitcoin):
    return Faucet(bitcoin.btcd)


def fund(exchange, faucet):
    """Ten coins of the house's for the hot wallet, whose key the wallet has learned from its signers."""
    ((xpub,),) = exchange.mariadb.execute("SELECT xpub FROM wallet_bitcoin.group_keys")
    faucet.pay(*[(GroupKey(xpub).script("0/0"), BTC)] * 10)


def found_by(probe, *, what):
    """What a probe gives as soon as it gives something; who can't be asked now is asked again."""
    found = []

    def asked():
        with contextlib.suppress(UnavailableError, NotFoundError):
            found.append(probe())
        return bool(found and found[-1])

    wait_until(asked, seconds=60, what=what)
    return found[-1]


def named(call, *arguments):
    """A call whose failure has its own name."""
    try:
        return call(*arguments)
    except grpc.RpcError as error:
        raise error_class(error.code().name)(error.details() or "") from error


def deposit(client, faucet, bitcoins):
    """From a block, to the user's own address."""
    # Consul's news of the wallet may not have reached the order service yet.
    address = found_by(lambda: named(client.deposit_address, "BTC"), what="an address to pay to")
    faucet.pay((parse_address("bitcoin", "regtest", address).script, bitcoins * BTC))
    wait_until(lambda: Decimal(client.position("BTC")[0]) == bitcoins, seconds=60, what="the deposit")


def compared(exchange):
    """Bitcoin in books and chain at one cut, which balance to the unit; None before a wallet is known."""
    found = named(exchange.admin().solvency)
    if not found.chains:
        return None
    for asset in found.assets:
        assert (asset.asset, asset.status, asset.difference) == ("BTC", "EXACT", "0.00000000"), found
    return next(iter(found.assets), None)


def at_rest(exchange):
    """The same, once nothing is on its way."""

    def rests():
        asset = compared(exchange)
        return None if asset is None or Decimal(asset.in_flight) or Decimal(asset.in_transit) else asset

    return found_by(rests, what="nothing on its way")


def test_withdrawals_arrive_once_while_the_wallet_is_killed_again_and_again(exchange, bitcoin, faucet):
    fund(exchange, faucet)
    alice, wallet = exchange.client(ALICE), bitcoin.wallet
    deposit(alice, faucet, 5)
    before = at_rest(exchange)
    assert (before.hot, before.owed, before.house) == ("15.00000000", "5.00000000", "10.00000000")
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
            with contextlib.suppress(UnavailableError):
                compared(exchange)
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
    after = at_rest(exchange)
    assert Decimal(after.owed) == left
    # All that is gone beside what Alice withdrew went to miners, and the house paid it.
    gone = Decimal(before.hot) - Decimal(after.hot) - (Decimal(5) - left)
    assert gone == Decimal(before.house) - Decimal(after.house) > 0


def test_what_is_owed_and_not_there_is_short_by_as_much(exchange):
    at_rest(exchange)
    exchange.admin().deposit(ALICE, "BTC", "0.00000001", reference="a-coin-that-no-block-has")

    def short():
        (asset,) = named(exchange.admin().solvency).assets
        return None if asset.status == "EXACT" else asset

    asset = found_by(short, what="a shortfall")
    assert (asset.status, Decimal(asset.difference)) == ("SHORT", Decimal("-0.00000001"))
    metrics = exchange.services["settlement"].metrics
    wait_until(
        lambda: 'outcry_settlement_solvent{asset="BTC"} 0.0' in metrics(), seconds=60, what="the metric"
    )
