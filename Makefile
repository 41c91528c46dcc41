# `make demo` shows the service at work; `make test` proves it. Both prepare .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo check test coverage bench faults soak lock clean

setup: $(READY)

$(READY): requirements-dev.lock pyproject.toml notifier/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "notifier needs Python 3.11 or newer; say which: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(BIN)/notifier demo

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest $(MOST)
	$(FAULTS)

MOST = -n 2 --dist worksteal --ignore tests/faults --ignore tests/soak

# Which lines no test runs, in all processes. It takes as long again as the tests themselves, so that `test` does not ask.
coverage: setup
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(MOST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

bench: setup
	$(BIN)/python -m benchmarks

# Disks, clocks and networks that break under real processes, and a small soak. They mostly wait, and for real time: `test`
# runs them when everything else is over.
FAULTS = $(BIN)/python -m pytest -n 2 --dist worksteal tests/faults tests/soak

faults: setup
	$(FAULTS)

# Ten minutes under fire, or SOAK_SECONDS=120 of them. Needs PostgreSQL's programs.
soak: setup
	$(BIN)/python -m soak

# requirements.lock holds what the image needs, which is PostgreSQL's driver and Apprise too; the other one the tests'
# packages beside them. Needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --extra apprise --extra postgres -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
