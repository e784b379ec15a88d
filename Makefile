# `make` lists the targets. Each makes the environment that it needs, and again
# whenever setup.cfg has changed.

VENV := .venv
VENV_CLASSIC := .venv-classic
VENV_TORCH := .venv-torch
VENV_MODELS := .venv-models
# What looks at the other environments has one of its own.
VENV_TOOLS := .venv-tools
VENV_DOCS := .venv-docs
# An interpreter of your choice: make test PYTHON=/path/to/python3.12
PYTHON :=
# PyTorch as pip shall choose it: make test-torch TORCH=torch==2.13.0
TORCH :=
# Where pip-audit asks, if not PyPI:
# make audit AUDIT="--vulnerability-service=osv"
AUDIT :=
# Processes that share the tests.
JOBS := 2
# Which tests: make test TESTS="tests/ops tests/losses"
TESTS :=
# Which tests not: make test SKIPPED="tests/docs tests/cli/resume_test.py"
SKIPPED :=
# How long the soak is.
MINUTES := 2

CURRENT := $(VENV)/bin/python
CLASSIC := $(VENV_CLASSIC)/bin/python
# File by file: what the tests of a file share is made once.
PYTEST := -m pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder \
	$(addprefix --ignore=,$(SKIPPED))
SOURCES := $(shell find unpg_tf -name "*.py") setup.cfg pyproject.toml README.md

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-legacy test-classic test-torch test-models lint \
	format wheel docs audit licences soak clean

help:  ## List the targets
	@grep -E "^[a-z-]+:.*## " $(MAKEFILE_LIST) \
		| awk -F ":.*## " '{printf "  make %-14s%s\n", $$1, $$2}'

demo: $(VENV)/.ready  ## Train, evaluate and export on drawn identities: under 5 minutes
	$(CURRENT) -m unpg_tf demo

test: $(VENV)/.ready  ## Run the tests on the newest TensorFlow, with Keras 3
	$(CURRENT) $(PYTEST) $(TESTS)

test-legacy: $(VENV)/.ready  ## The same TensorFlow with Keras 2 (tf_keras)
	TF_USE_LEGACY_KERAS=1 $(CURRENT) $(PYTEST) $(TESTS)

test-classic: $(VENV_CLASSIC)/.ready  ## TensorFlow 2.15, TensorFlow Addons, Model Garden
	$(CLASSIC) $(PYTEST) --override-ini="norecursedirs=.*" $(TESTS)

test-torch: $(VENV_TORCH)/.ready  ## Import and export of PyTorch's checkpoints, with PyTorch
	$(VENV_TORCH)/bin/python -m pytest tests/weights

test-models: $(VENV_MODELS)/.ready  ## The newest Model Garden, with its TensorFlow and Keras 2
	TF_USE_LEGACY_KERAS=1 $(VENV_MODELS)/bin/python $(PYTEST) --override-ini="norecursedirs=.*" \
		tests/classic/backbones_test.py tests/classic/model_garden_test.py

lint: $(VENV)/.ready  ## Check style and layout of the code
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

format: $(VENV)/.ready  ## Lay out the code and mend what can be mended
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

wheel: dist/.ready  ## Build dist/unpg_tf-VERSION-py3-none-any.whl

