# What people run and what CI runs is the same. Every target does its own set-up in .venv; nothing else is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_OUT ?= demo_output
# Two processes, a file of tests at a time, so that a file's fixtures are made once.
PYTEST_ARGS ?= -n 2 --dist loadfile
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint docs bench clean

help:  ## say what there is
	@echo "make TARGET, each with its own set-up in $(VENV):"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/installed-demo  ## run the main job on the bundled default, into demo_output/
	$(BIN)/kgnn demo --out $(DEMO_OUT)

test: $(VENV)/installed-dev  ## run all tests: code, docstring examples, notebooks, documentation
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/installed-dev  ## check style, types and the import order of the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

docs: $(VENV)/installed-dev  ## build the documentation into site/, warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Memory in large pages, for kgnn and its peers alike: on Linux half of what disturbs a timing is the handing out of pages.
BENCH_ENV := GLIBC_TUNABLES=glibc.malloc.hugetlb=1

# QUICK=1 shows that they work; only full results are written.
bench: $(VENV)/installed-bench  ## run every benchmark script, into benchmarks/results/
	@for script in $(BENCHMARKS); do \
		echo "== $$script"; \
		$(BENCH_ENV) $(BIN)/python "$$script" $(if $(QUICK),--quick,--out "benchmarks/results/$$(basename "$$script" .py).json"); \
	done

clean:  ## remove what the targets made, .venv included
	rm -rf $(VENV) $(DEMO_OUT) site build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(wildcard kgnn tests benchmarks docs ontologies) -type d -name __pycache__ -prune -exec rm -rf {} +

# The extras that each kind of environment needs.
EXTRAS_demo := demo
EXTRAS_dev := demo,dev,docs,notebooks
EXTRAS_bench := bench,demo

$(VENV)/installed-%: pyproject.toml constraints.txt | $(VENV)/made
	@echo "installing kgnn[$(EXTRAS_$*)] into $(VENV), in the versions that were tested (constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS_$*)]'
	@touch $@

# `python3 -m venv` leaves a broken folder behind where ensurepip is missing, so that is asked first.
$(VENV)/made:
	@command -v $(PYTHON) > /dev/null \
		|| { echo "error: $(PYTHON) not found. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is $$($(PYTHON) --version), and kgnn needs 3.11 or newer. Name one: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null \
		|| { echo "error: $(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@
