"""Turn the error of a sampler into one sentence with key, class, number of rows and fix.

The errors are parsed after they are raised, because only the sampler knows which classes it
resamples. An unknown ValueError keeps its text, with the key in front. If a number of neighbors is
too large, the largest possible number is returned with the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.resample.base import TooFewRows

# scikit-learn's message if there are fewer samples than neighbors.
NEIGHBOURS = re.compile(
    r"n_neighbors <= n_samples_fit,.* n_neighbors = (\d+), n_samples_fit = (\d+)"
)
NO_CLUSTER = re.compile(r"No clusters found with sufficient samples of class (\d+)")
ALL_OTHERS = "All support vectors are considered as noise"  # svm_smote
ALL_OWN = "Not any neigbours belong to the majority"  # adasyn
KNOWN = {
    "No samples will be generated": "the classes are nearly balanced already: leave it out",
    "not designed to work only with categorical": "every column holds categories: use smoten",
    "float NaN to integer": "the rows of a class in a cluster are all equal: use random_over",
}


@dataclass(frozen=True)
class Refusal:
    """Why a sampler refused the rows, and what the user can do.

    Parameters
    ----------
    sentence : str
        Message for the user, with the fix.
    parameter : str
        Name of the number of neighbors that is too large, as in ``set_params``; empty for another
        reason.
    possible : int
        The largest possible number of neighbors; 0 if there is none.
    why : str
        Which class has too few rows, for a note.
    """

    sentence: str
    parameter: str = ""
    possible: int = 0
    why: str = ""


def explain(
    error: Exception, sampler: Any, key: str, y: NDArray[np.int64], class_names: Sequence[str]
) -> Refusal | None:
    """Explain an error of ``sampler.fit_resample``.

    Called by :func:`imbench.pipeline.resampling.resample`.

    Parameters
    ----------
    error : Exception
    sampler : object
        The sampler that raised it.
    key : str
        Where it stands in the configuration.
    y : ndarray of shape (n,)
        Labels of the training rows.
    class_names : sequence of str

    Returns
    -------
    Refusal or None
        None for an error that is not about the rows, but a bug of the sampler.

    Examples
    --------
    >>> from imblearn.over_sampling import RandomOverSampler
    >>> found = explain(TooFewRows(4, 1, 3), RandomOverSampler(), "x", np.array([1, 1, 1]), "ab")
    >>> found.sentence
    "x needs 4 rows of a class, but class 'b' has 3 in this training part: use random_over."
    """
    text = str(error)
    if isinstance(error, TooFewRows):
        return _neighbours(
            sampler, key, y, class_names, error.needed, error.n_rows, class_of=error.label
        )
    if found := NEIGHBOURS.search(text):
        return _neighbours(sampler, key, y, class_names, int(found[1]), int(found[2]))
    if found := NO_CLUSTER.search(text):
        return _no_cluster(sampler, key, y, class_names, int(found[1]))
    if ALL_OTHERS in text:
        return _neighbourhood(key, "m_neighbors", sampler, "other classes", y, class_names)
    if ALL_OWN in text:
        return _neighbourhood(key, "n_neighbors", sampler, "their own class", y, class_names)
    for words, sentence in KNOWN.items():
        if words in text:
            return Refusal(f"{key}: {sentence}.")
    if not isinstance(error, ValueError):
        return None
    line = (text.splitlines() or ["refuses the rows"])[0].rstrip(". ")
    return Refusal(f"{key}: {re.sub(r'[.] +(?=[A-Z])', '; ', line)}.")


def milder(sampler: Any, key: str) -> str:
    """Return the fix for a sampler that removed every row of a class."""
    if getattr(sampler, "kind_sel", None) == "all":
        return f"set {key}.kind_sel=mode, or choose another resampler"
    if getattr(sampler, "consensus", None) is False:
        return f"set {key}.consensus=true, or choose another resampler"
    return "choose a milder sampling_strategy or another resampler"


def _too_few(who: str, needed: int, why: str, fix: str) -> str:
    return f"{who} needs {needed} rows of a class, but {why}: {fix}."


def _has(name: str, n_rows: int) -> str:
    return f"class {name!r} has {n_rows} in this training part"


def _counts(sampler: Any) -> Iterator[tuple[str, int]]:
    """Yield the numbers of neighbors among the parameters of a sampler and of samplers inside."""
    params = sampler.get_params(deep=True) if hasattr(sampler, "get_params") else {}
    for name, value in params.items():
        if "neighbors" in name and isinstance(value, int | np.integer):
            yield name, int(value)


def dotted(name: str) -> str:
    """Return a parameter's name as in the configuration."""
    return name.replace("__", ".")


