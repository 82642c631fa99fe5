"""
Long-tailed images
==================

Class sizes that fall from many to few, as in photographs of animals or goods. Here the digits of
scikit-learn are cut so that the most frequent one has 15 times the rows of the rarest.
"""

# %%
# The cut that ``dataset/imbalance=long_tail`` makes, drawn.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from imbench.cli import main
from imbench.data.digits import load_digits
from imbench.data.imbalance import LongTail
from imbench.results.store import Store

digits = load_digits()
tail = LongTail(ratio=15, order="label")(digits)
figure, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
axes.bar_label(axes.bar(digits.class_names, tail.counts))
axes.set(xlabel="digit", ylabel="rows")

# %%
# A sweep over losses and decision rules made for long tails. ``main`` is the command line,
# ``python -m imbench -m dataset=digits dataset/imbalance=long_tail dataset.imbalance.ratio=15
# ...``.
folder = Path(tempfile.mkdtemp())
main(
    [
        "-m",
        "dataset=digits",
        "dataset/imbalance=long_tail",
        "dataset.imbalance.ratio=15",
        "dataset.imbalance.order=label",
        "model=mlp",
        "strategy=none,random_over,balanced_softmax,logit_adjustment",
        "metrics.sort=balanced_accuracy",
        "splits.n_repeats=3",
        "tracking=none",
        f"results_dir={folder}",
    ]
)

# %%
# Predictions are stored: the recall of each digit needs no further fit.
recall = pd.DataFrame(
    {
        cell.label: pd.concat(
            [pd.Series(f.y_pred == f.y_true).groupby(f.y_true).mean() for f in cell.folds], axis=1
        ).mean(axis=1)
        for cell in Store(folder).read_cells()
    }
)
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
recall.plot.bar(ax=axes, rot=0, xlabel="digit, from frequent to rare", ylabel="recall")
recall.round(2)
