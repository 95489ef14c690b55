# The same few commands for people and for CI. Each works in a fresh clone: it makes .venv first if need be.
.DEFAULT_GOAL := check
.PHONY: setup demo demo-service test coverage slow bench peers check docs format constraints clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := build/peers

# Programs with a thread per core each would fight over the cores: a process per core runs tests, each on one thread.
TEST_ENV := OMP_NUM_THREADS=1 MPLBACKEND=agg

setup: $(STAMP)  ## make .venv with everything in it

# Again whenever the requirements change; an environment whose pip does not run is made anew.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

demo: setup  ## the main job on real data, into demo/
	$(BIN)/foregate demo

demo-service: setup  ## the service from end to end in the terminal: a change of the world, a new model; a minute
	$(BIN)/python examples/service.py

check: setup  ## style, types and the direction of imports; seconds
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: check  ## check, then every test but the slow ones
	$(TEST_ENV) $(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not slow'

coverage: setup  ## the same tests, and which lines and branches they reach; tracing takes a third longer
	$(TEST_ENV) $(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not slow' --cov --cov-report=term

slow: setup  ## the tests that take minutes
	$(TEST_ENV) $(BIN)/python -m pytest -q -m slow

bench: setup $(PEERS)/.installed  ## accuracy on a few real sets (FOREGATE_DATA), speed and memory; see benchmarks/README.md
	$(BIN)/python -m benchmarks.run m1_quarterly m4_weekly nn5_daily --with standard SeasonalNaive --log build/runs.jsonl
	$(BIN)/python -m benchmarks.read
	$(BIN)/python -m benchmarks.costs

peers: $(PEERS)/.installed  ## make build/peers with the libraries that benchmarks compare with, in their own versions

$(PEERS)/.installed: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

docs: setup  ## write what is made of pages: from code, help texts, weights, and the figures that benchmarks recorded
	$(BIN)/python docs/build_api.py
	$(BIN)/python docs/build_cli.py
	$(BIN)/python docs/build_card.py
	$(BIN)/python -m docs.build_models
	$(BIN)/python -m docs.build_lab
	$(BIN)/python -m benchmarks.results_page

format: setup  ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

constraints:  ## resolve the newest versions anew into constraints.txt (torch stays as pinned here)
	$(PYTHON) -m venv --clear build/resolve
	build/resolve/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' torch==2.13.0
	{ sed -n '/^#/p' constraints.txt; build/resolve/bin/python -m pip freeze --exclude-editable | sed 's/+cpu//'; } > build/resolved
	mv build/resolved constraints.txt
	rm -rf build/resolve

clean:  ## remove what the commands above have made
	rm -rf $(VENV) build demo .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