dist/.ready: $(VENV)/.ready $(SOURCES)
	rm -rf build dist
	$(CURRENT) -m build --wheel > $(VENV)/wheel.log 2>&1 || (cat $(VENV)/wheel.log; exit 1)
	@ls dist/*.whl
	@touch $@

docs: $(VENV_DOCS)/.ready  ## Build the documentation's site in site/
	NO_MKDOCS_2_WARNING=1 $(VENV_DOCS)/bin/python -m mkdocs build --strict --quiet
	@echo site/index.html

audit: $(VENV)/.ready $(VENV_TOOLS)/.ready  ## Known holes in the pinned packages, and what is out of date
	$(CURRENT) -m pip list --outdated
	$(VENV_TOOLS)/bin/pip-audit --strict --no-deps --disable-pip $(AUDIT) --requirement requirements_lock.txt

licences: $(VENV)/.ready $(VENV_CLASSIC)/.ready $(VENV_TOOLS)/.ready  ## Write docs/licences.md, of all packages installed
	PATH=$(VENV_TOOLS)/bin:$$PATH python docs/licences.py $(VENV) $(VENV_CLASSIC) > $(VENV_TOOLS)/licences.md
	mv $(VENV_TOOLS)/licences.md docs/licences.md

soak: $(VENV)/.ready  ## Train for MINUTES, and watch memory, time, files, threads
	$(CURRENT) benchmarks/soak.py --minutes=$(MINUTES)

clean:  ## Remove the environments and what tools wrote
	rm -rf $(VENV) $(VENV_CLASSIC) $(VENV_TORCH) $(VENV_MODELS) $(VENV_TOOLS) $(VENV_DOCS) \
		build dist site *.egg-info .pytest_cache \
		.ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: setup.cfg pyproject.toml
	$(call environment,$(VENV),dev$(,)heic$(,)plots$(,)legacy$(,)tfds,10,13)

$(VENV_CLASSIC)/.ready: setup.cfg pyproject.toml
	$(call environment,$(VENV_CLASSIC),dev$(,)heic$(,)plots$(,)classic$(,)tfds,10,11)

$(VENV_MODELS)/.ready: setup.cfg pyproject.toml
	$(call environment,$(VENV_MODELS),dev$(,)models,10,13)

# TensorFlow is large, and PyTorch too: this one looks for it in the other.
$(VENV_TORCH)/.ready: $(VENV)/.ready
	$(CURRENT) -m venv $(VENV_TORCH)
	$(CURRENT) -c 'import sysconfig; print("import site; site.addsitedir(\"%s\")" % sysconfig.get_path("purelib"))' \
		> "$$($(VENV_TORCH)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/beside.pth"
	$(VENV_TORCH)/bin/python -m pip install -qq --editable ".[torch]" $(TORCH)
	touch $@

$(VENV_TOOLS)/.ready: $(VENV)/.ready
	$(CURRENT) -m venv $(VENV_TOOLS)
	$(VENV_TOOLS)/bin/python -m pip install -qq pip-audit pip-licenses
	@touch $@

# What the extra asks for, without the package: the sources are read, not
# imported, and need no TensorFlow.
$(VENV_DOCS)/.ready: $(VENV)/.ready setup.cfg
	$(CURRENT) -m venv $(VENV_DOCS)
	$(CURRENT) -c 'import configparser as c; s = c.ConfigParser(); s.read("setup.cfg"); print(s["options.extras_require"]["docs"])' \
		> $(VENV_DOCS)/requirements.txt
	$(VENV_DOCS)/bin/python -m pip install -qq --requirement $(VENV_DOCS)/requirements.txt
	@touch $@

# A comma that `call` does not take for one of its own.
, := ,

# $(call environment,FOLDER,EXTRAS,OLDEST,NEWEST): an environment of Python
# 3.OLDEST to 3.NEWEST. A name on PATH may be a stand-in that runs nothing, and
# an interpreter may lack venv, so each is tried, not only looked up.
define environment
@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.10); do \
	if "$$python" -c "import ensurepip, sys, venv; sys.exit(not (3, $(3)) <= sys.version_info[:2] <= (3, $(4)))" 2> /dev/null; then \
		found=$$python; break; \
	fi; \
done; \
if [ -z "$$found" ]; then \
	echo "Expected Python 3.$(3) to 3.$(4) with venv. Received: $(or $(PYTHON),none on PATH). Name one: make PYTHON=/path/to/python" >&2; \
	exit 1; \
fi; \
echo "$(1): installing with $$("$$found" --version), minutes the first time"; \
"$$found" -m venv $(1) && \
$(1)/bin/python -m pip install -qq --editable ".[$(2)]" && \
touch $@
endef
