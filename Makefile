# Tieline: `make help` lists what there is. Everything but make and Python 3.11 is set up on the way.

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check bench faults fuzz audit fmt messages docs clean

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
DOCS = $(or $(TIELINE_VAR),$(CURDIR)/var)/docs

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## Virtualenv, packages and generated secrets, without starting anything
	@$(PYTHON) scripts/bootstrap.py setup

run:  ## The whole product on this machine (ARGS=--no-sandbox without the simulated peers)
	@$(PYTHON) scripts/bootstrap.py run
	@$(BIN)/python manage.py supervise $(ARGS)

demo:  ## A day's work through the product, and what became of it
	@$(PYTHON) scripts/bootstrap.py run
	@$(BIN)/python manage.py demo $(ARGS)

test:  ## The whole suite, on SQLite and on PostgreSQL with Redis
	@$(PYTHON) scripts/bootstrap.py test
	@$(BIN)/python scripts/with_services.py -- $(BIN)/python scripts/run_tests.py $(ARGS)

check:  ## What a reviewer would run: lint, types, contracts, migrations, quick tests
	@$(PYTHON) scripts/bootstrap.py check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/pytest -q -n 2 tests/unit tests/meta

bench:  ## Benchmarks and their table (ARGS=--quick small sizes, ARGS=--write also into the docs)
	@$(PYTHON) scripts/bootstrap.py bench
	@$(BIN)/python benchmarks/bench.py $(ARGS)

faults:  ## Kills, outages and what became of the work (ARGS=--short small sizes, ARGS=--write also into the docs)
	@$(PYTHON) scripts/bootstrap.py test
	@$(BIN)/python -m tests.faults $(ARGS)

fuzz:  ## Input that nobody in good faith sends, in full numbers (ARGS=--short small ones, ARGS=--write also into the docs)
	@$(PYTHON) scripts/bootstrap.py test
	@$(BIN)/python scripts/with_services.py -- $(BIN)/python -m tests.fuzz $(ARGS)

audit:  ## Known vulnerabilities of the locked packages (ARGS="--sbom FILE": list them in CycloneDX instead)
	@$(PYTHON) scripts/audit.py $(ARGS)

fmt:  ## Format the code and fix what the linter can fix
	@$(PYTHON) scripts/bootstrap.py check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages:  ## Bring the catalogue of German texts up to date and compile it
	@$(PYTHON) scripts/bootstrap.py check
	@$(BIN)/python scripts/refresh_messages.py

docs:  ## The documentation as a site with search, in var/docs; the product serves it at /docs/
	@$(PYTHON) scripts/bootstrap.py docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --config-file deploy/docs.yml --site-dir "$(DOCS)"
	@echo "$(DOCS)/index.html"

clean:  ## Remove the virtualenv and caches; data and secrets in var/ stay
	rm -rf .venv .venv-docs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
