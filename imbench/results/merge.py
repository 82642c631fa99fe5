"""Read the results of several machines together, and name the records that contradict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from imbench.errors import DataError
from imbench.results.fold import CellResult, FoldResult, cell_result, fold_name
from imbench.results.store import Store

COMPARED = ("test_index", "y_true", "y_pred", "y_score")  # not times, nor where it was fitted


def read_together(folders: Sequence[Path]) -> Iterator[CellResult | DataError]:
    """Yield the cells of several folders as if they were one, and an error for what is left out.

    A fold that several folders hold is taken from the first that has finished it. An error names
    both folders where their predictions differ.

    Parameters
    ----------
    folders : sequence of Path
        Folders of cells, ``results/runs``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     list(read_together([Path(folder), Path(folder)]))
    []
    """
    distinct = list({folder.resolve(): folder for folder in folders}.values())
    if len(distinct) == 1:
        yield from Store(distinct[0].parent, distinct[0]).read_cells()
        return
    found: dict[str, list[tuple[Path, CellResult]]] = {}
    for folder in distinct:
        for cell in Store(folder.parent, folder).read_cells():
            if isinstance(cell, DataError):
                yield DataError(f"{folder}: {cell}")
            else:
                found.setdefault(cell.key.folder, []).append((folder, cell))
    for name in sorted(found):
        yield from _joined(name, found[name])


def _joined(
    name: str, parts: Sequence[tuple[Path, CellResult]]
) -> Iterator[CellResult | DataError]:
    folds: dict[tuple[int, int], tuple[Path, FoldResult]] = {}
    for folder, cell in parts:
        for fold in cell.folds:
            place = (fold.repeat, fold.fold)
            known = folds.get(place)
            if known is None or known[1].status != "ok":
                folds[place] = (folder, fold) if known is None or fold.status == "ok" else known
            elif fold.status == "ok" and not _are_equal(known[1], fold):
                stem = f"{name}/{fold_name(*place)}"
                yield DataError(
                    f"{stem} of {folder} contradicts that of {known[0]}, which is shown: the "
                    f"predictions differ; delete {stem}.json where it is wrong."
                )
    cells = [cell for _, cell in parts]
    asked = max(cells, key=lambda cell: cell.n_folds)
    key = replace(asked.key, sequential=any(cell.sequential for cell in cells))
    yield cell_result(key, [fold for _, fold in folds.values()])


def _are_equal(one: FoldResult, other: FoldResult) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "y_score")
        for name in COMPARED
    )
