"""What code, messages and pages say about other pages is true."""

from __future__ import annotations

import re

import pytest

from e2e.cluster.paths import CHECKOUT

OPERATIONS = CHECKOUT / "docs" / "operations"
SOURCES = ("operator", "engine-rs", "services", "e2e", "bench", "charts", "crds", "examples")
SUFFIXES = {".py", ".rs", ".pyi", ".yaml", ".tpl", ".txt", ".proto", ".toml"}
SKIPPED = {"target", "node_modules", "__pycache__"}
NAMED = re.compile(r"docs/operations/[a-z0-9-]+\.md")
LINK = re.compile(r"\]\(([^)#\s]+)?(?:#([^)\s]+))?\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
REASON = re.compile(r'(?:\breason ?= ?|^[A-Z_]+ = )"([A-Z][a-z]+(?:[A-Z]+[a-z]+)*|SharedCPU)"', re.MULTILINE)
# Of base classes that are never raised themselves.
UNSAID = {"Error", "Refused", "Unavailable", "Unknown"}
METRIC = re.compile(r"\boutcry_[a-z_]+")
METERED = ("operator/outcry_operator", "engine-rs/python/python/outcry_engine", "services/outcry_services")
MODULES = {"outcry_operator", "outcry_services"}
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def sources():
    """Every file of ours that may name a page."""
    for folder in SOURCES:
        for path in (CHECKOUT / folder).rglob("*"):
            if path.suffix in SUFFIXES and not SKIPPED & set(path.parts):
                yield path


def pages():
    """Every page of the documentation."""
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]


def anchors(page):
    """The names under which a page's headings are linked to."""
    found = HEADING.findall(FENCED.sub("", page.read_text()))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found)
    return {name.replace(" ", "-") for name in kept}


def test_every_runbook_that_code_names_exists():
    named = {
        (name, str(path.relative_to(CHECKOUT)))
        for path in sources()
        for name in NAMED.findall(path.read_text(errors="replace"))
    }
    assert {name for name, _ in named} >= {"docs/operations/kafka-unavailable.md"}
    assert not sorted(pair for pair in named if not (CHECKOUT / pair[0]).is_file())


def test_every_runbook_is_in_the_index():
    index = (OPERATIONS / "README.md").read_text()
    listed = {target for target, _ in LINK.findall(index) if target.endswith(".md")}
    present = {path.name for path in OPERATIONS.glob("*.md")} - {"README.md"}
    assert present - listed == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page):
    broken = []
    for target, anchor in LINK.findall(FENCED.sub("", page.read_text())):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert not broken


def test_every_reason_of_a_condition_is_explained():
    page = "".join((CHECKOUT / "docs" / name).read_text() for name in ("operator.md", "wallet.md"))
    code = "\n".join(path.read_text() for path in (CHECKOUT / "operator" / "outcry_operator").rglob("*.py"))
    reasons = set(REASON.findall(code)) - UNSAID
    assert {"TopicLost", "NoHot", "KafkaUnavailable"} <= reasons
    assert sorted(reason for reason in reasons if f"`{reason}`" not in page) == []


@pytest.mark.parametrize("page", sorted(OPERATIONS.glob("*.md")), ids=lambda page: page.stem)
def test_every_metric_of_a_runbook_exists(page):
    code = "\n".join(path.read_text() for folder in METERED for path in (CHECKOUT / folder).rglob("*.py"))
    named = {name.removesuffix("_total") for name in METRIC.findall(page.read_text())} - MODULES
    assert sorted(name for name in named if f'"{name}"' not in code) == []
