"""The page of errors names what the code says, with its HTTP status, and nothing that no code says."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest
from outcry.v1.order_event_pb2 import RefusalReason
from outcry.v1.types_pb2 import RejectReason

from e2e.cluster.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "api" / "errors.md"
REJECTS = CHECKOUT / "docs" / "matching" / "rejects.md"
SERVICES = CHECKOUT / "services" / "outcry_services"
ENVOY = CHECKOUT / "charts" / "outcry" / "files" / "envoy"
# What clients of the gateway may meet; the others' names are in their own logs and runbooks.
ANSWERING = (
    "common",
    "gateway",
    "order",
    "position",
    "risk",
    "settlement",
    "wallet/deposits",
    "wallet/reserves",
)
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{5,}")
ROW = re.compile(r"^\| ((?:`[A-Z0-9_]+`(?:, )?)+) \| ?(\d*) \|", re.MULTILINE)


@cache
def trees():
    """Every module of the services that answer."""
    files = [file for package in ANSWERING for file in (SERVICES / package).rglob("*.py")]
    return [ast.parse(file.read_text()) for file in files]


def documented():
    """HTTP status by name, as the page says."""
    found = {}
    for names, status in ROW.findall(PAGE.read_text()):
        for name in re.findall(r"`([A-Z0-9_]+)`", names):
            assert name not in found, f"{name} stands there twice"
            found[name] = int(status or 0)
    return found


def classes():
    """Bases and constants of every class by its name."""
    found = {}
    for node in (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        facts = {}
        for line in node.body:
            if isinstance(line, ast.Assign):
                (target,) = line.targets
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = line.value.elts if isinstance(line.value, ast.Tuple) else [line.value]
                facts |= {
                    name.id: value.value
                    for name, value in zip(names, values, strict=True)
                    if isinstance(value, ast.Constant)
                }
        found[node.name] = ([base.id for base in node.bases if isinstance(base, ast.Name)], facts)
    return found


def is_poison(kind, known):
    """Whether it is about a record in a log: readers meet it, clients never do."""
    return kind == "PoisonError" or any(is_poison(base, known) for base in known.get(kind, ([], {}))[0])


def status_of(kind, known):
    """The HTTP status of an error's class; None for what is no error."""
    while kind in known:
        bases, facts = known[kind]
        if "http_status" in facts:
            return facts["http_status"]
        kind = next((base for base in bases if base in known), None)
    return None


def raised():
    """(name, HTTP status or None where the code decides it later), as the code says."""
    known = classes()
    for kind, (_, facts) in known.items():
        if "default_name" in facts and not is_poison(kind, known) and (status := status_of(kind, known)):
            yield facts["default_name"], status
    for node in (node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Call)):
        kind = node.func.id if isinstance(node.func, ast.Name) else ""
        for keyword in () if is_poison(kind, known) else node.keywords:
            value = keyword.value
            if keyword.arg == "name" and isinstance(value, ast.Constant) and NAME.fullmatch(str(value.value)):
                yield value.value, status_of(kind, known)


def by_envoy():
    """(name, HTTP status) of the errors that Envoy makes by itself."""
    text = (ENVOY / "errors.yaml").read_text()
    yield from (
        (name, int(status)) for status, name in re.findall(r'\(list (\d+) "[A-Z_]+" "([A-Z_]+)"', text)
    )
    yield from ((name, None) for name in re.findall(r"name: ([A-Z_]+)$", text, re.MULTILINE))


def words(enum, prefix):
    return {value.name.removeprefix(prefix) for value in enum.DESCRIPTOR.values if value.number}


REJECTED = words(RejectReason, "REJECT_REASON_")


def test_every_name_is_on_the_page_with_its_status():
    page, rejects = documented(), REJECTS.read_text()
    missing, wrong = [], []
    for name, status in [*raised(), *by_envoy()]:
        if name in page:
            if status and page[name] != status:
                wrong.append((name, status, page[name]))
        elif not (name in REJECTED and f"`{name}`" in rejects):
            missing.append((name, status))
    assert (sorted(set(missing), key=str), sorted(set(wrong))) == ([], [])


def test_the_reasons_of_orders_are_on_the_page():
    assert words(RefusalReason, "REFUSAL_REASON_") - set(documented()) == set()
    text = REJECTS.read_text()
    assert [word for word in sorted(REJECTED) if f"`{word}`" not in text] == []


def test_every_name_on_the_page_is_said_somewhere():
    strings = {
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    said = strings | {name for name, _ in by_envoy()} | REJECTED | words(RefusalReason, "REFUSAL_REASON_")
    assert sorted(set(documented()) - said) == []


@pytest.mark.parametrize("file", ["response.lua"])
def test_envoy_gives_each_grpc_code_the_status_of_its_errors(file):
    text = (ENVOY / file).read_text()
    rows = {code: int(status) for code, status in re.findall(r'\{"([A-Z_]+)", "(\d+)"', text)}
    known = classes()
    for kind, (_, facts) in known.items():
        if "code" in facts and facts["code"] != "UNKNOWN" and "http_status" in facts:
            assert rows[facts["code"]] == facts["http_status"], kind
