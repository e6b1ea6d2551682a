# Two commands matter: `make demo` sets up all and shows the main job, `make test` passes the tests.
VENV   ?= .venv
PYTHON ?= python3
PY     := $(VENV)/bin/python

.PHONY: demo test check lint types bench clean

$(VENV)/.installed: pyproject.toml setup.cfg
	@.ci/venv $(PYTHON) $(VENV)
	@$(PY) -m pip install --quiet --editable '.[dev]'
	@touch $@

test: $(VENV)/.installed
	$(PY) -m pytest

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.installed
	$(VENV)/bin/mypy

check: lint types test

clean:
	rm -rf $(VENV) build dist .demo *.egg-info .mypy_cache .ruff_cache .pytest_cache
