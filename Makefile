# Daylight needs Python 3.11 or newer and make; everything else is brought along.
#   make run [PORT=8001]   everything, in the foreground; Ctrl-C stops it
#   make test [ARGS=…]     every check and every test
#   make install           only the installing
#   make lock              requirements.lock from requirements.in (needs uv)

PYTHON = $(shell for name in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
BIN := .venv/bin
INSTALLED := .venv/requirements.installed

ifeq ($(origin PORT),command line)
export DAYLIGHT_PORT := $(PORT)
endif

.PHONY: run test install venv lock

run: install
	@exec $(BIN)/python manage.py run

test: export DAYLIGHT_DATA = $(CURDIR)/.daylight-test
test: export DAYLIGHT_DB_FAST = 1
test: export DATABASE_URL =
test: export REDIS_URL =
test: install
	$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m pytest -n 2 $(ARGS)

# A copy of the lock inside .venv says what is installed there; no copy, or another one: install.
install:
	@cmp -s requirements.lock $(INSTALLED) && $(BIN)/python -c '' || $(MAKE) --no-print-directory venv

venv:
	@test -n "$(PYTHON)" || { echo "Daylight needs Python 3.11 or newer, and finds none on PATH." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv; $(PYTHON) -m venv .venv; } || { \
		rm -rf .venv; \
		echo "$(PYTHON) cannot make a virtual environment: install its venv module" \
		     "(Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Installing what requirements.lock names into .venv (once; about a minute) …"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@cp requirements.lock $(INSTALLED)

lock:
	uv pip compile requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header -o requirements.lock
