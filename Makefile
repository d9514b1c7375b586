# make demo   the whole loop on a simulated plate; prints where the report lies
# make test   all tests
# make lint   style, import levels, types
# make bench  the claims of benchmarks/RESULTS.md, measured again (needs the real images, takes hours)
#
# Each makes the environment that it needs, once. PYTHON=python3.12 chooses another interpreter,
# VENV=folder another place, JOBS=n more test processes.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test lint bench clean

demo: $(VENV)/.run
	$(BIN)/cellwright demo -o demo

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/.test
	for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) demo

$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), once; PyTorch is large"
	$(PIP) -e .
	touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP) -e ".[test]"
	touch $@
