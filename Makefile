# `make repro` sets everything up and runs the whole experiment; `make help` lists the rest.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/$(UV_VERSION)
STAMP := .venv/.installed
TEST_STAMP := .venv/.installed-for-tests

# `python` in dvc.yaml is the project's own.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup repro ablations calibrate screenshots seeds photographs bench test lint mlflow preset clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: $(STAMP) ## install everything into .venv (needs Python 3.11 to 3.13, nothing else)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed, not $$($(PYTHON) --version); make PYTHON=python3.11 names another one"; exit 1; }
	$(PYTHON) -m venv --clear .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@ln -s bin/uv $@

$(STAMP): $(UV) pyproject.toml uv.lock
	$(UV) sync --frozen --python .uv/bin/python
	@touch $@

# The tests also run what is optional, but for py-feat, whose networks are downloaded when it is first used.
$(TEST_STAMP): $(STAMP)
	$(UV) sync --frozen --python .uv/bin/python --extra cluster --extra demo --extra heic
	@touch $@

repro: setup ## run the experiment, print Table 1, list the figures, make the page
	dvc repro
	@echo
	@cat reports/tables/table_1.md
	@echo
	@echo "Figures:"
	@find reports/figures -name '*.p*' | sort | sed 's/^/  /'
	@echo
	@echo "All of it on one page: reports/index.html"

ablations: setup ## the ablations of ablations.yaml as DVC experiments, their table and figure
	python -m stages.ablations

calibrate: setup ## fit the reader of action units to rendered faces anew; about ten minutes on two cores
	python -m stages.calibrate

screenshots: $(TEST_STAMP) ## Fig. 15 and 16: the forms of the user study, as chromium shows them
	python -m stages.study_screenshots

seeds: setup ## the experiment under several seeds, as DVC experiments: make seeds N=3
	python -m stages.seeds --count $(or $(N),3)

bench: setup ## how fast training, preparation and editing are on this machine, and what they take
	python -m benchmarks

photographs: setup ## how the weights do on photographs of people, neutral and smiling: make photographs PHOTOS=FOLDER
	python -m stages.photographs $(if $(PHOTOS),$(PHOTOS),--help)

test: $(TEST_STAMP) ## all tests, with a tiny run of the whole pipeline
	OMP_NUM_THREADS=1 pytest -n auto --dist loadfile --no-loadscope-reorder

lint: setup ## style and simple mistakes
	ruff check .

mlflow: setup ## every stage's runs in the browser, at http://127.0.0.1:5000
	mlflow ui --backend-store-uri sqlite:///mlflow.db --default-artifact-root mlartifacts --host 127.0.0.1 --port 5000 --workers 1

preset: setup ## write presets/NAME.yaml into params.yaml: make preset NAME=paper
	python -m defgan.presets $(if $(NAME),presets/$(NAME).yaml,--help)

clean: ## remove what the stages made; the environment, DVC's cache and MLflow's records stay
	rm -rf data models edits .defgan reports/figures $(filter-out reports/tables/au_reader%,$(wildcard reports/tables/*)) reports/training reports/ablations reports/data reports/user_study reports/votes reports/index.html reports/seeds .dvc/tmp/exps/standalone
