"""
Your pipeline of imbalanced-learn
=================================

A pipeline that exists is a model: it is compared as it is, with what imbench has on top.
"""

# %%
# A function that makes the pipeline, in a file on the Python path.
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import imbench
from imbench.data.defects import load_defects

folder = Path(tempfile.mkdtemp())
(folder / "my_pipeline.py").write_text("""
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression


def smote_pca(k_neighbors=5):
    return make_pipeline(PCA(6), SMOTE(k_neighbors=k_neighbors), LogisticRegression())
""")

# %%
# ``models="own"`` with the name of the function. Its sampler sees training rows alone. Strategies
# come on top: here a moved threshold.
sys.path.append(str(folder))
data = load_defects(n_rows=2000, n_test=200)
parts = pd.DataFrame(data.X, columns=data.feature_names)
parts["part"] = np.array(data.class_names)[data.y]
result = imbench.compare(
    parts,
    target="part",
    strategies=["none", "threshold"],
    models="own",
    overrides=["model.estimator._target_=my_pipeline.smote_pca", "splits.n_repeats=1"],
    results_dir=folder / "results",
    progress=False,
)
print(result.verdict)

# %%
# Does its SMOTE help at all? The pipeline without it is a model too, and remedies go on top of it.
# ``imbench.make`` returns a classifier of scikit-learn, here for ``cross_validate``.
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

X, y = parts.drop(columns="part"), parts["part"]
lines = []
for strategy in ("none", "smote", "threshold"):
    model = imbench.make(strategy, model=make_pipeline(PCA(6), LogisticRegression()))
    scores = cross_validate(model, X, y, scoring=["f1_macro", "roc_auc"])
    means = {name: scores[f"test_{name}"].mean() for name in ("f1_macro", "roc_auc")}
    lines.append({"strategy": strategy, **means})
found = pd.DataFrame(lines).set_index("strategy")
axes = found.plot.bar(rot=0, xlabel="", figsize=(6, 3))
found.round(3)
