#!/usr/bin/env bash
# Generates the Python code of the protobuf schema. `generate.sh --check` fails when the committed
# code is not what the schema gives.
set -euo pipefail
cd "$(dirname "$0")"
bin=../../.venv/bin
out=python
if [ "${1:-}" = --check ]; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
fi
# Of the HTTP annotations, which the schema imports.
googleapis=$("$bin/python" -c "import google.api, pathlib; print(pathlib.Path(google.api.__path__[0]).parents[1])")
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -I . -I "$googleapis" \
  --python_out="$out" --mypy_out="$out" --grpc_python_out="$out" --mypy_grpc_out="$out" \
  outcry/v1/*.proto
if [ "${1:-}" = --check ]; then
  diff -r -x __init__.py -x py.typed -x __pycache__ "$out/outcry" python/outcry ||
    { echo "generated code is stale: run 'make proto' and commit" >&2; exit 1; }
fi
