#!/usr/bin/env bash
# Set up, then lint, types and the tests of all tiers. `.ci/run` calls exactly this.
# IMBENCH_DATA may name the folder with the real data sets; tests that need them say so when they skip.
#   bash scripts/test.sh -m process        more words go to pytest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
bash scripts/browser.sh
bash scripts/postgres.sh

.venv/bin/ruff check .
.venv/bin/ruff format --check .
# mypy uses one core and begins without a cache in CI: it runs beside the tests.
types=$(mktemp)
.venv/bin/mypy >"$types" 2>&1 &
mypy=$!
trap 'kill "$mypy" 2>/dev/null || true; rm -f "$types"' EXIT
# Two workers with one thread each: threads times workers is the number of cores.
export OMP_NUM_THREADS=1
# worksteal keeps neighbouring tests on one worker: the contract tests of a strategy share fits.
status=0
.venv/bin/pytest -m "" -n 2 --dist worksteal "$@" || status=$?
wait "$mypy" || status=1
cat "$types"
exit "$status"
