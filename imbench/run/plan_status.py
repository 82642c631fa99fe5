"""What is done of a plan, what is missing, and what failed, from the results on disk alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imbench.results.claims import SUFFIX
from imbench.results.fold import CellResult, fold_name
from imbench.run.plan import Entry, Plan
from imbench.run.sharing import Place

if TYPE_CHECKING:
    from imbench.errors import DataError
    from imbench.results.store import Store


@dataclass(eq=False)
class PlanStatus:
    """How far a plan is.

    Parameters
    ----------
    n_done : int
        Folds that are stored, those of skipped cells included, which need no further fold.
    missing : list of (Entry, Place, int)
        Cell, place and chunk of each fold that is still to be run.
    failed : list of (Entry, str)
        Cells with a fold that failed, or that cannot run, and why.
    damaged : list of str
        What cannot be read; it is missing as well.
    n_claimed : int
        Missing folds that a worker has claimed.
    chunks : list of int
        Those to run (again), ascending.
    """

    n_done: int = 0
    missing: list[tuple[Entry, Place, int]] = field(default_factory=list)
    failed: list[tuple[Entry, str]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    n_claimed: int = 0
    chunks: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and nothing failed."""
        return not self.missing and not self.failed


def status_of(plan: Plan, store: Store) -> PlanStatus:
    """Read what is stored of a plan.

    A fold that was skipped ends its cell: the strategy does not apply. A cell with a failed fold
    counts as failed, and its chunk is to be run again, which tries what failed once more.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from imbench.results.store import Store
    >>> cell = Entry("0f1a", "toy", "knn", "none", "toy-knn-none-0f1a", n_folds=1)
    >>> plan = Plan((), None, "results", "0.1", (cell,), ({0: ((0, 0),)},))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     status = status_of(plan, Store(Path(folder)))
    >>> status.is_complete, len(status.missing), status.chunks
    (False, 1, [0])
    """
    status, chunks = PlanStatus(), set()
    places: dict[int, list[tuple[Place, int]]] = {}
    for (i, place), number in plan.chunk_of().items():
        places.setdefault(i, []).append((place, number))
    for i, entry in enumerate(plan.cells):
        if entry.reason:
            status.failed.append((entry, entry.reason))
            continue
        chunks |= set(_add(status, entry, sorted(places[i]), store))
    status.chunks = sorted(chunks)
    return status


def _add(
    status: PlanStatus, entry: Entry, places: list[tuple[Place, int]], store: Store
) -> Iterator[int]:
    """Add a cell to a status; yield the chunks that have something left to do."""
    cell = _read(status, entry, store)
    found = {} if cell is None else {(f.repeat, f.fold): f for f in cell.folds}
    own = {place: found[place] for place, _ in places if place in found}
    is_skipped = any(fold.status == "skipped" for fold in own.values())
    bad = next((fold for fold in own.values() if fold.status == "failed"), None)
    if bad is not None:
        status.failed.append((entry, bad.reason))
    for place, number in places:
        fold = own.get(place)
        if fold is not None and fold.status == "failed":
            yield number
        elif fold is not None or is_skipped:
            status.n_done += 1
        else:
            status.missing.append((entry, place, number))
            claim = store.runs / entry.folder / f"{fold_name(*place)}{SUFFIX}"
            status.n_claimed += claim.exists()
            yield number


def _read(status: PlanStatus, entry: Entry, store: Store) -> CellResult | None:
    if not (store.runs / entry.folder / "cell.json").exists():
        return None
    cell = None
    problems: list[DataError] = []
    for found in store.read_cell(entry.folder):
        if isinstance(found, CellResult):
            cell = found
        else:
            problems.append(found)
    status.damaged += map(str, problems)
    return cell
