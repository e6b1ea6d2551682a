# Two commands matter: `make demo` sets up all and shows the main job, `make test` passes the tests.
VENV   ?= .venv
PYTHON ?= python3
PY     := $(VENV)/bin/python

.PHONY: demo test check lint types docs bench clean

$(VENV)/.clusto: pyproject.toml setup.cfg
	@.ci/venv $(PYTHON) $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed: $(VENV)/.clusto
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/.clusto
	@PATH="$(abspath $(VENV))/bin:$$PATH" examples/demo.sh

test: $(VENV)/.installed
	$(PY) -m pytest

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.installed
	$(VENV)/bin/mypy

check: lint types test

# What in docs/ is written by programs: the reference, and what commands print in terminal sessions.
docs: $(VENV)/.installed
	$(PY) docs/generate.py
	$(PY) docs/sessions.py

bench: $(VENV)/.installed
	$(PY) benchmarks/startup.py
	$(PY) benchmarks/power.py
	$(PY) benchmarks/find.py

clean:
	rm -rf $(VENV) build dist .demo *.egg-info .mypy_cache .ruff_cache .pytest_cache
