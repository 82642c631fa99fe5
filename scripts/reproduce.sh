#!/usr/bin/env bash
# Make published results again: what is missing is run, then the page in results/tables/ is written.
#   bash scripts/reproduce.sh nine_strategies [key=value ...]     an experiment of conf/experiment/
#   bash scripts/reproduce.sh leaderboard_keel model=lightgbm     leaderboards over data sets
#   bash scripts/reproduce.sh tutorial_mnist [--seeds 3 ...]      scripts/tutorials.py
#   bash scripts/reproduce.sh break_even [--tables bank ...]      scripts/break_even.py
# On a cluster: add executor=array executor.chunks=200, work through plan.json (docs/scale.md), and
# run the same command again. IMBENCH_DATA names the folder of data sets that cannot be downloaded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "reproduce: name an experiment of conf/experiment/." >&2; exit 2; }
bash scripts/setup.sh
name=$1
shift

case $name in
  tutorial_mnist) exec .venv/bin/python -m scripts.tutorials "$@" ;;
  break_even) exec .venv/bin/python scripts/break_even.py "$@" ;;
esac

words="experiment=$name $*"
.venv/bin/python -m imbench "experiment=$name" "results_dir=results/$name" tracking=none "$@"
if [[ " $* " == *" executor=array "* && -f plan.json ]] && ! .venv/bin/python -m imbench status plan.json; then
  echo "reproduce: nothing is written yet; work through plan.json (docs/scale.md), then run this again." >&2
  exit 3
fi
case $name in
  leaderboard_* | to_smote_or_not)
    .venv/bin/python scripts/leaderboards.py "$name" --commands "bash scripts/reproduce.sh $name${*:+ $*}"
    echo "reproduce: wrote results/tables/$name.md"
    exit 0
    ;;
esac
.venv/bin/python -m imbench report "results/$name/runs" >/dev/null
mkdir -p results/tables
{
  echo "# $name"
  echo
  echo "Made by \`bash scripts/reproduce.sh $name${*:+ $*}\`, that is"
  echo "\`python -m imbench ${words% }\`"
  echo "($(git rev-parse --short HEAD 2>/dev/null || echo no-git); $(nproc) CPU cores, no GPU used;" \
    "$(.venv/bin/python -V), $(.venv/bin/python -m pip freeze | grep -E '^(torch|scikit-learn|imbalanced-learn)==' | paste -sd' '))."
  echo
  tail -n +3 "results/$name/report/report.md"
} >"results/tables/$name.md"
echo "reproduce: wrote results/tables/$name.md"
