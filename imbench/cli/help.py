"""``imbench --help``. It fits on one screen and imports nothing, to be fast."""

from __future__ import annotations

TEXT = """\
imbench compares strategies against class imbalance on identical folds.

  python -m imbench [key=value ...]       one cell: a data set, a model, a strategy
  python -m imbench -m key=a,b [...]      a sweep: every combination, one table
  python -m imbench list strategies       what there is; the other lists: list --help
  python -m imbench doctor|completion     what is missing, and the fix; Tab in your shell
  python -m imbench report [RUNS]         tables and a page; --filter --out --set
  python -m imbench audit [RUNS]          what was fitted on which rows; leaks, duplicates
  python -m imbench check FILE --target COLUMN   leaks and other notices of a file; --set
  python -m imbench ui|sync|verify|docs   MLflow here; export to it; damaged files; docs
  python -m imbench plan|work|status      a sweep in chunks, for array jobs and clusters
  python -m imbench predict|drift|serve MODEL [FILE]   a saved model: answers, drift, HTTP

  python -m imbench -m 'strategy=none,random_over,smote,[smote,focal,threshold]'
  python -m imbench dataset=table dataset.path=churn.csv dataset.target=Churn \\
      model=hist_gradient_boosting strategy=threshold

keys: any key can be overridden; -c, --cfg prints them all
  dataset= model= strategy=               a name; strategies also as a list [a,b]
  dataset/imbalance=                      none, keep, tutorial, long_tail, step
  splits=kfold|holdout|group|time|official   splits.n_splits=5 splits.n_repeats=auto|3
  metrics.sort=f1_macro                   for verdicts; baseline=none|threshold|auto
  tuning=optuna tuning.trials=20          choose parameters inside each fold
  device=auto|cpu|cuda amp=true seed=0    where and how nets train
  results_dir= data_dir=                  or IMBENCH_RESULTS, IMBENCH_DATA
  tracking=mlflow|none tracking.uri=      output=table|json; budget=10m|fits=200 ends it

  -m, --multirun     a sweep              --config-dir DIR   yaml files of your own
  -h, --help, --version                   --traceback        where an error came from

A finished fold is never computed twice: the same command goes on where it stopped.
Exit code: 0 ok; 1 a failed cell, leak, damage; 2 nothing ran; 3 ended early; 130 Ctrl-C.
"""


def command(words: list[str]) -> int:
    """Print the help."""
    print(TEXT, end="")
    return 0
