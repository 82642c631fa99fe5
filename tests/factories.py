"""Results of folds and cells from random arrays: no model is fitted."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.results.fold import CellResult, FoldResult


def make_labels(n: int, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Labels in which every class occurs and class ``k - 1`` is the rarest."""
    weights = np.linspace(3.0, 1.0, k)
    y = rng.choice(k, size=n, p=weights / weights.sum())
    y[:k] = np.arange(k)
    return y.astype(np.int64)


def make_scores(
    y: NDArray[np.int64], k: int, skill: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Probabilities with a logit larger by `skill` for the true class; 0 is chance."""
    logits = rng.normal(size=(len(y), k))
    logits[np.arange(len(y)), y] += skill
    scores = np.exp(logits)
    return scores / scores.sum(axis=1, keepdims=True)


def make_fold(
    seed: int = 0, *, n: int = 60, k: int = 2, skill: float = 1.5, fold: int = 0, **changes: Any
) -> FoldResult:
    """A finished fold; `seed` alone decides the labels, so folds of equal seed are paired."""
    y_true = make_labels(n, k, np.random.default_rng(seed))
    y_score = make_scores(y_true, k, skill, np.random.default_rng(seed + 1_000))
    values: dict[str, Any] = {
        "run_id": "0" * 16,
        "dataset": "digits",
        "model": "knn",
        "label": "none",
        "repeat": 0,
        "fold": fold,
        "status": "ok",
        "reason": "",
        "class_names": tuple(f"c{i}" for i in range(k)),
        "minority": k - 1,
        "fit_s": 0.5,
        "predict_s": 0.1,
        "n_fits": 1,
        "n_train": 4 * n,
        "counts_before": tuple(int(c) * 4 for c in np.bincount(y_true, minlength=k)),
        "counts_after": (4.0 * n / k,) * k,
        "test_index": np.arange(n, dtype=np.int64) + n * fold,
        "y_true": y_true,
        "y_pred": y_score.argmax(axis=1).astype(np.int64),
        "y_score": y_score,
    }
    return FoldResult(**{**values, **changes})


def make_cell(
    label: str = "none",
    *,
    n_folds: int = 5,
    status: str = "ok",
    reason: str = "",
    config: dict[str, Any] | None = None,
    dataset: str = "digits",
    model: str = "knn",
    **fold_options: Any,
) -> CellResult:
    """A cell of finished folds, or one that was skipped or failed before its first fold."""
    run_id = hashlib.sha256(repr((label, dataset, model, config)).encode()).hexdigest()[:16]
    ids = {"run_id": run_id, "dataset": dataset, "model": model, "label": label}
    if status == "ok":
        folds = tuple(make_fold(i, fold=i, **ids, **fold_options) for i in range(n_folds))
    else:  # the first fold says why; it holds no predictions
        empty = {"status": status, "reason": reason, "class_names": ("c0", "c1"), "minority": 1}
        folds = (FoldResult(**ids, **empty, repeat=0, fold=0),)  # type: ignore[arg-type]
    return CellResult(
        **ids,
        stages=() if label == "none" else ("resample",),
        status=status,  # type: ignore[arg-type]
        reason=reason,
        config=config or {"dataset": {"name": dataset}, "model": {"name": model}},
        folds=folds,
        n_folds=n_folds,
    )
