# Two commands for everyone: `make demo` and `make test`. They need Python ≥ 3.11 and make, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
READY := $(VENV)/.ready

.PHONY: demo test search lint types format check lock bench clean

$(READY): $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "siyu needs Python 3.11 or newer / 需要 Python 3.11 以上")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY) ## the whole main job on the sample shop, in demo-shop/
	@rm -rf demo-shop
	SIYU=$(BIN)/siyu sh examples/walkthrough.sh demo-shop

test: $(READY) ## every test
	$(BIN)/python -m pytest -n auto

# One place: make search TESTS=tests/people
TESTS ?= tests
search: $(READY) ## look for new failures: random examples, ten times as many; takes an hour or more
	$(BIN)/python -m pytest -n auto --hypothesis-profile=search -o faulthandler_timeout=0 $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint types test ## what CI runs

bench: $(READY) ## the claims of benchmarks/README.md, as ratios
	$(BIN)/python -m benchmarks

lock: $(READY) ## pin the dependencies again, with hashes and without download addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra dev pyproject.toml -o $(LOCK)

clean:
	rm -rf $(VENV) demo-shop build dist
