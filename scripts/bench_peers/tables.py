"""Peer (d): gradient boosting on tables, in pipelines of imbalanced-learn in cross_validate.

python tables.py job.json    with the keys data (npz file of X, y and folds), csv (where X is read
                             from, or null), drop, target, model, n_trees, strategies, cores,
                             seed, how
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import shared
from imblearn.combine import SMOTETomek
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, BorderlineSMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import RandomUnderSampler, TomekLinks
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV, cross_validate
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

PARALLEL, SERIAL = "n_jobs=-1", "n_jobs=1"
SAMPLERS = {
    "random_over": RandomOverSampler,
    "random_under": RandomUnderSampler,
    "smote": SMOTE,
    "borderline_smote": BorderlineSMOTE,
    "adasyn": ADASYN,
    "smote_tomek": SMOTETomek,
}
CALIBRATIONS = {"isotonic": "isotonic", "platt": "sigmoid"}


def class_weight_of(strategy: str, y: Any) -> Any:
    """Return the weights of the classes, with a mean of one over the rows; None without any."""
    if strategy == "inverse_weights":
        return "balanced"
    if strategy != "sqrt_inverse":
        return None
    counts = np.bincount(y)
    return dict(enumerate(len(y) / np.sqrt(counts) / np.sqrt(counts).sum()))


def model_of(job: shared.Job, strategy: str, y: Any) -> Any:
    """Return the model, not fitted; with all threads unless folds are fitted side by side."""
    options = {"class_weight": class_weight_of(strategy, y), "random_state": job["seed"]}
    if job["model"] == "hist_gradient_boosting":  # its threads are those of OpenMP
        return HistGradientBoostingClassifier(max_iter=job["n_trees"], **options)
    from lightgbm import LGBMClassifier

    n_threads = 1 if job["how"] == PARALLEL else job["cores"]
    return LGBMClassifier(n_estimators=job["n_trees"], n_jobs=n_threads, verbosity=-1, **options)


def sampler_of(job: shared.Job, name: str, categorical: list[int]) -> Any:
    """Return the sampler of a strategy, or None."""
    if name == "tomek":
        return TomekLinks()
    if name == "smotenc":
        return SMOTENC(categorical_features=categorical, random_state=job["seed"])
    return SAMPLERS[name](random_state=job["seed"]) if name in SAMPLERS else None


def pipeline_of(job: shared.Job, strategy: str, frame: pd.DataFrame, y: Any) -> Any:
    """Return the pipeline of a strategy, not fitted."""
    text = frame.select_dtypes(exclude="number").columns.tolist()
    numbers = [column for column in frame.columns if column not in text]
    categorical = list(range(len(numbers), frame.shape[1]))
    steps: list[tuple[str, Any]] = []
    if text:
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        impute = SimpleImputer(strategy="median") if strategy == "smotenc" else "passthrough"
        clean = ColumnTransformer([("numbers", impute, numbers), ("categories", codes, text)])
        steps.append(("clean", clean))
    sampler = sampler_of(job, strategy, categorical)
    steps += [] if sampler is None else [("sampler", sampler)]
    if text and job["model"] == "lightgbm":
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        encode = ColumnTransformer([("categories", one_hot, categorical)], remainder="passthrough")
        steps.append(("encode", encode))
    model = model_of(job, strategy, y)
    if strategy == "balanced_bagging":
        model = BalancedBaggingClassifier(model, n_estimators=10, random_state=job["seed"])
    return decided(job, strategy, Pipeline([*steps, ("model", model)]))


def decided(job: shared.Job, strategy: str, pipeline: Pipeline) -> Any:
    """Put the decision rule of a strategy around its pipeline; both fit it six times."""
    folds = StratifiedKFold(5, shuffle=True, random_state=job["seed"])
    if strategy == "threshold":
        return TunedThresholdClassifierCV(pipeline, scoring="f1_macro", cv=folds)
    if strategy in CALIBRATIONS:
        method = CALIBRATIONS[strategy]
        return CalibratedClassifierCV(pipeline, method=method, cv=folds, ensemble=False)
    return pipeline


def read(job: shared.Job) -> tuple[pd.DataFrame, Any, shared.Folds]:
    """Return the rows, the labels and the (train, test) row numbers of each fold."""
    with np.load(job["data"]) as content:
        n_folds = sum(name.startswith("train_") for name in content)
        folds = [(content[f"train_{i}"], content[f"test_{i}"]) for i in range(n_folds)]
        y = content["y"]
        if job["csv"] is None:
            return pd.DataFrame(content["X"]), y, folds
    frame = pd.read_csv(job["csv"], na_values=[" "])
    return frame.drop(columns=[*job["drop"], job["target"]]), y, folds


def measure(job: shared.Job) -> dict[str, Any]:
    """Return the macro F1 of every strategy and fold."""
    warnings.simplefilter("ignore")  # about names of columns, on standard error
    frame, y, folds = read(job)
    n_jobs = -1 if job["how"] == PARALLEL else 1
    f1: list[float] = []
    for strategy in job["strategies"]:
        estimator = pipeline_of(job, strategy, frame, y)
        found = cross_validate(
            estimator, frame, y, cv=folds, scoring="f1_macro", n_jobs=n_jobs, error_score="raise"
        )
        f1 += found["test_score"].tolist()
    return {"f1": f1, "how": job["how"]}


if __name__ == "__main__":
    shared.main(measure)
