"""
A sweep on a Ray cluster
========================

The folds of a sweep on a cluster: here one on this machine, which imbench starts and ends. A
cluster of many machines needs its address, and nothing else changes.
"""

# %%
# Ray is an extra: ``pip install 'imbench[ray]'``, on every node. Without it there is one sentence.
import tempfile
from pathlib import Path

import imbench
from imbench.data.synthetic import load_synthetic
from imbench.errors import ImbenchError

folder = Path(tempfile.mkdtemp())
data = load_synthetic(n_rows=600, ratio=9)


def sweep(*words):
    """Compare two remedies with doing nothing, on three folds."""
    return imbench.compare(
        data.X,
        data.y,
        strategies=["none", "random_over", "threshold"],
        models="decision_tree",
        overrides=["splits.n_splits=3", "splits.n_repeats=1", *words],
        results_dir=folder / "-".join(["results", *words]),
        progress=False,
    )


# %%
# ``executor=ray`` sends each fold to a node as a task, and nodes write to the same ``results_dir``.
# With ``executor.address=HOST:6379`` it is a cluster that runs already. From a shell:
# ``python -m imbench -m dataset=synthetic model=decision_tree strategy=none,random_over,threshold
# executor=ray``.
try:
    spread = sweep("executor=ray")
except ImbenchError as error:  # Ray is not installed
    spread = None
    print(error)
else:
    print(spread.verdict)

# %%
# Where a fold was fitted changes nothing: the same sweep in this process has the same scores, bit
# by bit.
here = sweep()
if spread is not None:
    pairs = [
        (a.y_score, b.y_score)
        for one, other in zip(here.cells, spread.cells, strict=True)
        for a, b in zip(one.folds, other.folds, strict=True)
    ]
    print(f"{sum((a == b).all() for a, b in pairs)} of {len(pairs)} folds are the same")
figure = here.plot("gain")
