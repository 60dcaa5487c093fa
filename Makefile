# Everything is set up on the first use: `make run` shows the product, `make test` tests it.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
# Three, on two cores: much of the time they wait for servers they have started.
PYTEST := $(PY) -m pytest -n 3 --dist loadgroup
ON_POSTGRESQL := $(PY) -m tests.postgres --

# Debian's package tool, where we may use it. Nothing is ever asked.
APT := $(shell test "$$(id -u)" = 0 && command -v apt-get)
# Says nothing unless it fails.
apt_install = log=$$(mktemp) && { \
	$(APT) update >"$$log" 2>&1 \
	&& DEBIAN_FRONTEND=noninteractive $(APT) install -y --no-install-recommends $(1) >>"$$log" 2>&1 \
	|| { cat "$$log" >&2; rm -f "$$log"; exit 1; }; }; rm -f "$$log"
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore

.PHONY: help
help: ## this list
	@echo "make run    starts the demo site on http://localhost:8000/ (PORT=… for another port,"
	@echo "            PROVIDER=infobip for another provider than the sandbox)"
	@echo "make test   runs the quick tests"
	@echo
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: $(VENV)/.requirements ## web server, dispatcher and simulated provider, until Ctrl-C
	@exec $(PY) -m demo_site.run --end-with-parent

.PHONY: test
test: dev browser ## the quick tests: on SQLite, and what concerns a database on PostgreSQL
	$(PYTEST) -m "not slow and not postgresql"
	$(ON_POSTGRESQL) $(PYTEST) -m "database and not slow and not browser and not same_on_both"

.PHONY: test-slow
test-slow: dev browser ## the long tests, on SQLite and on PostgreSQL
	$(PYTEST) -m "slow and not postgresql"
	$(ON_POSTGRESQL) $(PYTEST) -m "not browser and (slow or (same_on_both and database))"

.PHONY: torture
torture: dev ## kills dispatchers 25 times at every moment of a call, and prints what became of the calls
	CLICKTOCALL_KILLS=25 $(PY) -m pytest -s -m slow tests/faults
	CLICKTOCALL_KILLS=25 $(ON_POSTGRESQL) $(PY) -m pytest -s -m slow tests/faults

.PHONY: lint
lint: dev ## style, and the commonest mistakes
	$(PY) -m ruff check .
	$(PY) -m ruff format --check --diff .

.PHONY: types
types: dev ## types
	$(PY) -m mypy

.PHONY: floors
floors: dev ## which room of the app may use which
	$(VENV)/bin/lint-imports --no-logo

.PHONY: migrations
migrations: dev ## fails when a model has changed without a migration
	DJANGO_SETTINGS_MODULE=tests.settings $(PY) -m django makemigrations --check --dry-run

.PHONY: schema
schema: dev ## writes docs/openapi.yaml, the contract of the API, anew
	$(PY) -m tests.api.write_schema

.PHONY: bench
bench: dev ## how fast a call is taken, and how soon the provider hears of it
	$(PY) -m benchmarks.run

.PHONY: clean
clean: ## removes the environment and everything made, the demo's data too
	rm -rf $(VENV) .demo build dist tests/screenshots
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- What these need ------------------------------------------------------------------------

.PHONY: dev
dev: $(VENV)/.requirements-dev

$(VENV)/.requirements: requirements.txt | $(VENV)/bin/pip
	@echo "Installing requirements (first run, about a minute) …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements
	@echo "Installing what the tests need (first run, about a minute) …"
	@$(PIP) -r requirements-dev.txt
	@touch $@

ifeq ($(APT),)
get_venv = echo "Python cannot create environments here. Run: sudo apt-get install python3-venv" >&2; exit 1
else
get_venv = echo "Installing python3-venv …"; $(call apt_install,python3-venv)
endif

# pip is the last thing a new environment gets: while it is missing, the environment is not whole.
$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null \
		|| { echo "$(PYTHON) is missing. Install Python 3.11 or newer, or name it: PYTHON=… make" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11. Name a newer one: PYTHON=… make" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(get_venv); }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

# Without a browser its tests are skipped, with that reason.
.PHONY: browser
browser: dev
ifneq ($(APT),)
	@{ command -v chromium && $(PY) -m playwright --version; } >/dev/null 2>&1 || { \
		echo "Installing Chromium for the browser tests (first run, about a minute) …"; \
		$(call apt_install,chromium libatomic1 fonts-dejavu-core fonts-liberation); }
endif
