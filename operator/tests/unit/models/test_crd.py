"""The CustomResourceDefinition that is generated from the models."""

from __future__ import annotations

import pytest
import yaml
from outcry_operator.models import __main__ as generator
from outcry_operator.models import crd, rules
from outcry_operator.models.status import TradingPairStatus
from outcry_operator.models.tradingpair import TradingPairSpec

VERSION = crd.definition(crd.PAIRS)["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]


def fields(node, path=""):
    """Every field below a schema, with its dotted path."""
    for name, child in node.get("properties", {}).items():
        here = f"{path}.{name}"
        yield here, child
        yield from fields(child, here)
        yield from fields(child.get("items", {}), f"{here}[]")


SPEC = dict(fields(SCHEMA["properties"]["spec"], "spec"))


def test_the_committed_files_are_what_the_models_say(capsys):
    assert generator.main(["generate", "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_file_is_named_and_left_alone(tmp_path, monkeypatch, capsys):
    stale = tmp_path / "crds" / "tradingpairs.yaml"
    stale.parent.mkdir()
    stale.write_text("old")
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    assert generator.main(["generate", "--check"]) == 1
    printed = capsys.readouterr()
    assert "out of date: crds/tradingpairs.yaml" in printed.out
    assert "make crds" in printed.err
    assert stale.read_text() == "old"


def test_generate_writes_both_copies(tmp_path, monkeypatch):
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    assert generator.main(["generate"]) == 0
    assert generator.main(["generate", "--check"]) == 0
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.yaml"))
    assert written == [
        "charts/outcry-crds/templates/tradingpairs.yaml",
        "charts/outcry-crds/templates/wallets.yaml",
        "crds/tradingpairs.yaml",
        "crds/wallets.yaml",
    ]


@pytest.mark.parametrize("resource", crd.RESOURCES, ids=lambda resource: resource.kind)
def test_helm_finds_nothing_to_expand(resource):
    assert "{{" not in crd.text(resource)


@pytest.mark.parametrize("resource", crd.RESOURCES, ids=lambda resource: resource.kind)
def test_the_text_is_the_definition(resource):
    assert yaml.safe_load(crd.text(resource)) == crd.definition(resource)
    assert "*id" not in crd.text(resource)


def test_names_people_type():
    names = crd.definition(crd.PAIRS)["spec"]["names"]
    assert names["shortNames"] == ["pair", "pairs"]
    assert names["plural"] == "tradingpairs"
    assert VERSION["name"] == "v1alpha1"
    assert VERSION["subresources"] == {"status": {}}


@pytest.mark.parametrize("path", SPEC)
def test_every_field_says_what_it_is(path):
    assert SPEC[path].get("description"), f"{path} has no description"


@pytest.mark.parametrize("path", SPEC)
def test_every_field_is_structural(path):
    field = SPEC[path]
    assert not {"$ref", "title", "const", "allOf"} & set(field)
    assert ("type" in field) != ("x-kubernetes-int-or-string" in field)


@pytest.mark.parametrize("path", SPEC)
def test_every_text_has_a_length(path):
    field = SPEC[path]
    if field.get("type") == "string" and "enum" not in field:
        assert field["maxLength"] <= 512, "rules on it would cost the API server too much"


def test_fields_are_those_of_the_models():
    spec = {field.alias for field in TradingPairSpec.model_fields.values()}
    status = {field.alias for field in TradingPairStatus.model_fields.values()}
    assert set(SCHEMA["properties"]["spec"]["properties"]) == spec
    assert set(SCHEMA["properties"]["status"]["properties"]) == status


def test_defaults_are_those_of_the_models():
    least = {
        "base": {"asset": "BTC", "scale": 8},
        "quote": {"asset": "USDT", "scale": 8},
        "tickSize": "0.01",
        "lotSize": "0.00001",
        "priceBand": {"lower": "1000", "upper": "500000"},
    }
    filled = dict(least)
    for name, field in SCHEMA["properties"]["spec"]["properties"].items():
        if "default" in field:
            filled.setdefault(name, field["default"])
    assert TradingPairSpec.model_validate(least) == TradingPairSpec.model_validate(filled)
    stored = TradingPairSpec.model_validate(least).model_dump(by_alias=True, exclude_none=True)
    assert stored == filled


def test_what_has_no_default_is_required_or_optional_on_purpose():
    spec = SCHEMA["properties"]["spec"]
    neither = {
        name
        for name, field in spec["properties"].items()
        if "default" not in field and name not in spec["required"]
    }
    assert neither == {"marketData"}


def every_rule():
    """All rules of the definition."""
    names = [name for name in vars(rules) if name.isupper() and name != "OWNED_TOPIC_CONFIG"]
    return [(name, rule) for name in names for rule in getattr(rules, name) if isinstance(rule, dict)]


@pytest.mark.parametrize(("name", "rule"), every_rule(), ids=lambda value: str(value)[:30])
def test_every_rule_says_what_is_wrong_and_reaches_the_definition(name, rule):
    assert len(rule["message"].split()) >= 3
    assert not rule["message"].endswith(".")
    assert len(rule["message"]) < 2048
    found = [SCHEMA, SCHEMA["properties"]["spec"], *SPEC.values()]
    assert any(rule in node.get("x-kubernetes-validations", []) for node in found), name


def test_columns_read_fields_that_exist():
    status = dict(fields(SCHEMA["properties"]["status"], ".status"))
    known = {f".{path}" for path in SPEC} | set(status) | {".metadata.creationTimestamp"}
    for column in crd.PAIRS.columns:
        path = column["jsonPath"].split("[?")[0]
        assert path in known, column["name"]
