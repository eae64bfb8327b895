# Everything runs in .venv, which `make` builds on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export HF_HUB_OFFLINE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# The front end is built while pip installs what saescope needs. Several goals are made one after the other.
ifeq ($(word 2,$(MAKECMDGOALS)),)
MAKEFLAGS += -j2
endif

define NEEDS
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
print(*project["dependencies"], *project["optional-dependencies"]["gguf"], sep="\n")
endef
export NEEDS

.PHONY: demo test check bench docs build clean pictures setup

demo: $(VENV)/.package  ## open the bundled demo in JupyterLab
	$(BIN)/saescope demo

test: $(VENV)/.package $(VENV)/.test  ## run every test
	$(BIN)/python tools/run_tests.py

check: $(VENV)/.package $(VENV)/.test  ## lint, types, formats, contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	npm run check
	$(BIN)/python tools/protocol.py --check
	$(BIN)/pytest tests/contract

bench: $(VENV)/.package  ## print the benchmark table
	$(BIN)/python -m benchmarks

docs: $(VENV)/.package $(VENV)/.docs  ## build the documentation site; a warning is an error
	rm -rf docs/site
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/site
	@echo "docs/site/index.html"

pictures: $(VENV)/.package $(VENV)/.test  ## take the pictures of the documentation
	$(BIN)/python tools/pictures.py
	$(BIN)/python tools/pictures.py plugin
	$(BIN)/python tools/animation.py

setup: $(VENV)/.package $(VENV)/.test  ## only build the environment

$(VENV)/.builder: constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'saescope needs Python 3.11 or newer')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt jupyter-builder
	touch $@

$(VENV)/.needs: pyproject.toml constraints.txt $(VENV)/.builder
	$(BIN)/python -c "$$NEEDS" > $(VENV)/needs.txt
	$(BIN)/pip install -q -c constraints.txt -r $(VENV)/needs.txt
	touch $@

node_modules/.package-lock.json: package.json package-lock.json js/package.json extension/package.json
	npm ci
	touch $@

FRONT := $(shell find js/src extension/src extension/schema extension/style -type f 2>/dev/null) js/build.mjs js/later.mjs

python_pkg/saescope/static/core.js: $(FRONT) node_modules/.package-lock.json $(VENV)/.builder
	rm -rf python_pkg/saescope/static python_pkg/saescope/labextension
	PATH="$(abspath $(BIN)):$$PATH" npm run build:prod

PACKAGE := $(shell find python_pkg -type f -name "*.py"; find python_pkg/saescope/demo_data -type f 2>/dev/null; find examples -name "*.ipynb")

$(VENV)/.package: pyproject.toml $(PACKAGE) python_pkg/saescope/static/core.js $(VENV)/.needs
	$(BIN)/pip install -q --no-deps .
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt $(VENV)/.package
	$(BIN)/pip install -q -c constraints.txt ".[test]"
	touch $@

$(VENV)/.docs: pyproject.toml constraints.txt $(VENV)/.package
	$(BIN)/pip install -q -c constraints.txt ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) node_modules js/lib extension/lib python_pkg/saescope/static python_pkg/saescope/labextension
