"""`python -m outcry_operator.models generate [--check]`: the definitions, written or compared."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from outcry_operator.models import crd

ROOT = Path(__file__).resolve().parents[3]


def targets() -> dict[Path, str]:
    """Every generated file, with what it must hold."""
    folders = (ROOT / "crds", ROOT / "charts" / "outcry-crds" / "templates")
    return {
        folder / f"{resource.plural}.yaml": crd.text(resource)
        for resource in crd.RESOURCES
        for folder in folders
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or name those that differ (exit status 1)."""
    parser = argparse.ArgumentParser(prog="python -m outcry_operator.models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser("generate", help="write the CustomResourceDefinitions")
    generate.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is out of date"
    )
    check = parser.parse_args(arguments).check
    stale = [path for path, text in targets().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(targets()[path])
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(ROOT)}")
    if stale and check:
        print("run `make crds` and commit the result", file=sys.stderr)
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
