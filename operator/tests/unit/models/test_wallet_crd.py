"""The definition of `Wallet` that is generated from the models."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from outcry_operator.models import crd, wallet_rules
from outcry_operator.models.wallet import WalletSpec
from outcry_operator.models.wallet_status import WalletStatus

from .test_crd import fields

VERSION = crd.definition(crd.WALLETS)["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
SPEC = dict(fields(SCHEMA["properties"]["spec"], "spec"))
EXAMPLES = sorted((Path(__file__).resolve().parents[4] / "examples").glob("wallet-*.yaml"))


@pytest.mark.parametrize("path", SPEC)
def test_every_field_says_what_it_is(path):
    assert SPEC[path].get("description"), f"{path} has no description"


@pytest.mark.parametrize("path", SPEC)
def test_every_field_is_structural(path):
    assert not {"$ref", "title", "const", "allOf", "anyOf"} & set(SPEC[path])
    assert "type" in SPEC[path]


@pytest.mark.parametrize("path", SPEC)
def test_every_text_and_list_has_a_limit(path):
    field = SPEC[path]
    if field["type"] == "string" and "enum" not in field:
        assert field["maxLength"] <= 512, "rules on it would cost the API server too much"
    if field["type"] == "array":
        assert field["maxItems"] <= 32


def test_fields_are_those_of_the_models():
    spec = {field.alias for field in WalletSpec.model_fields.values()}
    status = {field.alias for field in WalletStatus.model_fields.values()}
    assert set(SCHEMA["properties"]["spec"]["properties"]) == spec
    assert set(SCHEMA["properties"]["status"]["properties"]) == status


def test_what_has_no_default_is_required_or_optional_on_purpose():
    spec = SCHEMA["properties"]["spec"]
    neither = {
        name
        for name, field in spec["properties"].items()
        if "default" not in field and name not in spec["required"]
    }
    assert neither == {"chainId"}


def test_nothing_in_the_status_could_hold_a_share_or_a_key_that_signs():
    told = {path for path, _ in fields(SCHEMA["properties"]["status"], "status")}
    assert {path for path in told if path.startswith("status.key")} == {
        "status.key",
        "status.key.scheme",
        "status.key.epoch",
        "status.key.publicKey",
    }
    assert {path for path in told if "signers[]" in path} == {
        f"status.signers[].{name}" for name in ("index", "identity", "zone", "ready")
    }


def every_rule():
    names = [name for name in vars(wallet_rules) if name.isupper()]
    lists = [getattr(wallet_rules, name) for name in names if isinstance(getattr(wallet_rules, name), list)]
    return [rule for rules in lists for rule in rules]


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule["message"][:40])
def test_every_rule_says_what_is_wrong_and_reaches_the_definition(rule):
    assert len(rule["message"].split()) >= 3
    assert not rule["message"].endswith(".")
    items = [field.get("items", {}) for field in SPEC.values()]
    found = [SCHEMA, SCHEMA["properties"]["spec"], *SPEC.values(), *items]
    assert any(rule in node.get("x-kubernetes-validations", []) for node in found)


def test_columns_read_fields_that_exist():
    known = {f".{path}" for path in SPEC} | {".metadata.creationTimestamp"}
    known |= set(dict(fields(SCHEMA["properties"]["status"], ".status")))
    for column in crd.WALLETS.columns:
        assert column["jsonPath"].split("[?")[0] in known, column["name"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_wallets(example):
    body = yaml.safe_load(example.read_text())
    spec = WalletSpec.model_validate(body["spec"])
    dumped = spec.model_dump(by_alias=True, exclude_none=True)
    assert WalletSpec.model_validate(dumped) == spec
    assert spec.deletion_policy == "Retain"
