"""Which folds of unfinished cells can be compared with those of finished ones.

A fold is one part of a table. Means and counts of two strategies are of the same rows only if both
have all parts of a repeat. So a cell keeps the repeats that it has in whole. One without a whole
repeat, while others have one, is partial: it is shown below the others and compared with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imbench.results.fold import CellResult


def comparable(cells: Sequence[CellResult]) -> list[CellResult]:
    """Return the cells of a block without folds of repeats that they have in part.

    A repeat is whole if it has every fold that another cell of the block has of it. Hold-outs, of
    which each fold is a whole test, and partial cells are returned as they are.

    Parameters
    ----------
    cells : sequence of CellResult
        Of one data set, one model and one splitter.

    Examples
    --------
    >>> cell = CellResult("0", "toy", "knn", "none", (), "skipped", "", n_folds=5, config={})
    >>> len(comparable([cell]))
    1
    """
    wanted = _places(cells)
    if len(wanted.get(0, ())) < 2:
        return list(cells)
    kept = []
    for cell in cells:
        own = _places([cell])
        whole = {repeat for repeat in own if own[repeat] == wanted[repeat]}
        folds = tuple(f for f in cell.folds if f.repeat in whole)
        kept.append(replace(cell, folds=folds) if whole else cell)
    return kept


def are_partial(cells: Sequence[CellResult]) -> list[bool]:
    """Return for each cell of a block whether it has no whole repeat while another one has.

    Parameters
    ----------
    cells : sequence of CellResult
        From :func:`comparable`. Cells without a finished fold are not partial.
    """
    wanted = _places(cells)
    own = [_places([cell]) for cell in cells]
    have = [any(found[repeat] == wanted[repeat] for repeat in found) for found in own]
    return [
        any(have) and bool(found) and not is_whole
        for found, is_whole in zip(own, have, strict=True)
    ]


def _places(cells: Sequence[CellResult]) -> dict[int, set[int]]:
    """Return the numbers of the finished folds of each repeat, of cells that are ``ok``."""
    found: dict[int, set[int]] = {}
    for cell in cells:
        for fold in cell.finished if cell.status == "ok" else ():
            found.setdefault(fold.repeat, set()).add(fold.fold)
    return found
