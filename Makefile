# Every target works on a fresh machine: it makes .venv from pinned hashes first.
.DEFAULT_GOAL := help
PYTHON ?= python3
WORKERS ?= 5
VENV := .venv
BIN := $(VENV)/bin
COMPILED := $(VENV)/.compiled
SOURCES := $(shell find agent collector bench tests -name node_modules -prune -o -name '*.py' -print)
# Without what Python keeps of a module, each process of the tests and each program that they start compiles it again.
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.ready-$(shell cat requirements/dev.txt pyproject.toml | sha256sum | cut -c1-12)

.PHONY: help setup tools check test pytest test-deep bench demo package clean

help: ## show these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP):
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.ready-*; touch $@

setup: $(STAMP) ## make .venv with everything pinned

tools: setup ## the browser, namespaces and foreign clients that the tests drive
	@bash tests/tools.sh

check: setup ## style, types, direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

# Much of it waits for lines of real time: a few more at once than there are processors. The checks run beside them.
test: tools ## all tests (minutes)
	@$(MAKE) -s -j2 check pytest

# One process compiles all tests before the workers, which would do it at once and each for itself; what is compiled
# already stays so until a file or a version of what is installed changes: what pytest keeps bears its version.
$(COMPILED): $(STAMP) $(SOURCES)
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null || true
	@touch $@

pytest: tools $(COMPILED)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-deep: tools ## kill loops, herds, soak
	@$(BIN)/python -m pytest -m deep --durations 10

bench: tools ## measure and print tables (two hours; NAME=ingest one of them)
	@$(BIN)/python -m bench $(NAME)

demo: setup ## fresh machine -> running product; ONCE=1 prints a summary and ends; LINE=8/1/100 another line
	@$(BIN)/enlace-collector demo $(if $(ONCE),--once) $(if $(LINE),--line $(LINE)) $(if $(DATA),--data $(DATA))

package: setup ## the built agent for this system under dist/
	@$(BIN)/python packaging/build.py

screenshots: tools ## pictures of some pages for the documents, in docs/images/pages
	@bash tests/tools.sh pictures
	@$(BIN)/python -m tests.collector.web.screens docs/images/pages --few

clean: ## remove what was built
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
