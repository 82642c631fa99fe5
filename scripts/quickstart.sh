#!/usr/bin/env bash
# Set up, then compare strategies on the embedded digits, made imbalanced (class 0 keeps 90 %
# of its images, the others 10 %). The table, the MLflow runs and the report land in results/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh

.venv/bin/python -m imbench --multirun dataset=digits model=mlp \
  'strategy=none,random_over,smote,weighted_sampler,minority_augment,inverse_weights,focal,balanced_bagging,threshold,[smote,focal,threshold]' "$@"
.venv/bin/python -m imbench report | tail -n 1

cat <<'END'

Next
  compare the runs in the MLflow UI    .venv/bin/python -m imbench ui
                                       then open http://127.0.0.1:5000
  the report                           open results/report/index.html
  your own table                       .venv/bin/python -m imbench dataset=table dataset.path=FILE dataset.target=COLUMN
  everything there is                  .venv/bin/python -m imbench list strategies
END
