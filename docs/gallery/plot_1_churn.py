"""
Churn: from a file to a model
=============================

A file of customers, a recommendation, a saved model, and answers for new customers.
"""

# %%
# The file is made here: 1,500 customers, of which few leave. Yours is any CSV file with a column of
# classes.
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import imbench

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
n = 1500
customers = pd.DataFrame(
    {
        "months": rng.integers(1, 72, n),
        "charge": rng.normal(65, 20, n).round(2),
        "contract": rng.choice(["monthly", "yearly"], n, p=[0.6, 0.4]),
        "calls": rng.poisson(1.0, n),
    }
)
leaning = (
    -3.5
    - 0.04 * customers["months"]
    + 0.02 * customers["charge"]
    + 1.2 * (customers["contract"] == "monthly")
    + 0.4 * customers["calls"]
)
leaves = rng.random(n) < 1 / (1 + np.exp(-leaning))
customers["left"] = np.where(leaves, "yes", "no")
customers.to_csv(folder / "customers.csv", index=False)
customers["left"].value_counts().to_frame()

# %%
# A lost customer costs five times as much as a needless call. The same from the command line:
# ``python -m imbench recommend customers.csv --target left --goal cost=missed:5,false_alarm:1``.
found = imbench.recommend(
    folder / "customers.csv",
    target="left",
    goal="cost=missed:5,false_alarm:1",
    models=["logistic_regression"],
    strategies=["sqrt_inverse", "random_over"],
    budget="1m",
    results_dir=folder / "results",
    progress=False,
)
print(found)

# %%
# What each strategy gains over doing nothing, with its interval.
figure = found.result.plot("gain")

# %%
# The recommended one, fitted to all rows, becomes a folder without a pickle. ``imbench.load`` reads
# it, and so does ``python -m imbench serve FOLDER``, which answers over HTTP.
found.fit().save(folder / "model")
served = imbench.load(folder / "model")
new = pd.DataFrame(
    {
        "months": [2, 60, 3],
        "charge": [95.0, 50.0, None],
        "contract": ["monthly", "yearly", "monthly"],
        "calls": [4, 0, 1],
    }
)
new.assign(predicted=served.predict(new), p_yes=served.predict_proba(new)[:, 1].round(3))
