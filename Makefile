# make report | make test | make check | make lab | make validate | make bench | make engines | make cluster | make clean
# One virtual environment in the checkout; a second run reuses it until pyproject.toml or constraints.txt change.

# The first Python of 3.11 to 3.13 that is there; override with: make PYTHON=/path/to/python report
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt

.PHONY: report test check lab engines cluster validate validate-full bench clean
.DEFAULT_GOAL := report

report: $(VENV)/.run
	$(BIN)/bpo report --data data/sample/nhs111 --period 2026-03 --out reports/nhs111
	$(BIN)/bpo report --data data/sample/portfolio --out reports/portfolio
	$(BIN)/bpo index reports

test: $(VENV)/.test
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto
	$(BIN)/python -m pytest --nbval-lax notebooks

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/nbstripout --verify templates/*.ipynb notebooks/*.ipynb
	$(BIN)/mypy

# What the tests do when the truth is known: a quick look, and the long study that writes docs/validation.md.
# One thread each: two studies run side by side, and small matrices gain nothing from more.
validate: $(VENV)/.test
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m validation

validate-full: $(VENV)/.test
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m slow
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m validation --full

bench: $(VENV)/.test
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.pages

lab: $(VENV)/.lab
	$(BIN)/jupyter lab notebooks

# What the tests of PostgreSQL and Spark need besides a server and Java; without it make test skips them and says so.
engines: $(VENV)/.engines

# What the tests of the Dask cluster and of outputs in S3 need; without it make test skips them and says so.
cluster: $(VENV)/.cluster

clean:
	rm -rf $(VENV) reports .pytest_cache .mypy_cache .ruff_cache

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 to 3.13 with the venv module was found." \
		"Install one (Debian: apt install python3-venv), or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up $(VENV) and installing packages: a minute or two, the first time only."
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(INPUTS) | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.test: $(INPUTS) | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.run

$(VENV)/.engines: $(INPUTS) | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[test,postgres,spark]'
	@touch $@ $(VENV)/.run $(VENV)/.test

$(VENV)/.cluster: $(INPUTS) | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[cluster-test]'
	@touch $@ $(VENV)/.run $(VENV)/.test

$(VENV)/.lab: $(INPUTS) | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[lab]'
	@touch $@ $(VENV)/.run

$(VENV)/.dev: $(INPUTS) | $(VENV)/pyvenv.cfg
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.run $(VENV)/.test $(VENV)/.lab
