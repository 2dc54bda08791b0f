# Everything runs in .venv, made from requirements.lock by uv, which a plain venv installs first.
PYTHON := .venv/bin/python
READY := .venv/.ready
UV := 0.13.9
DATA ?=
SQUAD = $(DATA)/reader/squad2_eval_15_articles.json.gz $(DATA)/reader/train_squad2_20_articles.json.gz

# torch without CUDA, 200 MB instead of 3 GB: from a local folder of wheels, or else from PyTorch's CPU index
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
else
export UV_TORCH_BACKEND ?= cpu
endif
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint fmt lock picture clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## set up, ingest articles/, answer the sample questions
	@$(PYTHON) -m ingest articles
	@for question in "Who attended the meeting?" "What were the three goals?" "Who won the football match?"; do \
		printf '\n> %s\n\n' "$$question"; $(PYTHON) -m bot ask "$$question" || exit 1; done

test: $(READY) lint ## set up, lint, type-check, run all tests
	$(PYTHON) -m pytest -n auto --maxprocesses 4 --dist loadfile

bench: $(READY) ## benchmarks beside the plain LangChain pipeline; DATA=folder adds retrieval quality and scale
	$(PYTHON) -m benchmarks.pipeline
	$(PYTHON) -m benchmarks.discord_bot
	$(PYTHON) -m benchmarks.chat
	$(PYTHON) -m benchmarks.attacks
	$(PYTHON) -m benchmarks.citation_check
	$(PYTHON) -m ingest articles --library bench
	$(PYTHON) -m bot eval tests/questions/coalition.jsonl --library bench
	$(PYTHON) -m benchmarks.eval_speed
ifneq ($(DATA),)
	$(PYTHON) -m benchmarks.retrieval $(SQUAD)
	$(PYTHON) -m benchmarks.reader $(word 1,$(SQUAD)) $(DATA)/reader/multispanqa_dev.jsonl
	$(PYTHON) -m benchmarks.answers $(SQUAD)
	$(PYTHON) -m benchmarks.scale $(SQUAD)
endif

lint: $(READY) ## check format, lint and types
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

fmt: $(READY) ## format and mend what can be mended
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lock: $(READY) ## pin every version anew (torch stays at the version of the CPU build)
	@echo 'torch==2.13.0+cpu' > .venv/constraints.txt
	$(PYTHON) -m uv pip compile pyproject.toml --extra dev --extra bench --quiet --no-header --no-emit-find-links \
		--python-version 3.11 --constraint .venv/constraints.txt --output-file requirements.lock
	@sed -i.old -e 's/+cpu$$//' -e '/-c .venv/d' -e '/^    #  *$$/d' requirements.lock && rm requirements.lock.old

picture: $(READY) ## draw the pictures in docs/
	$(PYTHON) -m docs.draw_answer
	$(PYTHON) -m docs.draw_discord
	$(PYTHON) -m docs.draw_risk

clean: ## remove the virtual environment and the caches, not the data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements.lock
	@test -x $(PYTHON) || python3 -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv==$(UV) 2>/dev/null || \
		$(PYTHON) -m pip install uv==$(UV)
	@$(PYTHON) -m uv pip sync --quiet --python $(PYTHON) requirements.lock
	@touch $(READY)
