"""Peer (c): imbalanced-learn's ensembles, on trees and on skorch nets."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import shared
import torch
from imblearn.ensemble import BalancedBaggingClassifier, EasyEnsembleClassifier
from imblearn.pipeline import make_pipeline
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier


def ensemble_of(job: shared.Job, n_features: int, n_jobs: int) -> Any:
    """Return the ensemble that ``job["ensemble"]`` names, not fitted."""
    options = {"n_estimators": job["n_members"], "n_jobs": n_jobs, "random_state": job["seed"]}
    tree = DecisionTreeClassifier(**job.get("tree", {}))
    if job["ensemble"] == "easy_ensemble":
        boosted = AdaBoostClassifier(tree, n_estimators=job["n_rounds"])
        return EasyEnsembleClassifier(estimator=boosted, **options)
    if job["ensemble"] in ("bagging_net", "balanced_bagging_net"):
        from nets import net_of

        tree = make_pipeline(StandardScaler(), net_of(job, n_features, job["n_classes"]))
    if job["ensemble"] == "bagging_net":
        return BaggingClassifier(tree, **options)
    return BalancedBaggingClassifier(tree, **options)


def scores(job: shared.Job, data: tuple[Any, Any, shared.Folds], n_jobs: int) -> list[float]:
    """Fit and predict every fold; return the macro F1 of each."""
    X, y, folds = data
    torch.manual_seed(job["seed"])
    torch.set_num_threads(max(job["cores"] // n_jobs, 1))
    found = []
    for train, test in folds:
        ensemble = ensemble_of(job, X.shape[1], n_jobs).fit(X[train], y[train])
        found.append(float(f1_score(y[test], ensemble.predict(X[test]), average="macro")))
    return found


def measure(job: shared.Job) -> dict[str, Any]:
    """Return seconds and F1 of the better ``n_jobs``."""
    warnings.simplefilter("ignore")  # of members with few rows, on standard error
    ways = {f"n_jobs={n}": n for n in sorted({1, job["cores"]})}
    return shared.fastest(partial(scores, job), ways, job)


if __name__ == "__main__":
    shared.main(measure)
