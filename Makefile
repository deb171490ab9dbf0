# Every target works without activating anything: the first one that needs the environment makes it.

PYTHON ?= python3
COLAB_PYTHON ?= python3.13
NOTEBOOKS ?=
REPO ?=
README ?=
SUBMISSIONS ?=

# What is started gets .venv/bin first on its PATH, as if the environment were activated.
python := PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python
installed := .venv/.installed

.PHONY: help run check test thorough browser colab versions lab outputs constraints bench release grade clean data
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: data ## execute the notebooks in order; HTML pages and tables go to build/
	$(python) -m tools.notebooks run $(NOTEBOOKS)

check: $(installed) ## the developer's loop: lint, types, the tests that start nothing slow; under a minute
	$(lint)
	$(python) -m pytest tests -m "not slow and not thorough" -n auto -q

# In two parts, as coverage is that of the unit tests: it would double the time of the slow ones.
unit := not slow and not thorough and not interrupts
test: data ## lint, unit tests, and every notebook executed and compared with its outputs
	$(lint)
	$(python) -m pytest notebooks tests -n auto -m "not thorough and not ($(unit))"
	$(python) -m pytest tests -n auto -m "$(unit)" --cov

thorough: data ## what make test leaves out: every answer in the sandbox, thousands of interrupts
	$(python) -m pytest tests -m thorough -n auto

# Its cases take turns in one browser, whose name may be given: make browser BROWSER=…
browser: data ## the notebooks in a real browser, as a student opens them; screenshots in build/browser/
	$(python) -m pytest $(addprefix tests/browser/,as_a_student.py on_a_bad_evening.py as_a_reader.py)

colab: data ## the notebooks in a simulated Colab, with the versions it has (needs Python 3.13)
	test -x build/colab/bin/python || $(COLAB_PYTHON) -m venv build/colab
	build/colab/bin/python -m pip install -r tests/colab/versions.txt
	$(python) -m pytest tests/colab/in_colab.py

versions: $(installed) ## renew the versions that Colab has in tests/colab/versions.txt
	$(python) -m tools.colab

# In a container one is root, and Jupyter refuses that unless told.
lab: $(installed) ## open JupyterLab on the notebooks
	$(python) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks \
	    $(if $(filter 0,$(shell id -u)),--allow-root)

outputs: data ## execute the notebooks in place and store their outputs (NOTEBOOKS="…" for some)
	$(python) -m tools.notebooks outputs $(NOTEBOOKS)

constraints: ## renew the exact versions in constraints.txt, from a fresh environment
	$(check_python)
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && \
	"$$folder/bin/python" -m pip install -r requirements-dev.txt && \
	"$$folder/bin/python" -m pip freeze > "$$folder/versions" && \
	{ head -n 1 constraints.txt; cat "$$folder/versions"; } > "$$folder/constraints" && \
	cp "$$folder/constraints" constraints.txt

# A peer that cannot be installed is reported as absent.
bench: data ## compare the time of an update with other implementations (README=yes: its table)
	-$(python) -m pip install --quiet -r benchmarks/requirements.txt -c constraints.txt
	$(python) -m benchmarks.bench $(if $(README),--readme)

release: $(installed) ## make the student edition, for the repository REPO=owner/name
	$(python) -m grading.release "$(REPO)"

grade: data ## points, feedback and tables for SUBMISSIONS=folder (OPTIONS="…": grading/README.md)
	$(python) -m grading "$(SUBMISSIONS)" $(OPTIONS)

clean: ## remove what was built; the environment (.venv), the data, and points by hand stay
	@for each in build/*; do case "$$each" in \
	    build/grades|build/gradebook|build/grading) echo "$$each stays: points given by hand" ;; \
	    *) rm -rf "$$each" ;; esac; done
	rm -rf build/grading/results .coverage .mypy_cache .pytest_cache .ruff_cache
	find helpers tools tests grading notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) \
	    -prune -exec rm -rf {} +

data: $(installed)
	$(python) -m helpers.data

# Some systems split venv's pip off into a package of its own: then the outer pip installs it.
$(installed): requirements.txt requirements-dev.txt constraints.txt
	$(check_python)
	@echo "Installing into .venv: some minutes and several GB, once."
	$(PYTHON) -m venv .venv || { $(PYTHON) -m venv --without-pip .venv && \
	    $(PYTHON) -m pip --python .venv/bin/python install pip; }
	.venv/bin/python -m pip install -r requirements-dev.txt -c constraints.txt
	touch $@

define lint
$(python) -m ruff check .
$(python) -m ruff format --check .
$(python) -m mypy
endef

# TensorFlow has no packages for Python 3.14 yet.
define check_python
@command -v $(PYTHON) > /dev/null || { \
    echo "There is no $(PYTHON) here. Install Python 3.11, 3.12 or 3.13," \
        "or name yours: make PYTHON=python3.12 ..." >&2; exit 1; }
@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit( \
    "Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is %d.%d. " \
    "Name another one: make PYTHON=python3.12 ..." % sys.version_info[:2])'
endef
