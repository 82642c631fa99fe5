"""
Fraud: costs, and tests on what came later
==========================================

Payments of 60 days. A missed fraud costs 40, a false alarm 1. Models are tested on days after those
that they were trained on, as they will be used.
"""

# %%
# The payments are made here; frauds become more frequent and move to other amounts over time.
import tempfile

import numpy as np
import pandas as pd

import imbench

rng = np.random.default_rng(1)
n = 4000
day = np.sort(rng.integers(0, 60, n))
fraud = rng.random(n) < 0.015 + 0.0004 * day
payments = pd.DataFrame(
    {
        "day": day,
        "amount": np.exp(rng.normal(3.5 + fraud * (1.2 - 0.01 * day), 0.8)).round(2),
        "hour": (rng.normal(14 + 6 * fraud, 4, n) % 24).round(1),
        "country": np.where(rng.random(n) < 0.1 + 0.4 * fraud, "abroad", "home"),
        "kind": np.where(fraud, "fraud", "fine"),
    }
)
payments.groupby(payments["day"] // 15)["kind"].value_counts().unstack()

# %%
# ``time="day"`` makes folds that are tested after they were trained; ``costs`` makes expected cost
# the metric that verdicts are about.
result = imbench.compare(
    payments,
    target="kind",
    strategies=["none", "inverse_weights", "random_under", "threshold", "cost_sensitive"],
    models="logistic_regression",
    time="day",
    costs={"missed": 40, "false_alarm": 1},
    results_dir=tempfile.mkdtemp(),
    progress=False,
)
print(result.verdict)

# %%
columns = ["strategy", "gain", "low", "high", "verdict", "found", "n_rare", "false_alarms"]
result.table[columns].round(3)

# %%
# The cost of a payment over the threshold. Weights move the best threshold; they hardly lower the
# cost that it reaches.
figure = result.plot("cost", ["none", "inverse_weights"])
