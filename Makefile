# bavn: `make demo` shows it at work, `make test` proves it. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STORE ?= sqlite
CARGO_FLAGS ?=

SOURCES := $(shell git ls-files sensors detectors collector cli rules schema pyproject.toml Cargo.toml Cargo.lock README.md LICENSE 2>/dev/null)

.PHONY: help demo test lint fmt bench wheel docs clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.ready ## sets all up and shows the main job on real captures (STORE=elastic: on a real Elasticsearch)
ifeq ($(STORE),elastic)
	@scripts/demo-elastic
else
	@$(VENV)/bin/bavn demo
endif

test: $(VENV)/.test ## sets all up, builds the wheel, runs all tests on it
	cargo test --workspace --locked $(CARGO_FLAGS)
	$(PY) -P -m pytest $(PYTEST_FLAGS)

lint: $(VENV)/.lint ## formatting, lints and types of Rust and Python; warnings are errors
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright --pythonpath $(PY)

fmt: $(VENV)/.lint ## formats Rust and Python
	cargo fmt
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: $(VENV)/.ready ## one table: a libpcap floor, bavn, and the peers that are installed (CAPTURE=FILE)
	$(PY) -P bench/compare.py $(CAPTURE)

wheel: dist/.built ## builds the wheel into dist/

docs: $(VENV)/.ready ## writes the reference pages that are generated from the code's own tables
	$(PY) -P scripts/make_schema.py
	$(PY) -P scripts/make_docs.py

clean: ## removes what the build made
	rm -rf $(VENV) dist target .cache

$(VENV)/.venv:
	@scripts/setup build
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --upgrade 'pip>=25'
	$(VENV)/bin/pip install --quiet 'maturin>=1.16,<2'
	@touch $@

dist/.built: $(VENV)/.venv $(SOURCES)
	@rm -rf dist && mkdir -p dist
	$(VENV)/bin/maturin build --release --locked --strip --out dist --interpreter $(PY)
	@touch $@

$(VENV)/.ready: dist/.built
	@scripts/setup run
	$(VENV)/bin/pip install --quiet --find-links dist "bavn[all] @ file://$$(ls $(CURDIR)/dist/bavn-*.whl)"
	$(VENV)/bin/pip install --quiet --no-deps --force-reinstall dist/bavn-*.whl
	@touch $@

$(VENV)/.test: $(VENV)/.ready pyproject.toml
	@scripts/setup test
	$(VENV)/bin/pip install --quiet --group test
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	$(VENV)/bin/pip install --quiet --group lint
	@touch $@
