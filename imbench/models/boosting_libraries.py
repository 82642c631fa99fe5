"""LightGBM, XGBoost and CatBoost: early stopping and own losses through their public APIs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from imbench.models.early_stopping import Stopping, ValidationScore

if TYPE_CHECKING:
    from imbench.strategies.protocols import BoostingLoss

Floats = NDArray[np.float64]


def outputs(values: Any) -> Floats:
    """Return scores as float64 of shape (n, 1) or (n, K)."""
    found = np.asarray(values, np.float64)
    return found[:, None] if found.ndim == 1 else found


def two_columns(probabilities: Any) -> Floats:
    """Return probabilities (n, K), also where a library gives those of the second class only."""
    found = outputs(probabilities)
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


@dataclass(frozen=True, eq=False)
class OwnLoss:
    """A loss in the place of the library's, and where it begins.

    Parameters
    ----------
    bound : BoostingLoss
    start : ndarray of shape (1,) or (K,)
        Raw scores of every row before the first round.
    """

    bound: BoostingLoss
    start: Floats

    def starts(self, n_rows: int) -> Floats:
        """Return the raw scores to begin with, a row each: (n_rows,) or (n_rows, K)."""
        each = np.tile(self.start, (n_rows, 1))
        return each[:, 0] if each.shape[1] == 1 else each


@dataclass(frozen=True, eq=False)
class Job:
    """What a library is to be fitted to.

    Parameters
    ----------
    X : array of shape (n, d)
    y : ndarray of shape (n,)
        0..K-1.
    weight : array of shape (n,) or None
    loss : OwnLoss or None
        None is the library's.
    stopping : Stopping or None
        None trains all rounds.
    """

    X: Any
    y: NDArray[np.int64]
    weight: Any
    loss: OwnLoss | None
    stopping: Stopping | None


@dataclass(frozen=True, eq=False)
class Objective:
    """A loss as LightGBM and XGBoost call it.

    ``factor`` is what the library multiplies the diagonal second derivatives of a softmax by in
    its own objective, because the mixed ones are left out.
    """

    loss: BoostingLoss
    factor: float

    def __call__(self, y: Any, scores: Any, sample_weight: Any = None) -> tuple[Floats, Floats]:
        """Return derivatives of each row's loss times its weight, of the shape of ``scores``."""
        raw = outputs(scores)
        gradient, hessian = self.loss.derivatives(raw, np.asarray(y, np.int64))
        hessian = hessian * (self.factor if raw.shape[1] > 1 else 1.0)
        if sample_weight is not None:
            rows = np.asarray(sample_weight, np.float64)[:, None]
            gradient, hessian = rows * gradient, rows * hessian
        return (gradient[:, 0], hessian[:, 0]) if raw.shape[1] == 1 else (gradient, hessian)


@dataclass(frozen=True, eq=False)
class Metric:
    """A validation score as LightGBM and XGBoost call it, with raw scores if the loss is ours."""

    score: ValidationScore
    loss: OwnLoss | None
    __name__ = "validation_score"

    def __call__(self, y: Any, scores: Any, sample_weight: Any = None) -> float:
        """Return the value for labels (m,), and scores and weights of the validation rows."""
        labels = np.asarray(y, np.int64)
        if self.loss is not None:
            return self.score(labels, self.loss.bound.probabilities(outputs(scores)), sample_weight)
        return self.score(labels, two_columns(scores), sample_weight)


@dataclass(frozen=True, eq=False)
class LightGBMMetric:
    """The same, as LightGBM wants it: with a name, and whether higher is better."""

    metric: Metric

    def __call__(self, y: Any, scores: Any, weight: Any) -> tuple[str, float, bool]:
        """Return name, value, and False for lower is better."""
        return self.metric.__name__, self.metric(y, scores, weight), False


class Library(Protocol):
    """What differs between the libraries."""

    takes_loss: bool

    def fit(self, estimator: Any, job: Job) -> None:
        """Fit an estimator of the library in place."""
        ...

    def raw(self, estimator: Any, X: Any, loss: OwnLoss) -> Floats:
        """Return raw scores (n, 1) or (n, K), their start included; for an own loss."""
        ...

    def n_rounds(self, estimator: Any) -> int:
        """Return how many rounds are used, after early stopping."""
        ...


