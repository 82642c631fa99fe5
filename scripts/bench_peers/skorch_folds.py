"""Peer (b): a skorch net in an imbalanced-learn pipeline in scikit-learn's cross_validate."""

from __future__ import annotations

from functools import partial
from typing import Any

import joblib
import shared
import torch
from imblearn.pipeline import Pipeline
from nets import net_of
from sklearn.model_selection import cross_validate
from sklearn.preprocessing import StandardScaler

CUDA_WAYS = 2  # processes that share the device, beside one alone


def pipeline_of(job: shared.Job, n_features: int, n_classes: int) -> Pipeline:
    """Return the pipeline; pixels are in [0, 1] already."""
    steps: list[Any] = [] if job["images"] else [("scale", StandardScaler())]
    return Pipeline([*steps, ("net", net_of(job, n_features, n_classes))])


def scores(job: shared.Job, data: tuple[Any, Any, shared.Folds], n_jobs: int) -> list[float]:
    """Fit and score every fold; return the macro F1 of each."""
    X, y, folds = data
    estimator = pipeline_of(job, X.shape[1], job["n_classes"])
    torch.manual_seed(job["seed"])
    torch.set_num_threads(max(job["cores"] // n_jobs, 1))
    threads = max(job["cores"] // n_jobs, 1)
    with joblib.parallel_config("loky", inner_max_num_threads=threads):
        found = cross_validate(
            estimator, X, y, cv=folds, scoring="f1_macro", n_jobs=n_jobs, error_score="raise"
        )
    return found["test_score"].tolist()


def measure(job: shared.Job) -> dict[str, Any]:
    """Return seconds and F1 of the better ``n_jobs``."""
    most = CUDA_WAYS if job["device"] == "cuda" else job["cores"]
    return shared.fastest(partial(scores, job), {f"n_jobs={n}": n for n in sorted({1, most})}, job)


if __name__ == "__main__":
    shared.main(measure)
