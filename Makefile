# Every target sets up what it needs: a Python from 3.11 to 3.14 and make are enough.
# Works with GNU make 3.81 and a POSIX shell, so on macOS as it comes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

PYTHON ?=
ARGS ?=

# The environment to work in, installed from requirements/dev.txt.
ENVIRONMENT := .venv
INSTALLED := $(ENVIRONMENT)/.installed
BIN := $(ENVIRONMENT)/bin

# Programs whose pins clash with ours, installed from requirements/tools.txt.
TOOLS := .cache/tools
TOOLS_INSTALLED := $(TOOLS)/.installed

PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

# Leaves in $$python the newest usable interpreter, or stops and says what to do.
# `python3.12` may be a shim that answers but cannot run, hence the trial.
define find_python
wanted="$(PYTHON)"; python=""; without_venv=""; \
for candidate in $${wanted:-python3.14 python3.13 python3.12 python3.11 python3 python}; do \
    "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
        >/dev/null 2>&1 || continue; \
    if "$$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; \
    then python="$$candidate"; break; else without_venv="$$candidate"; fi; \
done; \
if [ -z "$$python" ] && [ -n "$$without_venv" ]; then \
    echo "make: $$without_venv cannot make virtual environments;" \
        "on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
elif [ -z "$$python" ]; then \
    echo "make: no Python from 3.11 to 3.14 found$${wanted:+ at $$wanted};" \
        "install one, or name it: make PYTHON=/path/to/python3.13 ..." >&2; exit 1; \
fi
endef

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  ARGS=... is handed on (make demo ARGS=--help), PYTHON=... names the interpreter."

.PHONY: demo
demo: $(INSTALLED) ## Play a day of mail through a real worker, without Kafka or an account
	@$(BIN)/mailflag demo $(ARGS)

.PHONY: check
check: environment lint ## Format, lint, types, imports, fast tests: about two minutes
	$(BIN)/pytest --ignore=tests/broker --ignore=tests/ops \
	    --ignore=tests/component/test_demo.py $(ARGS)

.PHONY: test
test: environment lint ## Everything, on a real Kafka too (needs Java and Maven, or a broker)
	$(BIN)/pytest $(ARGS)

.PHONY: bench
bench: $(INSTALLED) ## Beside aiokafka, Faust, Quix and Kafka Streams (ARGS="--rounds 5")
	@nice $(BIN)/python benchmarks/pipeline.py $(ARGS)

.PHONY: dashboards
dashboards: $(INSTALLED) ## Draw the Grafana dashboards anew from grafana/src
	@$(BIN)/python -m grafana.src.render

.PHONY: chaos
chaos: environment ## A long run of faults on a real Kafka (ARGS="--seconds 600 --seed 3")
	@$(BIN)/python benchmarks/chaos.py $(ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) ## Hostile input for all that reads (ARGS="--inputs 1000000 --seed 3")
	@nice $(BIN)/python -m benchmarks.fuzz $(ARGS)

.PHONY: lint
lint: $(INSTALLED) ## Format, lint, types and who imports whom
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: fix
fix: $(INSTALLED) ## Format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: environment
environment: $(INSTALLED) $(TOOLS_INSTALLED) ## Only set up what the other targets need

.PHONY: lock
lock: $(TOOLS_INSTALLED) ## Lock the dependencies anew (ARGS=--upgrade for newer versions)
	$(LOCK) pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml --all-extras --constraint requirements/runtime.txt \
	    --group build --group test --group lint --group dashboards \
	    --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra rocksdb --constraint requirements/runtime.txt \
	    --output-file requirements/rocksdb.txt
	$(LOCK) --constraint requirements/dev.txt --group build \
	    --output-file requirements/build.txt
	$(LOCK) --group tools --output-file requirements/tools.txt
	$(LOCK) --group peers --output-file requirements/peers.txt

# Universal: one file for every Python and system we support. No header and no
# index: a lock says what and which hash, never where from.
LOCK = $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-header $(ARGS)

.PHONY: audit
audit: environment ## What is locked and known as vulnerable, and the linter's security rules
	$(BIN)/ruff check --select S --quiet .
	@$(BIN)/python -m tools.audit $(wildcard requirements/*.txt)

.PHONY: sbom
sbom: environment ## What a release consists of, as CycloneDX: build/sbom.cdx.json
	@$(BIN)/python -m tools.sbom requirements/rocksdb.txt build/sbom.cdx.json

.PHONY: dist
dist: $(INSTALLED) ## Build the wheel and the source distribution into dist/
	rm -rf dist
	$(BIN)/hatchling build

.PHONY: clean
clean: ## Remove what tools leave behind
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -f .coverage
	find . \( -path ./$(ENVIRONMENT) -o -path ./.cache \) -prune \
	    -o -type d -name __pycache__ -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove the environments and downloads as well
	rm -rf $(ENVIRONMENT) .cache

$(INSTALLED): requirements/dev.txt pyproject.toml streams/__init__.py
	@$(BIN)/python -c '' 2>/dev/null || { \
	    $(find_python); \
	    echo "Setting up $(ENVIRONMENT) with $$("$$python" --version) ..."; \
	    "$$python" -m venv --clear $(ENVIRONMENT); }
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS_INSTALLED): requirements/tools.txt
	@$(TOOLS)/bin/python -c '' 2>/dev/null || { \
	    $(find_python); "$$python" -m venv --clear $(TOOLS); }
	@$(TOOLS)/bin/python $(PIP_INSTALL) --require-hashes --requirement requirements/tools.txt
	@touch $@
