# `make repro` sets everything up and runs the whole experiment; `make help` lists the other targets.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/$(UV_VERSION)
STAMP := .venv/.installed
TEST_STAMP := .venv/.installed-for-tests

# `python` in dvc.yaml is the project's own.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV
# Every stage is a process of its own: without Python's cache of compiled modules it would compile torch's and MLflow's.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup repository repro figures ablations seeds calibrate photographs video demo screenshots bench test test-long lint mlflow preset clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: $(STAMP) ## install everything into .venv (needs Python 3.11 to 3.13, nothing else)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed, not $$($(PYTHON) --version); make PYTHON=python3.11 selects another one"; exit 1; }
	$(PYTHON) -m venv --clear .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@ln -s bin/uv $@

$(STAMP): $(UV) pyproject.toml uv.lock
	$(UV) sync --frozen --python .uv/bin/python --extra experiment
	@touch $@

# The tests also use the optional packages, except py-feat, which downloads its networks when it is first used.
$(TEST_STAMP): $(STAMP)
	$(UV) sync --frozen --python .uv/bin/python --extra experiment --extra c2pa --extra cluster --extra demo --extra heic --extra onnx
	@touch $@

# A ZIP of the sources has no .git, and DVC does not run without one.
repository:
	@git rev-parse --git-dir >/dev/null 2>&1 || \
		{ echo "No git repository here, and DVC needs one. This makes it: git init && git add . && git commit -m start"; exit 1; }

repro: repository setup ## run the experiment, print Table 1, list the figures, make the page
	dvc repro
	@echo
	@cat reports/tables/table_1.md
	@echo
	@echo "Figures:"
	@find reports/figures -name '*.p*' | sort | sed 's/^/  /'
	@echo
	@echo "All of it on one page: reports/index.html"

figures: repository setup ## draw the figures that are out of date, and what they need: reports/figures
	dvc repro figures

ablations: repository setup ## run the ablations of ablations.yaml as DVC experiments: reports/ablations
	python -m tools.ablations

seeds: repository setup ## run the experiment under N seeds, as DVC experiments: make seeds N=3
	python -m tools.seeds --count $(or $(N),3)

calibrate: setup ## fit the AU estimator to rendered faces again; about ten minutes on two cores
	python -m tools.calibrate

photographs: setup ## assess the weights on photographs of people, neutral and smiling: make photographs PHOTOS=FOLDER
	python -m tools.assess_photographs $(if $(PHOTOS),$(PHOTOS),--help)

video: setup ## measure how clips are edited over time, on rendered people whose truth is known: reports/video
	python -m tools.assess_video

demo: setup ## install what the page with sliders needs (extra `demo`) and serve it on this machine
	$(UV) sync --frozen --inexact --python .uv/bin/python --extra demo
	defgan demo

screenshots: $(TEST_STAMP) ## draw Fig. 15 and 16, the forms of the user study in chromium
	python -m tools.study_screenshots

bench: setup ## measure speed and memory of training, preparation and editing on this machine
	python -m benchmarks

test: $(TEST_STAMP) ## run the tests, with a tiny run of the whole pipeline
	OMP_NUM_THREADS=1 pytest -n auto --dist loadfile --no-loadscope-reorder -m "not long"

test-long: $(TEST_STAMP) ## run the tests that take minutes, which make test leaves out
	OMP_NUM_THREADS=1 pytest -n auto --dist loadfile --no-loadscope-reorder -m long

lint: setup ## check style and find simple mistakes
	ruff check .

mlflow: setup ## show the runs of every stage in the browser: make mlflow PORT=5000, or the next free port
	python -m tools.mlflow_ui $(if $(PORT),--port $(PORT))

preset: setup ## write presets/NAME.yaml into params.yaml: make preset NAME=paper
	python -m defgan.presets $(if $(NAME),presets/$(NAME).yaml,--help)

# Deletes what the stages of dvc.yaml make and what killed runs leave. What the tools make takes hours and stays.
clean: ## remove what the stages made; the environment, DVC's cache and MLflow's records stay
	rm -rf data models edits .defgan .dvc/tmp/exps/standalone
	rm -rf reports/data reports/figures reports/tables reports/training reports/user_study reports/votes reports/index.html
