"""Whether new rows are like those that a model was judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from imbench.api.serving.card import QUANTILES, reference_of
from imbench.api.serving.served import ServedModel
from imbench.components.construct import closest
from imbench.errors import DataError, ImbenchError
from imbench.results.metric_formulas import weighted_metrics

LEVEL = 0.05
N_DRAWS = 400  # of random weights
AT_ONCE = 2**22  # weights in memory
NO_REFERENCE = (
    "the card has no reference to compare with: give rows from the time of training, as in "
    "--reference old.csv."
)


def labels_in(frame: pd.DataFrame, target: str, class_names: Sequence[str]) -> NDArray[np.int64]:
    """Return the classes 0..K-1 of rows, shape (n,).

    Raises
    ------
    DataError
        If there is no such column, or it holds other classes.

    Examples
    --------
    >>> labels_in(pd.DataFrame({"left": ["yes", "no"]}), "left", ["no", "yes"]).tolist()
    [1, 0]
    """
    from imbench.data.names import codes_of

    if target not in frame.columns:
        near = closest(target, [str(name) for name in frame.columns])
        raise DataError(f"--target={target}: there is no such column{near}.")
    codes, names = codes_of(frame[target])
    found = np.array([*names, ""], dtype=object)[codes]
    place = {name: k for k, name in enumerate(class_names)}
    labels = np.array([place.get(name, -1) for name in found], np.int64)
    if (labels < 0).any():
        odd = str(found[labels < 0][0]) or "a missing value"
        raise DataError(
            f"--target={target}: holds {odd!r}, which is no class of the model "
            f"({', '.join(class_names)}); leave those rows out."
        )
    return labels


def compare(
    model: ServedModel,
    frame: pd.DataFrame,
    labels: NDArray[np.int64] | None = None,
    old: tuple[pd.DataFrame, NDArray[np.int64] | None] | None = None,
) -> Iterator[str]:
    """Yield what is known of new rows, a sentence each.

    Parameters
    ----------
    model : ServedModel
    frame : DataFrame of shape (n, columns)
    labels : ndarray of shape (n,) or None
        Their classes 0..K-1, where they are known.
    old : (DataFrame, labels or None) or None
        Rows to compare with, in the place of the reference on the card.

    Raises
    ------
    ImbenchError
        If there is nothing to compare with, or no row.
    """
    if not len(frame):
        raise ImbenchError("the file has no rows; give one with new rows.")
    scores, names = model.predict_proba(frame), list(model.schema.class_names)
    reference = _reference(model, old)
    yield f"{len(frame):,} new rows, compared with {reference['n_rows']:,}."
    unseen = model.schema.report(frame)
    for column, n in unseen.items():
        yield f"column {column!r}: {n:,} of {len(frame):,} cells hold a category not fitted."
    yield from _scores(scores, reference, names)
    if labels is None:
        yield "classes: not known without --target; the mean scores stand for them."
        return
    if reference["class_counts"] is not None:
        yield _prior(labels, reference["class_counts"], names)
    predicted = np.searchsorted(model.classes_, model.predict(frame))
    yield from _metric(model, scores, predicted, labels)


def _reference(
    model: ServedModel, old: tuple[pd.DataFrame, NDArray[np.int64] | None] | None
) -> Mapping[str, Any]:
    if old is None:
        if "reference" not in model.card:
            raise ImbenchError(NO_REFERENCE)
        found: Mapping[str, Any] = model.card["reference"]
        return found
    frame, labels = old
    if not len(frame):
        raise ImbenchError("the file of --reference has no rows; give one with rows.")
    stand_in = np.zeros(len(frame), np.int64) if labels is None else labels
    made = reference_of(model.predict_proba(frame), stand_in, model.schema.class_names)
    return made if labels is not None else {**made, "class_counts": None}


def _scores(
    scores: NDArray[np.float64], reference: Mapping[str, Any], names: Sequence[str]
) -> Iterator[str]:
    """Yield how the probability of each class is distributed; of two classes the second one."""
    n_new, n_old = len(scores), reference["n_rows"]
    size = np.sqrt(n_new * n_old / (n_new + n_old))
    tested = names[1:] if len(names) == 2 else names
    for name in tested:
        values = scores[:, list(names).index(name)]
        distance = largest_distance(values, reference["quantiles"][name])
        p = float(stats.kstwobign.sf(distance * size))
        yield (
            f"scores: the mean probability of {name} is {values.mean():.4f}, and was "
            f"{reference['mean_scores'][name]:.4f}; the distributions differ by {distance:.3f} "
            f"at most ({_told(p, len(tested))})."
        )


def largest_distance(values: NDArray[np.float64], quantiles: Sequence[float]) -> float:
    """Return how far the distribution of values leaves that of known quantiles, in shares of rows.

    At each quantile the share of values below and up to it is looked at; the distance of
    Kolmogorov and Smirnov is at least this large.

    Examples
    --------
    >>> largest_distance(np.linspace(0, 1, 101), np.linspace(0, 1, 21).tolist()) < 0.01
    True
    >>> largest_distance(np.ones(5), np.linspace(0, 0.5, 21).tolist())
    1.0
    """
    ordered, grid = np.sort(values), np.asarray(quantiles)
    levels = np.asarray(QUANTILES)
    below = np.searchsorted(ordered, grid, "left") / len(ordered)
    upto = np.searchsorted(ordered, grid, "right") / len(ordered)
    # Of equal quantiles the first and the last level bound the old share below and up to it.
    first = levels[np.searchsorted(grid, grid, "left")]
    last = levels[np.searchsorted(grid, grid, "right") - 1]
    return float(max((below - last).max(), (first - upto).max(), 0.0))


def _prior(labels: NDArray[np.int64], old: Mapping[str, int], names: Sequence[str]) -> str:
    """Return how often each class is there, now and then."""
    counts = np.array([np.bincount(labels, minlength=len(names)), [old[name] for name in names]])
    present = counts[:, counts.sum(0) > 0]
    p = float(stats.chi2_contingency(present).pvalue) if present.shape[1] > 1 else 1.0
    shares = counts / counts.sum(1, keepdims=True)
    shown = ", ".join(
        f"{name} {now:.2%} (was {then:.2%})" for name, now, then in zip(names, *shares, strict=True)
    )
    return f"classes: {shown} ({_told(p)})."


def _metric(
    model: ServedModel,
    scores: NDArray[np.float64],
    predicted: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> Iterator[str]:
    """Yield the metric of the card on new rows, with an interval."""
    promised = model.card.get("metric")
    if promised is None:
        yield "metric: the card promises none."
        return
    name, names = str(promised["name"]), list(model.schema.class_names)
    counts = model.card.get("reference", {}).get("class_counts") or {}
    rarest = min(range(len(names)), key=lambda k: counts.get(names[k], 0))
    draws = _metric_draws(name, labels, predicted, scores, names, rarest)
    if draws is None:
        yield f"metric: {name} cannot be computed from a saved model."
        return
    value, samples = draws[0], draws[1:]
    low, high = np.nanquantile(samples, [LEVEL / 2, 1 - LEVEL / 2])
    inside = low <= float(promised["value"]) <= high
    yield (
        f"metric: {name} is {value:.4f} (95 % interval {low:.4f} to {high:.4f}) and "
        f"{float(promised['value']):.4f} was promised: "
        f"{'no difference is told' if inside else 'it has changed'}."
    )


def _metric_draws(
    name: str,
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    scores: NDArray[np.float64],
    class_names: Sequence[str],
    minority: int,
) -> NDArray[np.float64] | None:
    """Return a metric on the rows, and then on rows of random weights; None if it is unknown.

    The weights are those of the Bayesian bootstrap (Rubin 1981, DOI 10.1214/aos/1176345338).
    """
    n, rng, found = len(labels), np.random.default_rng(0), []
    part = max(1, AT_ONCE // n)
    for start in range(0, N_DRAWS + 1, part):
        size = min(part, N_DRAWS + 1 - start)
        weights = rng.standard_exponential((size, n))
        weights /= weights.mean(1, keepdims=True)
        if start == 0:
            weights[0] = 1.0
        metrics = weighted_metrics(
            labels, predicted, scores, weights, class_names, minority, only=(name,)
        )
        if name not in metrics:
            return None
        found.append(metrics[name])
    return np.concatenate(found)


def _told(p: float, n_tests: int = 1) -> str:
    """Return a p-value in words; of several tests the level is shared (Bonferroni)."""
    words = "a difference is told" if p * n_tests < LEVEL else "no difference is told"
    return f"{words}, p = {p:.2g}"
