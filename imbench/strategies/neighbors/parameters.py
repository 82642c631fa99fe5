"""Pass a nearest-neighbor search to a sampler through its public parameters.

Several parameters of imbalanced-learn are documented as "int or object": a number of neighbors, or
an object with ``kneighbors``. The configured sampler keeps its numbers, because messages and
clipping are about numbers; a copy of it gets objects in their place before it is fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imblearn.over_sampling import (
    ADASYN,
    SMOTE,
    SMOTEN,
    SMOTENC,
    SVMSMOTE,
    BorderlineSMOTE,
    KMeansSMOTE,
)
from imblearn.under_sampling import (
    AllKNN,
    CondensedNearestNeighbour,
    EditedNearestNeighbours,
    NearMiss,
    NeighbourhoodCleaningRule,
    OneSidedSelection,
    RepeatedEditedNearestNeighbours,
    TomekLinks,
)
from numpy.typing import ArrayLike

from imbench.strategies.neighbors.base import Neighbors
from imbench.strategies.neighbors.exact import ExactNeighbors

# Parameters that accept a search, and how many neighbors it has to find beyond the number: 1 where
# imbalanced-learn queries the fitted samples, each of which is its own nearest neighbor.
SEARCH_PARAMETERS: Mapping[type, Mapping[str, int]] = {
    ADASYN: {"n_neighbors": 1},
    BorderlineSMOTE: {"k_neighbors": 1, "m_neighbors": 1},
    EditedNearestNeighbours: {"n_neighbors": 1},
    KMeansSMOTE: {"k_neighbors": 1},
    NearMiss: {"n_neighbors": 0, "n_neighbors_ver3": 0},
    RepeatedEditedNearestNeighbours: {"n_neighbors": 1},
    SMOTE: {"k_neighbors": 1},
    SMOTENC: {"k_neighbors": 1},
    SVMSMOTE: {"k_neighbors": 1, "m_neighbors": 1},
}
# Samplers whose search cannot be replaced. `TomekLinks` has no parameter for it; `AllKNN` accepts
# an object, but then uses the numbers 1, 2, ... in its place; `CondensedNearestNeighbour` and
# `OneSidedSelection` accept a `KNeighborsClassifier` only.
OWN_SEARCH = (AllKNN, CondensedNearestNeighbour, OneSidedSelection, TomekLinks)


def pass_search(sampler: Any, search: Neighbors, X: ArrayLike) -> None:
    """Pass a search to a sampler, in place; note and announce where its own search is used.

    Called by :func:`imbench.pipeline.resampling.resample` just before a fit.

    Parameters
    ----------
    sampler : object
        Not fitted.
    search : Neighbors
        With a notice.
    X : array of shape (n, d)
        Rows that the sampler will be fitted on.
    """
    notice = search.notice
    assert notice is not None
    for own in samplers_with_own_search(sampler):
        name = type(own).__name__
        if not isinstance(search, ExactNeighbors):
            notice.add(
                f"{notice.key}: {name} accepts no other search: its own exact search is used, "
                f"neighbors={search.name} has no part in it."
            )
        if isinstance(own, OWN_SEARCH):
            notice.expect_pass(X, name)
    with_search(sampler, search)


def with_search(sampler: Any, search: Neighbors) -> Any:
    """Pass a search to a sampler, in place, and return it.

    Parameters
    ----------
    sampler : object
        Not fitted. Samplers that are its parameters (SMOTE and the cleaning method of ``SMOTEENN``)
        get the search too. A sampler with a parameter ``neighbors`` that is None gets it there.
    search : Neighbors

    Returns
    -------
    object
        The sampler. One that accepts no search is returned as it is, see
        :func:`samplers_with_own_search`.

    Examples
    --------
    >>> from imblearn.over_sampling import SMOTE
    >>> from imbench.strategies.neighbors.exact import ExactNeighbors
    >>> with_search(SMOTE(k_neighbors=5), ExactNeighbors()).k_neighbors
    ExactNeighbors(n_neighbors=6)
    """
    if not hasattr(sampler, "get_params"):
        return sampler
    params = sampler.get_params(deep=False)
    for value in params.values():
        if hasattr(value, "fit_resample"):
            with_search(value, search)
    if "neighbors" in params and params["neighbors"] is None:
        return sampler.set_params(neighbors=search)
    if isinstance(sampler, NeighbourhoodCleaningRule):
        return _with_editing(sampler, search)
    searches = {
        name: search.asked(params[name] + n_more)
        for name, n_more in _search_parameters(sampler).items()
        if _is_count(params[name])
    }
    return sampler.set_params(**searches) if searches else sampler


def samplers_with_own_search(sampler: Any) -> Iterator[Any]:
    """Yield the samplers, inside one or itself, that search neighbors and accept no search.

    Examples
    --------
    >>> from imblearn.combine import SMOTETomek
    >>> from imblearn.under_sampling import TomekLinks
    >>> list(samplers_with_own_search(SMOTETomek(tomek=TomekLinks())))
    [TomekLinks()]
    """
    if not hasattr(sampler, "get_params"):
        return
    params = sampler.get_params(deep=False)
    for value in params.values():
        if hasattr(value, "fit_resample"):
            yield from samplers_with_own_search(value)
    takes_search = (
        "neighbors" in params
        or isinstance(sampler, NeighbourhoodCleaningRule)
        or bool(_search_parameters(sampler))
    )
    counts = (v for name, v in params.items() if name.endswith("_neighbors"))
    if not takes_search and (isinstance(sampler, OWN_SEARCH) or any(map(_is_count, counts))):
        yield sampler


def _search_parameters(sampler: Any) -> Mapping[str, int]:
    """Return the parameters of a sampler that accept a search; those of its nearest base class."""
    if isinstance(sampler, SMOTEN):  # a SMOTE; its value differences are a matrix of distances
        return {}
    found = (SEARCH_PARAMETERS[base] for base in type(sampler).__mro__ if base in SEARCH_PARAMETERS)
    return next(found, {})


def _is_count(value: object) -> bool:
    """Return whether a value is a number of neighbors; the sampler itself refuses others."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _with_editing(sampler: NeighbourhoodCleaningRule, search: Neighbors) -> Any:
    """Pass the search to the edited nearest neighbors that the cleaning rule starts with.

    They query all samples of the larger classes. The rule's second part queries the samples of the
    smallest class alone, by a classifier of its own.
    """
    if sampler.edited_nearest_neighbours is None and _is_count(sampler.n_neighbors):
        editing = EditedNearestNeighbours(
            sampling_strategy=sampler.sampling_strategy,
            n_neighbors=search.asked(sampler.n_neighbors + 1),
            kind_sel="mode",
            n_jobs=sampler.n_jobs,
        )
        sampler.set_params(edited_nearest_neighbours=editing)
    return sampler
