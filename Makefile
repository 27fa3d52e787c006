# Outcry's commands. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PROVIDER ?= local
NAME ?= outcry
SERVICES ?= yes
WALLETS ?= yes
PYTHON ?= python3
N ?= 10000000
RUNS ?= 20000
SEEDS ?= 10000
UV_VERSION := 0.13.9
LLVM_COV_VERSION := 0.9.1
CARGO_FUZZ_VERSION := 0.13.2
BIN := .venv/bin
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export VIRTUAL_ENV := $(CURDIR)/.venv

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# A stamp, so that a second run asks nobody: uv itself is one of the locked packages.
.venv/.synced: uv.lock pyproject.toml $(wildcard */pyproject.toml */*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: apt-get install python3.11 python3.11-venv, or make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --quiet --frozen --all-packages --no-install-package outcry-engine --inexact
	@touch $@

.PHONY: venv
venv: .venv/.synced ## Python environment with everything that is locked

.PHONY: engine
engine: .venv/.synced ## The engine, built and installed into the Python environment
	$(BIN)/maturin develop --quiet --uv --release --locked -m engine-rs/python/Cargo.toml

.PHONY: prerequisites
prerequisites: ## Install the Debian packages that are missing (root)
	@$(PYTHON) e2e/cluster/prerequisites.py --tests --install

.PHONY: up
up: .venv/.synced ## A cluster, the exchange on it and two users who trade, coins that come and go; PROVIDER=local|kind|current SERVICES=yes|no WALLETS=yes|no
	@$(BIN)/python -m e2e.cluster up --provider $(PROVIDER) --name $(NAME) \
	  $(if $(filter no,$(SERVICES)),--no-services) $(if $(filter no,$(WALLETS)),--no-wallets)

.PHONY: down
down: .venv/.synced ## Stop and remove all of it
	@$(BIN)/python -m e2e.cluster down --provider $(PROVIDER) --name $(NAME)

.PHONY: test
test: ## Everything: lint, unit, property, integration and end-to-end tests
	@if [ -n "$$CI" ]; then $(PYTHON) e2e/cluster/prerequisites.py --tests --install; fi
	@$(MAKE) --no-print-directory .venv/.synced
	@$(BIN)/python -m e2e.suite

.PHONY: test-unit
test-unit: .venv/.synced ## Unit and property tests alone, under a minute once built
	@$(BIN)/python -m e2e.suite unit

.PHONY: test-integration
test-integration: .venv/.synced ## Tests against real Kafka, Consul and Kubernetes API processes
	@$(BIN)/python -m e2e.suite integration

.PHONY: test-chains
test-chains: .venv/.synced ## Tests against real chain nodes: btcd, geth, anvil
	@$(BIN)/python -m e2e.suite chains

.PHONY: test-e2e
test-e2e: .venv/.synced ## Tests on a cluster of their own
	@$(BIN)/python -m e2e.suite e2e

.PHONY: test-simulation
test-simulation: engine ## The services' logic under every fault: SEEDS=10000 stories, each from its seed
	@$(BIN)/python -m e2e.simulation run --seeds $(SEEDS)

.PHONY: lint
lint: .venv/.synced ## ruff, mypy, import-linter, rustfmt, clippy, generated files
	@$(BIN)/python -m e2e.suite lint

.PHONY: format
format: .venv/.synced ## Format all code
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	cargo fmt --all

.PHONY: proto
proto: .venv/.synced ## Regenerate the Python code of the protobuf schema
	services/proto/generate.sh

.PHONY: crds
crds: .venv/.synced ## Regenerate the CustomResourceDefinitions from the operator's models
	$(BIN)/python -m outcry_operator.models generate

.PHONY: fuzz
fuzz: engine ## The core against the oracle: N random orders (10,000,000), or one story again with SEED
	@$(BIN)/python -m e2e.fuzz $(if $(SEED),replay $(SEED),run --orders $(N))

# libFuzzer without a sanitizer: the crates are safe Rust, and stable rustc has all that coverage needs.
.PHONY: fuzz-smoke
fuzz-smoke: $(BIN)/cargo-fuzz ## libFuzzer on the decoders, on restoring and on command sequences, RUNS inputs each
	@for target in decode_commands decode_event restore commands; do \
	  mkdir -p engine-rs/fuzz/corpus/$$target && \
	  PATH="$(CURDIR)/$(BIN):$$PATH" cargo fuzz run --fuzz-dir engine-rs/fuzz --sanitizer none $$target \
	    engine-rs/fuzz/corpus/$$target engine-rs/fuzz/seeds/$$target -- \
	    -runs=$(RUNS) -max_len=1024 -timeout=20 -print_final_stats=0 || exit 1; \
	done

$(BIN)/cargo-fuzz: | .venv/.synced
	cargo install --quiet --locked --root .venv --version $(CARGO_FUZZ_VERSION) cargo-fuzz

.PHONY: coverage
coverage: .venv/.synced $(BIN)/cargo-llvm-cov ## Lines of the Rust crates that tests run, and the gate that holds them
	@rustup component add llvm-tools >/dev/null 2>&1 || test -n "$$LLVM_COV" || \
	  { echo "LLVM's tools of rustc's own version are needed: rustup component add llvm-tools, or LLVM_COV and LLVM_PROFDATA" >&2; exit 1; }
	@$(BIN)/python -m e2e.coverage

$(BIN)/cargo-llvm-cov: | .venv/.synced
	cargo install --quiet --locked --root .venv --version $(LLVM_COV_VERSION) cargo-llvm-cov

.PHONY: cold
cold: ## The cold wallet's program for an offline machine: dist/outcry-cold, with its checksum
	cargo build --quiet --release --locked --manifest-path services/cold/Cargo.toml --target-dir target/cold
	@mkdir -p dist && cp target/cold/release/outcry-cold dist/ && cd dist && sha256sum outcry-cold | tee outcry-cold.sha256

.PHONY: bench
bench: engine ## Speed and memory: bench/results/pod.json and operator.json
	$(BIN)/python -m bench.pod
	$(BIN)/python -m bench.operator

.PHONY: bench-engine
bench-engine: engine ## The order book beside its peers, two CPUs to itself: bench/results/engine.json
	$(BIN)/python -m bench.engine

.PHONY: bench-checkpoint
bench-checkpoint: .venv/.synced ## What checkpoints cost the match thread, and a restart: bench/results/checkpoint.json
	$(BIN)/python -m bench.checkpoint

.PHONY: bench-latency
bench-latency: .venv/.synced ## A command's way through the pod's threads: bench/results/pod_latency.json
	$(BIN)/python -m bench.pod_latency

.PHONY: bench-gateway
bench-gateway: .venv/.synced ## The gateway beside a bare Envoy (h2load): bench/results/gateway.json
	$(BIN)/python -m bench.gateway

.PHONY: bench-orders
bench-orders: engine ## The path of an order, HTTPS to the books: bench/results/orders.json
	$(BIN)/python -m bench.orders

.PHONY: bench-wallet
bench-wallet: .venv/.synced ## Signing by two of three, and looking through a chain: bench/results/wallet.json
	$(BIN)/python -m bench.wallet

.PHONY: faults
faults: engine ## The whole fault campaign (hours): bench/results/failover.json
	$(BIN)/python -m e2e.faults run

.PHONY: load
load: engine ## Orders through the gateway of a whole exchange on this machine, its services killed on the way
	$(BIN)/python -m e2e.load ramp --rate 200 --seconds 60 --kill order,position,risk,settlement

.PHONY: load-cluster
load-cluster: .venv/.synced ## The same on a cluster of its own, every pod killed once: bench/results/load.json
	$(BIN)/python -m e2e.load ramp --cluster new --rate 100 --seconds 300 --users 500 --kill all --record

.PHONY: report
report: .venv/.synced ## docs/benchmarks.md from bench/results
	$(BIN)/python -m bench.report
