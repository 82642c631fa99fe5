"""Which folds of a cell another process runs, and what it has stored of them meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbench.data.splits import Fold
from imbench.results.claims import Claims
from imbench.results.fold import CellKey, FoldResult, fold_name
from imbench.results.store import Store

PAUSE_S = 0.1  # between two looks at what others have claimed
Place = tuple[int, int]  # repeat and fold


class SharedFolds:
    """The folds of a cell, as other processes may claim and store them.

    It looks at the files when it is made, before results are read: what changes later is news.

    Parameters
    ----------
    store : Store
    claims : Claims
    key : CellKey
    places : iterable of Place

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> store, key = Store(Path(folder.name)), CellKey("0f1a", "toy", "knn", "none", (), 1, {})
    >>> store.write_cell(key)
    >>> one, two = (SharedFolds(store, Claims(store.runs), key, [(0, 0)]) for _ in range(2))
    >>> one.claim([(0, 0)]), two.claim([(0, 0)]), two.are_free([(0, 0)])
    (True, False, False)
    >>> one.release([(0, 0)])
    >>> two.are_free([(0, 0)])
    True
    >>> folder.cleanup()
    """

    def __init__(self, store: Store, claims: Claims, key: CellKey, places: Iterable[Place]) -> None:
        self._store, self._claims, self._key = store, claims, key
        self._stamps = {place: store.stamp(key, *place) for place in places}

    def claim(self, places: Sequence[Place]) -> bool:
        """Claim folds; False if another process has one of them, or has stored it meanwhile."""
        if not self._claims.take(self._key.folder, _names(places)):
            return False
        if any(self._store.stamp(self._key, *place) != self._stamps[place] for place in places):
            self.release(places)
            return False
        return True

    def release(self, places: Sequence[Place]) -> None:
        """Give claims back."""
        self._claims.release(self._key.folder, _names(places))

    def are_free(self, places: Sequence[Place]) -> bool:
        """Return whether folds may be free, or stored, by now."""
        return self._claims.are_free(self._key.folder, _names(places))

    def holder(self, place: Place) -> str:
        """Return who has claimed a fold, in words."""
        return self._claims.holder(self._key.folder, _names([place])[0])

    def news(self, place: Place) -> FoldResult | None:
        """Return a result that was stored since the last look."""
        stamp = self._store.stamp(self._key, *place)
        if stamp == self._stamps[place]:
            return None
        self._stamps[place] = stamp
        return self._store.read_fold(self._key, *place)


def place_of(fold: Fold | FoldResult) -> Place:
    """Return repeat and fold."""
    return fold.repeat, fold.fold


def places_of(folds: Iterable[Fold]) -> list[Place]:
    """Return repeat and fold of each fold."""
    return [place_of(fold) for fold in folds]


def _names(places: Iterable[Place]) -> list[str]:
    return [fold_name(*place) for place in places]
