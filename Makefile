# make demo   the whole loop on a simulated plate; prints where the report lies
# make test   all tests
# make test-gui   the annotator in a real window, on a virtual display (Xvfb)
# make lint   style, import levels, types
# make bench  the claims of benchmarks/RESULTS.md, measured again (needs the real images, takes hours)
#
# Each makes the environment that it needs, once. PYTHON=python3.12 chooses another interpreter,
# VENV=folder another place, JOBS=n more test processes.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
WORK ?= bench-work
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test test-gui lint bench clean

demo: $(VENV)/.run
	$(BIN)/cellwright demo -o demo

test: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

# libraries that Qt opens a window with; PyQt6 brings the rest
QT_LIBRARIES := libEGL.so.1 libGL.so.1 libxkbcommon-x11.so.0 libxcb-cursor.so.0 libxcb-icccm.so.4 libxcb-keysyms.so.1
QT_PACKAGES := libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1

test-gui: $(VENV)/.test
	@command -v xvfb-run > /dev/null || { echo "Xvfb is missing: apt-get install xvfb xauth"; exit 1; }
	@for name in $(QT_LIBRARIES); do ldconfig -p | grep -q "$$name" || { \
		echo "$$name is missing: apt-get install $(QT_PACKAGES)"; exit 1; }; done
	CELLWRIGHT_GUI=1 OMP_NUM_THREADS=1 xvfb-run -a -s "-screen 0 1600x1100x24" \
		$(BIN)/python -m pytest tests/gui

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python benchmarks/geometry.py
	$(BIN)/python benchmarks/metrics_equality.py
	$(BIN)/python benchmarks/scoring_speed.py --work $(WORK)/scoring
	$(BIN)/python benchmarks/import_overlaps.py
	$(BIN)/python benchmarks/import_plates.py
	$(BIN)/python benchmarks/prompting.py --part test --cells 200 --clicked 60
	$(BIN)/python benchmarks/sam_prompts.py
	$(BIN)/python benchmarks/alive.py
	$(BIN)/python benchmarks/journal.py
	$(BIN)/python benchmarks/zero_shot.py
	$(BIN)/python benchmarks/dsb2018.py --work $(WORK)/dsb2018
	$(BIN)/python benchmarks/frames.py -m $(WORK)/dsb2018/model-hand-labels
	$(BIN)/python benchmarks/real_sets.py --work $(WORK)/real-sets
	$(BIN)/python benchmarks/kills.py

clean:
	rm -rf $(VENV) demo

$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), once; PyTorch is large"
	$(PIP) -e .
	touch $@

$(VENV)/.test: $(VENV)/.run
	$(PIP) -e ".[test,browser,sam,napari]"
	touch $@
