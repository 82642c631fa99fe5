#!/usr/bin/env bash
# Set up, then compare ten strategies on made-up parts of a production line, of which 4 % are
# defective. The table, the MLflow runs and the report land in results/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh

.venv/bin/python -m imbench experiment=quickstart "$@"
.venv/bin/python -m imbench report | tail -n 1

cat <<'END'

Next
  compare the runs in the MLflow UI    .venv/bin/python -m imbench ui
                                       then open http://127.0.0.1:5000
  the report                           open results/report/index.html
  your own table                       .venv/bin/python -m imbench dataset=table dataset.path=FILE dataset.target=COLUMN
  images and nets                      .venv/bin/python -m imbench -m dataset=digits model=mlp strategy=none,focal,smote
  everything there is                  .venv/bin/python -m imbench list strategies
END
