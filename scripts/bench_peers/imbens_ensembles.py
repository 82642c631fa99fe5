"""Peer (c): imbens' ensembles, in the environment that has the scikit-learn it wants."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import shared
from imbens.ensemble import SelfPacedEnsembleClassifier, UnderBaggingClassifier
from sklearn.metrics import f1_score
from sklearn.tree import DecisionTreeClassifier


def ensemble_of(job: shared.Job, n_jobs: int) -> Any:
    """Return the ensemble that ``job["ensemble"]`` names, not fitted."""
    options = {"n_estimators": job["n_members"], "n_jobs": n_jobs, "random_state": job["seed"]}
    tree = DecisionTreeClassifier(**job.get("tree", {}))
    if job["ensemble"] == "self_paced":
        return SelfPacedEnsembleClassifier(
            tree, k_bins=job["n_bins"], replacement=False, soft_resample_flag=True, **options
        )
    return UnderBaggingClassifier(tree, **options)


def scores(job: shared.Job, data: tuple[Any, Any, shared.Folds], n_jobs: int) -> list[float]:
    """Fit and predict every fold; return the macro F1 of each."""
    X, y, folds = data
    found = []
    for train, test in folds:
        ensemble = ensemble_of(job, n_jobs).fit(X[train], y[train])
        found.append(float(f1_score(y[test], ensemble.predict(X[test]), average="macro")))
    return found


def measure(job: shared.Job) -> dict[str, Any]:
    """Return seconds and F1 of the better ``n_jobs``."""
    warnings.simplefilter("ignore")  # of scikit-learn about pandas, on standard error
    ways = {f"n_jobs={n}": n for n in sorted({1, job["cores"]})}
    return shared.fastest(partial(scores, job), ways, job)


if __name__ == "__main__":
    shared.main(measure)
