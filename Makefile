# One way to do each thing; CI calls `make test` and nothing else.
PYTHON ?= python3
BIN := .venv/bin
export OPENBLAS_NUM_THREADS ?= 1
# Spark's tests run where a Java is found (`make java`), those of Redis where a server is (`make redis`),
# those of the storefront where a Chromium is (`make chromium`).

.DEFAULT_GOAL := help

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: .venv/.installed  ## create .venv from constraints.txt

# uv installs in about a sixth of pip's time; it comes from pip itself.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --compile-bytecode --editable '.[dev]'
	$(BIN)/python -m compileall -q persona_assets
	$(BIN)/python -m persona_assets.orchestration.source_cache
	$(BIN)/python -m persona_assets.recommenders.compile_ahead
	@touch $@

demo: install  ## a small shop from raw events to an A/B verdict, in .persona
	$(BIN)/persona demo

ui: install  ## Dagster's web UI and daemon on 127.0.0.1:3000 over .persona
	$(BIN)/persona ui

serve: install  ## recommendations over HTTP on 127.0.0.1:8000 over .persona, for this machine alone
	PERSONA_API_KEYS=off $(BIN)/persona serve

test: lint types definitions unit gate  ## everything that CI runs

lint: install  ## style and docstrings
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install  ## static types
	$(BIN)/mypy

definitions: install  ## the graph loads, as Dagster's own tools see it
	PERSONA_HOME=$$(mktemp -d) $(BIN)/dg check defs

unit: install  ## the test suite, transforms on Polars and on Spark (where Java is found)
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

gate: install  ## a small shop end to end; fails if an asset check fails
	PERSONA_HOME=$$(mktemp -d) $(BIN)/persona run --source synthetic --start 2025-01-01 --end 2025-02-03 --users 400 --products 300 --weeks 2

java:  ## Java for the Spark tests (Debian and Ubuntu)
	apt-get update && apt-get install --yes openjdk-17-jre-headless

redis:  ## a Redis server for the tests of the online store (Debian and Ubuntu)
	apt-get update && apt-get install --yes --no-install-recommends redis-server

chromium:  ## a browser for the tests of the storefront (Debian and Ubuntu)
	apt-get update && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core

constraints:  ## pin what is installed now in constraints.txt
	{ echo "# Exact versions that CI tests; pyproject.toml holds the ranges. Regenerate: make constraints"; \
	  $(BIN)/uv pip freeze --python $(BIN)/python --exclude-editable; } | LC_ALL=C sort --ignore-case > constraints.txt

reference:  ## regenerate the generated pages of docs/, and record new versions of feature views
	$(BIN)/python -m persona_assets.tables.reference > docs/tables.md
	$(BIN)/python -m persona_assets.feature_store.definitions persona_assets/feature_store/definitions.json
	$(BIN)/python -m persona_assets.feature_store.reference > docs/features.md
	PERSONA_HOME=$$(mktemp -d) $(BIN)/python -m persona_assets.orchestration.reference

pictures: install  ## make the pictures of docs/images from a demo in a home of its own (needs Chromium)
	$(BIN)/python docs/pictures.py docs/images

.PHONY: help install demo ui serve test lint types definitions unit gate java redis chromium constraints pictures reference