def _neighbours(
    sampler: Any,
    key: str,
    y: NDArray[np.int64],
    names: Sequence[str],
    asked: int,
    found: int,
    class_of: Any = None,
) -> Refusal:
    """Explain that ``asked`` neighbors, with or without the row itself, exceed ``found`` rows."""
    labels, counts = np.unique(y, return_counts=True)
    here = labels[counts == found] if class_of is None else [class_of]
    why = _has(names[here[0]], found) if len(here) else ""
    # k_neighbors searches a class, m_neighbors all rows; if both are possible, k comes first.
    params = [(name, k) for name, k in _counts(sampler) if k in (asked, asked - 1)]
    params.sort(key=lambda param: param[0].rpartition("__")[2], reverse=found == len(y))
    if not params:
        if why:
            return Refusal(_too_few(key, asked, why, "use random_over"))
        return Refusal(f"{key} needs {asked} rows to look for neighbours, but finds {found}.")
    name, k = params[0]
    who = f"{key}.{dotted(name)}"
    possible = max(found - (asked - k), 0)
    fix = f"set {who}={possible}" if possible else "use random_over"
    if why:
        return Refusal(_too_few(f"{who}={k}", asked, why, fix), name, possible, why)
    smallest = counts.argmin()
    why = (
        f"finds {found} in this training part, whose smallest class "
        f"{names[labels[smallest]]!r} has {counts[smallest]}"
    )
    sentence = f"{who}={k} needs {asked} rows to look for neighbours, but {why}: {fix}."
    return Refusal(sentence, name, possible, f"it {why}")


def _neighbourhood(
    key: str,
    name: str,
    sampler: Any,
    found: str,
    y: NDArray[np.int64],
    class_names: Sequence[str],
) -> Refusal:
    """Explain that all neighbors of the rows of a class are of the same kind."""
    labels, counts = np.unique(y, return_counts=True)
    smallest = counts.argmin()
    return Refusal(
        f"{key}.{name}={getattr(sampler, name)} finds rows of {found} and no others around the "
        f"rows of a class (the smallest, {class_names[labels[smallest]]!r}, has "
        f"{counts[smallest]} in this training part): set {key}.{name} higher, or use smote."
    )


def _no_cluster(
    sampler: Any, key: str, y: NDArray[np.int64], names: Sequence[str], label: int
) -> Refusal:
    """Explain that no cluster of ``kmeans_smote`` has enough rows of a class, or a large share."""
    k, threshold = sampler.k_neighbors, sampler.cluster_balance_threshold
    n_rows = int((y == label).sum())
    if n_rows <= k:
        possible, why = n_rows - 1, _has(names[label], n_rows)
        fix = f"set {key}.k_neighbors={possible}" if possible else "use random_over"
        sentence = _too_few(f"{key}.k_neighbors={k}", k + 1, why, fix)
        return Refusal(sentence, "k_neighbors", possible, why)
    clusters, name = sampler.kmeans_estimator, f"{key}.kmeans_estimator"
    if hasattr(clusters, "n_clusters"):
        clusters, name = clusters.n_clusters, f"{name}.n_clusters"
    share, lower = "", ""
    if threshold != 0:
        share = f" that are a share of it above cluster_balance_threshold={threshold}"
        lower = f", or {key}.cluster_balance_threshold=0"
    return Refusal(
        f"{name}={clusters} leaves no cluster with {k + 1} rows of class {names[label]!r}{share}, "
        f"which has {n_rows} in this training part: set {name}=1, which is SMOTE without "
        f"clusters{lower}."
    )
