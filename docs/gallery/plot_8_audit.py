"""
An audit that catches a leak
============================

Three mistakes that make results too good, and where each is told.
"""

# %%
# A table of claims without a mistake, to begin with.
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from imblearn.over_sampling import RandomOverSampler

import imbench
from imbench.report.audit import audit_cells, duplicate_warnings

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(3)
late = rng.random(600) < 0.1
claims = pd.DataFrame(rng.normal(size=(600, 6)), columns=[f"x{i}" for i in range(6)])
claims["x0"] += late
claims["state"] = np.where(late, "late", "paid")
shared = {
    "target": "state",
    "strategies": ["none"],
    "models": "decision_tree",
    "results_dir": folder / "results",
    "progress": False,
}
honest = imbench.compare(claims, overrides=["splits.n_repeats=1"], **shared)

# %%
# **Oversampling before the split.** Copies of a row stand in the training and in the test part.
X, y = RandomOverSampler(random_state=0).fit_resample(claims.drop(columns="state"), claims["state"])
copied = imbench.compare(X.assign(state=y), overrides=["splits.n_repeats=1"], **shared)
for sentence in duplicate_warnings(copied.cells):
    print(sentence)

# %%
# **A column that knows the answer.** It is noticed before anything is fitted.
# ``python -m imbench check FILE --target state`` says the same of a file.
telling = claims.assign(reminders=np.where(late, rng.integers(1, 4, 600), 0))
told = imbench.compare(telling, overrides=["splits.n_repeats=1"], **shared)
for line in told.notices:
    print(line)

# %%
# **Folds that overlap.** A splitter of your own, which forgets to take test rows out.
sys.path.append(str(folder))
(folder / "my_splits.py").write_text('''
from dataclasses import dataclass, replace

from imbench.data.splits import Holdout


@dataclass(frozen=True)
class Careless(Holdout):
    """A hold-out that trains on every third test row too."""

    def split(self, data, seed):
        folds = super().split(data, seed)
        return [
            replace(fold, train_index=sorted({*fold.train_index, *fold.test_index[::3]}))
            for fold in folds
        ]
''')
words = ["splits=holdout", "splits._target_=my_splits.Careless"]
careless = imbench.compare(claims, overrides=words, **shared)
for found in audit_cells(careless.cells):
    print(*found.leaks, sep="\n")

# %%
# What the mistakes would have promised. ``python -m imbench audit`` tells the same of all stored
# results, and ends with exit code 1 where a test row was fitted on.
named = {"honest": honest, "copies": copied, "telling column": told, "overlap": careless}
scores = {name: found.table["f1_macro"][0] for name, found in named.items()}
promised = pd.DataFrame({"macro F1": scores})
axes = promised.plot.bar(rot=0, legend=False, ylabel="macro F1", figsize=(6, 3))
promised.round(3)
