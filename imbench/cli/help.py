"""``imbench --help``: one screen, and nothing heavy imported."""

from __future__ import annotations

TEXT = """\
imbench compares strategies against class imbalance on identical folds.

  python -m imbench [key=value ...]          run one cell: a data set, a model, a strategy
  python -m imbench -m key=a,b [...]         run a sweep: every combination, one table
  python -m imbench list strategies          what there is (also: datasets, models)
  python -m imbench report [FOLDER]          tables and a page from stored predictions

examples
  python -m imbench dataset=digits strategy=focal
  python -m imbench -m strategy=none,random_over,smote,'[smote,focal,threshold]'
  python -m imbench dataset=table dataset.path=churn.csv dataset.target=Churn \\
      model=hist_gradient_boosting strategy=threshold
  python -m imbench dataset=mnist dataset/imbalance=long_tail dataset.imbalance.ratio=100

keys (any key of the configuration can be overridden; --cfg prints all of them)
  dataset=     what to learn from             model=       what learns
  strategy=    none, a name or a list [a,b]   splits=      kfold, holdout, official
  splits.n_splits=5  splits.n_repeats=1       metrics.sort=f1_macro
  device=auto|cpu|cuda   amp=true             seed=0
  results_dir=results (IMBENCH_RESULTS)       data_dir= (IMBENCH_DATA)
  tracking=mlflow|none   tracking.uri=        output=table|json

options
  -m, --multirun     sweep over comma-separated values
  --config-dir DIR   add a folder with strategy/, dataset/, model/ yaml files of your own
  --cfg              print the composed configuration and stop
  --traceback        show where an error came from
  -h, --help         this text                --version    the version

A finished fold is stored and never computed twice: the same command goes on where it stopped.
Exit code: 0 ok, 1 a cell failed or all were skipped, 2 wrong configuration, 130 interrupted.
"""


def command(words: list[str]) -> int:
    """Print the help."""
    print(TEXT, end="")
    return 0
