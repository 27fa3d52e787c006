#!/usr/bin/env bash
# Generates the Python code of the protobuf schema, and what the gateway makes of it: descriptors for
# Envoy, an OpenAPI document, the fields of bodies. `generate.sh --check` fails when what is committed is
# not what the schema gives.
set -euo pipefail
cd "$(dirname "$0")"
bin=../../.venv/bin
out=python
envoy=../../charts/outcry/files/envoy
if [ "${1:-}" = --check ]; then
  out=$(mktemp -d)
  envoy=$out/envoy
  mkdir "$envoy"
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; [ "$out" = python ] || rm -rf "$out"' EXIT
# Of the HTTP annotations, which the schema imports.
googleapis=$("$bin/python" -c "import google.api, pathlib; print(pathlib.Path(google.api.__path__[0]).parents[1])")
PATH="$bin:$PATH" "$bin/python" -m grpc_tools.protoc -I . -I "$googleapis" \
  --python_out="$out" --mypy_out="$out" --grpc_python_out="$out" --mypy_grpc_out="$out" \
  outcry/v1/*.proto
apis=(outcry/v1/{order,deposit,position,ledger,risk}_api.proto)
"$bin/python" -m grpc_tools.protoc -I . -I "$googleapis" --include_imports \
  --descriptor_set_out="$envoy/descriptors.binpb" "${apis[@]}"
"$bin/python" -m grpc_tools.protoc -I . -I "$googleapis" --include_imports --include_source_info \
  --descriptor_set_out="$scratch/described.binpb" "${apis[@]}"
"$bin/python" openapi.py "$scratch/described.binpb" "$envoy/openapi.json" "$envoy/fields.lua"
if [ "${1:-}" = --check ]; then
  diff -r -x __init__.py -x py.typed -x __pycache__ "$out/outcry" python/outcry &&
    for file in descriptors.binpb openapi.json fields.lua; do
      diff "$envoy/$file" "../../charts/outcry/files/envoy/$file" || exit 1
    done || { echo "generated code is stale: run 'make proto' and commit" >&2; exit 1; }
fi
