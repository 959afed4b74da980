# The commands of this project. `make` alone lists them; CONTRIBUTING.md says more.
# Needs Python 3.11 or newer, and make. Everything else comes into .venv and .local.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check lint types contracts deploy-check migrations-check lock-check format lock metrics openapi compile fuzz bench drill smoke demo history clean

# The first Python on PATH that is new enough; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --no-deps --require-hashes
LOCKED := requirements requirements-local requirements-dev
UV ?= $(BIN)/uv

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/installed ## Start everything on http://127.0.0.1:8000 (PORT=8001 for another port); Ctrl-C ends it
	@exec $(BIN)/python -m ops.local.run

test: .venv/installed-dev ## Run the tests against real servers (ARGS="-k name" for some of them)
	$(BIN)/python -m pytest $(ARGS)

check: lint types contracts deploy-check migrations-check lock-check test ## All that CI runs but `make smoke`, in its order

format: .venv/installed-dev ## Format the code, and fix what can be fixed by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/installed-dev ## Compile the requirements*.in files (ARGS=--upgrade for newer versions)
	@$(MAKE) --no-print-directory compile

metrics: .venv/installed-dev ## Write the tables of docs/metrics.md anew from the code
	env -u DATABASE_URL SECRET_KEY=unused $(BIN)/python manage.py document_metrics

openapi: .venv/installed-dev ## Write docs/openapi.yaml anew from the code
	env -u DATABASE_URL SECRET_KEY=unused $(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

fuzz: .venv/installed-dev ## Send the API what its description allows, and what not, for SECONDS=3600 (SEED=1)
	FUZZ_SECONDS=$(or $(SECONDS),3600) FUZZ_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -s gameproject/tests/test_openapi_conformance.py

bench: .venv/installed-dev ## Measure (SECTION=name for one part, ARGS=--quick to try it; docs/bench.md)
	@exec $(BIN)/python -m bench $(ARGS) $(SECTION)

drill: .venv/installed-dev ## Kill, restart and stop servers under load, then audit ledger and traces (NAME=name for one)
	$(BIN)/python -m ops.drills $(NAME)

smoke: .venv/installed-dev ## Run everything with a real Prometheus and Alertmanager, call everything, ask for all metrics, let an alert fire
	@exec $(BIN)/python -m ops.smoke

demo: .venv/installed ## Send lifelike traffic to what `make run` serves (RATE=20 events a second, SECONDS=60, 0: no end)
	@$(BIN)/python manage.py demo_traffic --rate $(or $(RATE),20) --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)

history: .venv/installed ## Fill the last DAYS=30 of the demo realm that `make run` serves with EVENTS=20000
	@test -n "$$DATABASE_URL" -o -e .local/run.json || { echo "There is nothing to fill. Start it in another terminal: make run"; exit 1; }
	@DATABASE_URL="$${DATABASE_URL:-$$($(BIN)/python -c 'import json; print(json.load(open(".local/run.json"))["databaseUrl"])')}" \
	sh -c '$(BIN)/python manage.py demo_history --days $(or $(DAYS),30) --events $(or $(EVENTS),20000) --seed $(or $(SEED),1) \
	&& $(BIN)/python manage.py demo_kpis --days $(or $(DAYS),30)'

clean: ## Delete .venv, caches and .local WITH ITS DATA
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m ops.local.clean; fi
	rm -rf .venv .local staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov

# ── The parts of `make check` ─────────────────────────────────────────────────────────────────────
lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy .

contracts: .venv/installed-dev
	$(BIN)/lint-imports

# What production sets, with values that are valid and belong to nobody.
PRODUCTION_LIKE = env -u DEBUG -u SECURE DATABASE_URL=postgresql://user@db.invalid/name REDIS_URL=redis://redis.invalid/0 \
	ALLOWED_HOSTS=service.invalid SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')"

deploy-check: .venv/installed-dev
	$(PRODUCTION_LIKE) $(BIN)/python manage.py check --deploy --fail-level WARNING

migrations-check: .venv/installed-dev
	env -u DATABASE_URL $(BIN)/python manage.py makemigrations --check --dry-run

# Compiled again beside what is there, the files must come out the same.
lock-check: .venv/installed-dev
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && cp $(LOCKED:=.in) $(LOCKED:=.txt) "$$scratch" \
	&& $(MAKE) --no-print-directory -C "$$scratch" -f "$(CURDIR)/Makefile" compile UV="$(CURDIR)/$(UV)" ARGS= \
	&& for name in $(LOCKED:=.txt); do diff -u "$$name" "$$scratch/$$name" \
	|| { echo "$$name does not follow from its .in file: make lock"; exit 1; }; done && echo "Lock files are up to date."

compile:
	@for name in $(LOCKED); do echo "$$name.txt" && $(UV) pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS) \
	"$$name.in" -o "$$name.txt" || exit 1; done

# ── The environment: built once, dependencies installed again when their lock files change ────────
.venv/created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and not found; PYTHON=/path/to/python3.12 names one."; exit 1; }
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then rm -rf .venv; $(PYTHON) -m venv .venv || { rm -rf .venv; \
	echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }; fi
	@# As an editable install would: the project can be imported from anywhere, by \`pytest\` without \`python -m\` too.
	@$(BIN)/python -c 'import pathlib, sysconfig; \
	pathlib.Path(sysconfig.get_path("purelib"), "gameproject.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@touch $@

# Each stamp holds the lock files that were installed: their contents decide, whatever the clock says.
.venv/installed: .venv/created FORCE
	@cat requirements.txt requirements-local.txt | cmp -s - $@ || { \
	echo "Installing dependencies into .venv (the first time takes a minute) ..." \
	&& $(PIP) -r requirements.txt -r requirements-local.txt && cat requirements.txt requirements-local.txt > $@; }

.venv/installed-dev: .venv/installed FORCE
	@cmp -s requirements-dev.txt $@ || { echo "Installing development dependencies into .venv ..." \
	&& $(PIP) -r requirements-dev.txt && cp requirements-dev.txt $@; }

FORCE:
