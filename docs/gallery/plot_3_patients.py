"""
Patients: rows that belong together
===================================

Several visits of one patient are alike. If some of them are in the training part and others in the
test part, a model is rewarded for recognising the patient.
"""

# %%
# 120 patients with 6 visits each. The disease belongs to the patient; the readings say little
# about it, but much about who it is.
import tempfile

import numpy as np
import pandas as pd

import imbench

rng = np.random.default_rng(2)
n_patients, n_visits = 120, 6
ill = rng.random(n_patients) < 0.15
person = rng.normal(size=(n_patients, 5)) + 0.3 * ill[:, None]
patient = np.repeat(np.arange(n_patients), n_visits)
readings = person[patient] + rng.normal(scale=0.2, size=(len(patient), 5))
visits = pd.DataFrame(readings, columns=[f"reading_{i}" for i in range(5)])
visits["patient"] = [f"P{i:03}" for i in patient]
visits["diagnosis"] = np.where(ill[patient], "ill", "healthy")
visits.groupby("diagnosis").agg(rows=("patient", "size"), patients=("patient", "nunique"))

# %%
# Twice the same comparison: folds of rows, and folds of patients.
shared = {
    "target": "diagnosis",
    "strategies": ["none", "random_over", "threshold"],
    "models": "knn",
    "overrides": ["splits.n_repeats=3"],
    "results_dir": tempfile.mkdtemp(),
    "progress": False,
}
by_row = imbench.compare(visits, drop=["patient"], **shared)
by_patient = imbench.compare(visits, groups="patient", **shared)
f1 = pd.DataFrame(
    {
        "folds of rows": by_row.table.set_index("strategy")["f1_macro"],
        "folds of patients": by_patient.table.set_index("strategy")["f1_macro"],
    }
)
f1.round(3)

# %%
# The left bars hold for patients who are known already. For new patients the right ones hold.
axes = f1.plot.bar(rot=0, ylim=(0, 1), ylabel="macro F1", xlabel="")

# %%
print(by_patient.verdict)
