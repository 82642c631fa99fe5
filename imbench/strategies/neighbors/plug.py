"""Lets a sampler ask a search of ours wherever it would search neighbours itself.

The sampler that a user configures keeps its numbers of neighbours: what they are clipped to and
what is said about them is about numbers. A copy gets objects in their place, just before a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

from imbench.strategies.neighbors.base import Neighbors
from imbench.strategies.neighbors.samplers import (
    SearchAllKNN,
    SearchENN,
    SearchOneSided,
    SearchTomek,
)

# What takes an object in the place of a number, which is one more: the row itself is found too.
WITH_SELF = (
    SMOTE,
    SMOTENC,
    BorderlineSMOTE,
    SVMSMOTE,
    KMeansSMOTE,
    ADASYN,
    EditedNearestNeighbours,  # a user's class derived from it; itself it is replaced
    RepeatedEditedNearestNeighbours,
)
REPLACED: Mapping[type, type] = {
    TomekLinks: SearchTomek,
    EditedNearestNeighbours: SearchENN,
    AllKNN: SearchAllKNN,
    OneSidedSelection: SearchOneSided,
}


def plug(sampler: Any, search: Neighbors) -> Any:
    """Return a sampler that asks a search for neighbours.

    Called by :class:`imbench.pipeline.steps.CheckedSampler` and by the ensembles that make rows.

    Parameters
    ----------
    sampler : object
        Not fitted; it may be changed. Samplers inside it (SMOTE and a cleaner) are treated alike.
        One of a user's gets the search as its parameter ``neighbors``, where it has one that is
        None.
    search : Neighbors
        With a notice, which also hears of a sampler that searches in a way of its own.

    Returns
    -------
    object
        The sampler, or what takes its place.
    """
    if not hasattr(sampler, "get_params"):
        return sampler
    params = sampler.get_params(deep=False)
    inner = {name: plug(v, search) for name, v in params.items() if hasattr(v, "fit_resample")}
    if inner:
        sampler.set_params(**inner)
        params |= inner
    if "neighbors" in params and params["neighbors"] is None:
        return sampler.set_params(neighbors=search)
    counted = {name: value for name, value in params.items() if name.find("_neighbors") > 0}
    numbers = [name for name, value in counted.items() if _is_count(value)]
    if any(hasattr(value, "kneighbors") for value in counted.values()):
        return sampler  # the user chose one
    is_refused = any(v is not None and not _is_count(v) for v in counted.values())
    if type(sampler) in REPLACED and not is_refused:
        return REPLACED[type(sampler)](**params, search=search)
    if isinstance(sampler, WITH_SELF) and not isinstance(sampler, SMOTEN):
        return _with(sampler, numbers, lambda k: search.asked(k + 1))
    if isinstance(sampler, NearMiss):
        return _with(sampler, numbers, search.asked)
    if isinstance(sampler, CondensedNearestNeighbour) and (numbers or sampler.n_neighbors is None):
        return sampler.set_params(n_neighbors=search.refitted().vote(sampler.n_neighbors or 1))
    if isinstance(sampler, NeighbourhoodCleaningRule) and numbers:
        return _plug_cleaning_rule(sampler, numbers, search)
    if numbers and not search.is_exact:
        _note_own_search(sampler, search)
    return sampler


def _is_count(value: object) -> bool:
    """Whether a value is a number of neighbours; others are left for the sampler to refuse."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _with(sampler: Any, names: list[str], make: Callable[[int], Any]) -> Any:
    return sampler.set_params(**{name: make(getattr(sampler, name)) for name in names})


def _plug_cleaning_rule(sampler: Any, numbers: list[str], search: Neighbors) -> Any:
    """Give a vote to the rule and a search to the editing before it, which it makes of a number."""
    if sampler.edited_nearest_neighbours is None:
        editing = SearchENN(
            sampling_strategy=sampler.sampling_strategy,
            n_neighbors=sampler.n_neighbors,
            kind_sel="mode",
            n_jobs=sampler.n_jobs,
            search=search,
        )
        sampler.set_params(edited_nearest_neighbours=editing)
    return _with(sampler, numbers, search.vote)


def _note_own_search(sampler: Any, search: Neighbors) -> None:
    """Note that a sampler is left alone: of a user, or SMOTEN with its value differences."""
    if search.notice is not None:
        search.notice.add(
            f"{search.notice.key}: {type(sampler).__name__} searches neighbours in a way of its "
            f"own, in which neighbors={search.name} has no part."
        )
