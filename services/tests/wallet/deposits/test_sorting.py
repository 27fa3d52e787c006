"""What is a deposit and what is kept aside; addresses are those of the key that signers share."""

from __future__ import annotations

from decimal import Decimal

import pytest
from embit.networks import NETWORKS
from embit.script import p2tr
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st
from outcry_services.common.addresses import parse_address
from outcry_services.common.money import format_amount
from outcry_services.wallet.deposits.addresses import BitcoinAddresses, EthereumAddresses, path_of
from outcry_services.wallet.deposits.model import Payment, Reason
from outcry_services.wallet.deposits.sorting import ledger_units, sort
from outcry_services.wallet.settings import AssetSettings

from services.tests.wallet.deposits.making import ALICE, ROOT, XPUB

OWNER = b"o" * 20
USDT_CONTRACT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
ETH = AssetSettings(asset="ETH", scale=8, chain_scale=18, confirmations=3, dust="1000000000000000")
USDT = AssetSettings(asset="USDT", contract=USDT_CONTRACT, scale=8, chain_scale=6, confirmations=3)


def paid(units, *, contract=None, owner=OWNER, own=False):
    return Payment("aa", 0, owner, contract, units, own=own)


def sorted_(*payments):
    return sort(payments, chain="ethereum", owners={OWNER: ALICE}, assets=[ETH, USDT])


def test_payments_to_us_are_deposits_of_their_assets():
    found = sorted_(paid(10**18), paid(5_000_000, contract=USDT_CONTRACT.lower()))
    assert [(it.id, it.user_id, it.asset, it.amount) for it in found.deposits] == [
        ("ethereum:aa:0", ALICE, "ETH", 10**18),
        ("ethereum:aa:0", ALICE, "USDT", 5_000_000),
    ]
    assert found.aside == []


@pytest.mark.parametrize(
    ("payment", "asset", "reason"),
    [
        (paid(10**15 - 1), "ETH", Reason.DUST),
        (paid(1, contract=f"0x{'ab' * 20}"), f"0x{'ab' * 20}", Reason.UNSUPPORTED),
        (paid(2**256 - 1, contract=USDT_CONTRACT.lower()), "USDT", Reason.TOO_LARGE),
        (paid(10**18, own=True), "ETH", Reason.OWN),
    ],
)
def test_what_is_kept_aside_says_why(payment, asset, reason):
    found = sorted_(payment)
    assert found.deposits == []
    assert [(it.asset, it.units, it.reason) for it in found.aside] == [(asset, payment.units, reason)]


def test_nothing_and_what_is_for_others_is_neither():
    found = sorted_(paid(0), paid(10**18, owner=b"x" * 20))
    assert (found.deposits, found.aside) == ([], [])


@given(st.integers(1, 2**80), st.sampled_from([ETH, USDT]))
def test_no_more_is_credited_than_came_and_less_by_under_one_unit(units, asset):
    came = Decimal(units).scaleb(-asset.chain_scale)
    credited = Decimal(format_amount(min(ledger_units(units, asset), 2**63 - 1), scale=asset.scale))
    assert credited <= came
    if ledger_units(units, asset) < 2**63:
        assert came - credited < Decimal(1).scaleb(-asset.scale)


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 2**62 - 1))
def test_addresses_are_those_of_the_private_key_at_the_users_path(user_id):
    path = path_of(user_id)
    key = ROOT.derive(f"m/{path}").key
    derived = BitcoinAddresses(XPUB, network="regtest").derive(path)
    assert derived.address == p2tr(key.get_public_key()).address(NETWORKS["regtest"])
    assert parse_address("bitcoin", "regtest", derived.address).script == derived.owner
    account = EthereumAddresses(XPUB).derive(path)
    assert account.address == Account.from_key(key.serialize()).address
    assert parse_address("ethereum", "1", account.address).script == account.owner


@pytest.mark.parametrize("xpub", ["", "xpub", XPUB[:-1]])
def test_a_key_that_is_none_is_refused(xpub):
    for make in (EthereumAddresses, lambda text: BitcoinAddresses(text, network="regtest")):
        with pytest.raises(ValueError, match="none"):
            make(xpub)
