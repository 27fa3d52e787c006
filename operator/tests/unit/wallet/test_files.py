"""What signers and the wallet service are told: exact amounts, and files that the service itself takes."""

from __future__ import annotations

import json

import pytest
from outcry_operator.wallet.objects import deployment, service_map, signer_config, signer_map
from outcry_operator.wallet.policy import policy_of
from outcry_operator.wallet.service_file import service_file
from outcry_operator.wallet.units import asset_text, chain_units, seconds
from outcry_services.wallet.settings import WalletFile, WalletSettings

from .making import SETTINGS, make_wallet


@pytest.mark.parametrize(
    ("text", "scale", "units"),
    [
        ("0.5", 8, "50000000"),
        ("0", 18, "0"),
        ("0.000000000000000001", 18, "1"),
        ("123456789012345678.123456789012345678", 18, "123456789012345678123456789012345678"),
        ("21000000", 8, "2100000000000000"),
    ],
)
def test_amounts_become_chain_units_to_the_last_digit(text, scale, units):
    assert chain_units(text, scale) == units
    assert asset_text(int(units), scale) == text


def test_a_fraction_of_a_unit_is_no_amount():
    with pytest.raises(ValueError, match="more than 8 decimals"):
        chain_units("0.000000001", 8)


@pytest.mark.parametrize(("text", "found"), [("500ms", 0.5), ("2s", 2.0), ("30m", 1800.0)])
def test_durations_are_seconds(text, found):
    assert seconds(text) == found


def test_bitcoins_policy_is_the_specs_in_satoshi():
    assert policy_of(make_wallet()) == {
        "risk_keys": {"risk-1": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
        "approval_validity_seconds": 604800,
        "bitcoin": {
            "network": "regtest",
            "max_fee": "100000",
            "max_fee_per_day": "1000000",
            "max_fee_rate": 500,
            "cold": ["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"],
            "limits": {
                "per_withdrawal": "100000000",
                "per_day": "1000000000",
                "per_address_per_day": "200000000",
                "approvers": [{"amount": "50000000", "approvers": 2}],
            },
        },
    }


def test_ethereums_policy_names_tokens_as_approvals_do():
    policy = policy_of(make_wallet("ethereum"))
    assert set(policy) == {"risk_keys", "approval_validity_seconds", "ethereum"}
    part = policy["ethereum"]
    assert part["chain_id"] == 1337
    assert part["gas_top_up"] == "2000000000000000"
    assert set(part["assets"]) == {"ETH", "USDT@0x5fbdb2315678afecb367f032d93f642f64180aa3"}
    assert part["assets"]["ETH"]["per_withdrawal"] == "10000000000000000000"


@pytest.mark.parametrize("chain", ["bitcoin", "ethereum"])
def test_the_service_takes_its_file(chain):
    told = WalletFile.model_validate_json(json.dumps(service_file(make_wallet(chain))))
    assert (told.name, told.chain, told.paused) == (chain, chain, False)
    assert told.signers["3"] == f"wallet-{chain}-signer-3.outcry-system.svc:7443"
    assert told.nodes.nodes[0].name == ("core" if chain == "bitcoin" else "geth")


def test_the_services_amounts_are_the_specs():
    bitcoin = WalletFile.model_validate_json(json.dumps(service_file(make_wallet())))
    assert (bitcoin.hot.minimum, bitcoin.hot.target, bitcoin.hot.maximum) == (2 * 10**8, 5 * 10**8, 10**9)
    assert (bitcoin.fees.max_rate, bitcoin.fees.max_fee_per_withdrawal) == (500, 50_000)
    assert bitcoin.fees.bump_after_seconds == 1800
    assert bitcoin.assets[0].dust == 546
    node = bitcoin.nodes.nodes[0]
    assert str(node.credentials_file) == "/secrets/nodes/core/credentials"
    ethereum = WalletFile.model_validate_json(json.dumps(service_file(make_wallet("ethereum"))))
    assert ethereum.fees.max_rate == 200 * 10**9, "gwei in wei"
    assert ethereum.fees.gas_top_up == 2 * 10**15, "as in the signers' policy"
    assert bitcoin.fees.gas_top_up == 0
    assert ethereum.assets[1].chain_name == "USDT@0x5fbdb2315678afecb367f032d93f642f64180aa3"


def test_every_variable_of_the_pod_is_one_that_the_service_reads():
    body = deployment(make_wallet(), SETTINGS, serial="1")
    (container,) = body["spec"]["template"]["spec"]["containers"]
    given = {
        entry["name"].removeprefix("OUTCRY_").removesuffix("_FILE").lower() for entry in container["env"]
    }
    known = set(WalletSettings.model_fields)
    assert given - known == {"wallet"}, "OUTCRY_WALLET_FILE is a field of that whole name"
    assert "wallet_file" in known


def test_credentials_are_mounted_from_the_secrets_that_the_wallet_names():
    pod = deployment(make_wallet(), SETTINGS, serial="1")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    (source,) = volumes["node-btcd"]["projected"]["sources"]
    assert source["secret"] == {"name": "bitcoin-nodes", "items": [{"key": "btcd", "path": "credentials"}]}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["node-btcd"] == "/secrets/nodes/btcd"
    assert set(mounts) == set(volumes)


def test_a_signer_restarts_for_its_own_settings_alone():
    wallet, pins = make_wallet(), {1: "a", 2: "b", 3: "c"}
    before = signer_config(wallet, 1, pins, "serial")
    assert before == signer_config(make_wallet(paused=True), 1, pins, "serial")
    assert before == signer_config(make_wallet(batch={"most": 1, "interval": "1s"}), 1, pins, "serial")
    assert before != signer_config(wallet, 1, pins, "another")
    assert before != signer_config(wallet, 1, {**pins, 2: "x"}, "serial")
    cold = make_wallet(cold=["bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"])
    assert before != signer_config(cold, 1, pins, "serial")


def test_what_is_told_to_a_signer_is_its_own_number_and_all_pins():
    told = json.loads(signer_map(make_wallet(), 2, {3: "c", 1: "a"})["data"]["quorum.json"])
    assert told == {"me": 2, "identities": {"1": "a", "3": "c"}}


def test_no_file_holds_what_a_secret_should():
    text = json.dumps([service_map(make_wallet())["data"], signer_map(make_wallet(), 1, {})["data"]])
    assert "password" not in text
    assert "PRIVATE" not in text
