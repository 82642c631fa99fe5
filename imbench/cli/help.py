"""``imbench --help``. It fits on one screen and imports nothing, to be fast."""

from __future__ import annotations

TEXT = """\
imbench says which remedy for imbalanced classes helps, on identical folds.

  python -m imbench COMMAND ...       COMMAND --help: what a command takes
  recommend FILE --target COLUMN      which model and strategy; saves the model
  predict|serve|drift MODEL ...       a saved model: answers, HTTP, changed rows
  check FILE --target COLUMN          leaks and other notices of a table
  fit NAME FILE                       a row of a table, fitted to all rows
  report|audit|verify [RUNS]          tables and a page; leaks; damaged files
  plan|work|status                    a sweep in chunks, for clusters
  ui|sync|docs                        MLflow here; export to it; these docs
  list|doctor|completion              what there is; what is missing; Tab

  python -m imbench [key=value ...]   one cell: a data set, a model, a strategy
  python -m imbench -m key=a,b [...]  a sweep: every combination, one table
  python -m imbench -m dataset=table dataset.path=churn.csv \\
      dataset.target=Churn 'strategy=none,smote,[smote,threshold]'

keys: any key can be overridden; -c, --cfg prints them all
  dataset= model= strategy=           names; strategies also as a list [a,b]
  splits=kfold|holdout|group|time     splits.n_splits=5 splits.n_repeats=auto
  metrics.sort=f1_macro baseline=none for verdicts; dataset/imbalance=step
  tuning=optuna device=cuda amp=true  tuning.trials=20; seed=0
  results_dir= tracking=mlflow|none   output=json; budget=10m|fits=200 ends it
  -m, --multirun   --config-dir DIR   a sweep; yaml files of your own
  -h, --help --version --traceback    the last: where an error came from

A finished fold is never computed twice: the same command goes on from there.
Exit: 0 ok; 1 a failure, leak, damage; 2 nothing ran; 3 ended early; 130 Ctrl-C.
"""


def command(words: list[str]) -> int:
    """Print the help."""
    print(TEXT, end="")
    return 0
