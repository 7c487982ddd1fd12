# Two commands do everything on a machine with Python >= 3.11 and make: `make report` and `make test`.

PYTHON ?= python3
OUT ?= out/report
BIN := .venv/bin
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'

.PHONY: setup report report-quick test lint types suite proofs docs minimal bench clean

setup: .venv/.stamp

.venv/.stamp: pyproject.toml constraints.txt
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

report: setup
	$(BIN)/rdk report --out $(OUT)

report-quick: setup
	$(BIN)/rdk report --quick --out $(OUT)

test: lint types suite proofs minimal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

# Shapes are enforced for all tests but those of bad input: there a wrong shape must reach our own check.
suite: setup
	RDK_SHAPES=1 $(BIN)/pytest -n 2 --ignore=tests/bad_input --ignore=tests/minimal --ignore=tests/bench
	RDK_SHAPES=0 $(BIN)/pytest tests/bad_input

# Every claim by every road that it has, the Coq sources among them; what did not change comes from the cache. Where no skip
# is allowed, the page in docs must say what was found.
proofs: setup
	$(BIN)/rdk prove --out out/proofs
	@if [ "$$RDK_STRICT" = 1 ]; then sed 's|](\./|](../|g' out/proofs/proofs.md | diff docs/proofs.md -; fi

docs: setup
	$(BIN)/rdk prove --strict --out out/proofs
	sed 's|](\./|](../|g' out/proofs/proofs.md > docs/proofs.md

# The core dependencies alone, and pytest: what is optional is really so.
minimal: .venv-minimal/.stamp
	.venv-minimal/bin/pytest --override-ini=addopts= --confcutdir=tests/minimal tests/minimal

.venv-minimal/.stamp: pyproject.toml constraints.txt
	@$(NEW_ENOUGH)
	$(PYTHON) -m venv .venv-minimal
	.venv-minimal/bin/python -m pip install --quiet --constraint constraints.txt --editable . pytest
	@touch $@

# No benchmark on a red suite.
bench: suite
	$(BIN)/pytest tests/bench --benchmark-only

clean:
	rm -rf .venv .venv-minimal .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks build dist *.egg-info