class LightGBM:
    """LGBMClassifier."""

    takes_loss = True

    def fit(self, estimator: Any, job: Job) -> None:
        """Fit in place; see :class:`Library`."""
        from lightgbm import early_stopping

        given: dict[str, Any] = {"sample_weight": job.weight}
        if job.loss is not None:
            n_classes = len(job.loss.start)
            factor = n_classes / max(n_classes - 1, 1)
            estimator.set_params(objective=Objective(job.loss.bound, factor))
            given["init_score"] = job.loss.starts(len(job.y))
        if job.stopping is not None:
            rows = job.stopping.rows
            given |= {
                "eval_X": rows.X,
                "eval_y": rows.y,
                "eval_sample_weight": None if rows.weight is None else [rows.weight],
                "eval_metric": LightGBMMetric(Metric(job.stopping.score, job.loss)),
                "callbacks": [early_stopping(job.stopping.patience, verbose=False)],
            }
            estimator.set_params(metric="None")  # ours alone decides
            if job.loss is not None:
                given["eval_init_score"] = [job.loss.starts(len(rows.y))]
        estimator.fit(job.X, job.y, **given)

    def raw(self, estimator: Any, X: Any, loss: OwnLoss) -> Floats:
        """Return raw scores; see :class:`Library`."""
        return loss.start + outputs(estimator.predict(X, raw_score=True))

    def n_rounds(self, estimator: Any) -> int:
        """Return the rounds used; see :class:`Library`."""
        return int(estimator.best_iteration_)


class XGBoost:
    """XGBClassifier."""

    takes_loss = True

    def fit(self, estimator: Any, job: Job) -> None:
        """Fit in place; see :class:`Library`."""
        given: dict[str, Any] = {"sample_weight": job.weight, "verbose": False}
        if estimator.n_jobs is None:
            # Threads spin while Python computes loss and metric: on two busy cores 100 rounds on
            # 4,000 x 20 values took 14 s, and 0.35 s with one thread.
            estimator.set_params(n_jobs=1)
        if job.loss is not None:
            estimator.set_params(objective=Objective(job.loss.bound, 2.0))
            given["base_margin"] = job.loss.starts(len(job.y))
        if job.stopping is not None:
            rows, metric = job.stopping.rows, Metric(job.stopping.score, job.loss)
            estimator.set_params(early_stopping_rounds=job.stopping.patience, eval_metric=metric)
            given["eval_set"] = [(rows.X, rows.y)]
            given["sample_weight_eval_set"] = None if rows.weight is None else [rows.weight]
            if job.loss is not None:
                given["base_margin_eval_set"] = [job.loss.starts(len(rows.y))]
        estimator.fit(job.X, job.y, **given)

    def raw(self, estimator: Any, X: Any, loss: OwnLoss) -> Floats:
        """Return raw scores; see :class:`Library`."""
        margins = loss.starts(len(X))
        return outputs(estimator.predict(X, output_margin=True, base_margin=margins))

    def n_rounds(self, estimator: Any) -> int:
        """Return the rounds used; see :class:`Library`."""
        return int(estimator.best_iteration) + 1


class CatBoostMetric:
    """A validation score as CatBoost calls it: with one sequence of raw scores an output."""

    def __init__(self, score: ValidationScore) -> None:  # no frozen dataclass: CatBoost marks it
        self.score = score

    def is_max_optimal(self) -> bool:
        """Return whether higher is better."""
        return False

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        """Return the score and a weight of one, which :meth:`get_final_error` divides by."""
        raw = np.column_stack([np.asarray(values, np.float64) for values in approxes])
        scores = two_columns(expit(raw)) if raw.shape[1] == 1 else softmax(raw, axis=1)
        weights = None if weight is None or not len(weight) else np.asarray(weight, np.float64)
        return self.score(np.asarray(target, np.int64), scores, weights), 1.0

    def get_final_error(self, error: float, weight: float) -> float:
        """Return the score."""
        return error


class CatBoost:
    """CatBoostClassifier."""

    takes_loss = False

    def fit(self, estimator: Any, job: Job) -> None:
        """Fit in place; see :class:`Library`."""
        from catboost import Pool  # type: ignore[import-untyped]

        given: dict[str, Any] = {"sample_weight": job.weight}
        if job.stopping is not None:
            rows = job.stopping.rows
            estimator.set_params(eval_metric=CatBoostMetric(job.stopping.score))
            given |= {
                "eval_set": Pool(rows.X, rows.y, weight=rows.weight),
                "early_stopping_rounds": job.stopping.patience,
                "use_best_model": True,
            }
        with warnings.catch_warnings():  # it would compile the metric, but need not
            warnings.filterwarnings("ignore", "Failed to import numba", UserWarning)
            estimator.fit(job.X, job.y, **given)

    def raw(self, estimator: Any, X: Any, loss: OwnLoss) -> Floats:
        """Refuse: see :attr:`takes_loss`."""
        raise NotImplementedError

    def n_rounds(self, estimator: Any) -> int:
        """Return the rounds used; see :class:`Library`."""
        return int(estimator.tree_count_)


LIBRARIES: dict[str, Library] = {
    "lightgbm": LightGBM(),
    "xgboost": XGBoost(),
    "catboost": CatBoost(),
}
"""By the name of the package."""


def library_of(estimator: Any) -> Library | None:
    """Return the library of an estimator, None for any other; subclasses are recognised.

    Examples
    --------
    >>> from xgboost import XGBClassifier
    >>> library_of(XGBClassifier()).takes_loss
    True
    """
    packages = [cls.__module__.partition(".")[0] for cls in type(estimator).__mro__]
    return next((LIBRARIES[name] for name in packages if name in LIBRARIES), None)
