#!/usr/bin/env bash
# Run a named experiment and write its tables, with command and conditions, to results/tables/.
#   bash scripts/reproduce.sh nine_strategies [key=value ...]
# IMBENCH_DATA names the folder of the data sets that cannot be downloaded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "reproduce: name an experiment of conf/experiment/." >&2; exit 2; }
bash scripts/setup.sh
name=$1
shift
words="experiment=$name $*"

.venv/bin/python -m imbench "experiment=$name" "results_dir=results/$name" tracking=none "$@"
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
