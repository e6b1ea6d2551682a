# Two commands matter: `make demo` sets up all and shows the main job, `make test` passes the tests.
VENV   ?= .venv
PYTHON ?= python3
PY     := $(VENV)/bin/python

.PHONY: demo test oldest fuzz check lint types docs deb pyz bench bench-quick clean

$(VENV)/.clusto: pyproject.toml setup.cfg
	@.ci/telling 'Making $(VENV)' .ci/venv $(PYTHON) $(VENV)
	@.ci/telling 'Installing clusto and what it needs into $(VENV)' \
		$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed: $(VENV)/.clusto
	@.ci/telling 'Installing what the tests need into $(VENV)' \
		$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# cobblerd, which the tests speak to, without what only its web pages need (mod-wsgi, LDAP, MongoDB). It installs files
# beside its modules, so it has a directory of its own.
COBBLER := $(VENV)/cobbler
$(COBBLER)/.installed: $(VENV)/.clusto
	@rm -rf $(COBBLER)
	@$(PY) -m pip install -qq --disable-pip-version-check --target $(COBBLER) --no-deps cobbler==3.3.10
	@$(PY) -m pip install -qq --disable-pip-version-check --target $(COBBLER) \
		Cheetah3 distro dnspython file-magic netaddr PyYAML requests schema
	@touch $@

demo: $(VENV)/.clusto
	@PATH="$(abspath $(VENV))/bin:$$PATH" examples/demo.sh

test: $(VENV)/.installed
	-@$(MAKE) --no-print-directory $(COBBLER)/.installed
	$(PY) -m pytest -n 4 --dist worksteal

# The oldest versions that pyproject.toml allows, under what needs no device: the command line, the library, formats.
OLDEST := $(VENV)/oldest
$(OLDEST)/.installed: pyproject.toml
	@.ci/venv $(PYTHON) $(OLDEST)
	@$(OLDEST)/bin/python -m pip install -qq --disable-pip-version-check uv
	@$(OLDEST)/bin/uv pip install -q --python $(OLDEST)/bin/python --resolution lowest-direct --editable '.[test]'
	@touch $@

oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest -n 4 -k 'not mariadb and not postgresql' tests/library tests/rules/test_refusals.py \
		tests/transfer/test_formats.py tests/rebuild/test_verb.py tests/test_alias.py tests/test_cli.py tests/test_completion.py \
		tests/test_help.py tests/test_shellwords.py tests/test_streams.py

# Hostile answers in numbers: twenty thousand of each protocol, others each time. `make test` tries a thousand or two.
fuzz: $(VENV)/.installed
	CLUSTO_FUZZ_CASES=20000 $(PY) -m pytest -n 2 --dist worksteal tests/fuzz tests/backends/test_snmp_hostile.py \
		tests/redfish/test_fuzz.py tests/provision/test_cobbler_hostile.py

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/.installed
	$(VENV)/bin/mypy

check: lint types test

# What is written by programs: the reference, the manual pages, and what commands print in terminal sessions.
docs: $(VENV)/.installed
	$(PY) docs/generate.py
	$(PY) docs/manpages.py
	$(PY) docs/schemas.py
	$(PY) docs/sessions.py

# A Debian package, and one file for hosts that have Python alone: both have all that clusto needs in them.
deb: $(VENV)/.clusto
	@.ci/telling 'Collecting what clusto needs' packaging/site $(PY) build/site
	packaging/deb build/site dist

pyz: $(VENV)/.clusto
	@.ci/telling 'Collecting what clusto needs' packaging/site $(PY) build/site
	$(PY) packaging/pyz.py build/site dist/clusto.pyz

bench: $(VENV)/.installed
	$(PY) benchmarks/all.py --write docs/performance.md

# A tenth of the size, in less than ten minutes: what of it has become slower.
bench-quick: $(VENV)/.installed
	$(PY) benchmarks/all.py --quick

clean:
	rm -rf $(VENV) build dist .demo* *.egg-info .mypy_cache .ruff_cache .pytest_cache
