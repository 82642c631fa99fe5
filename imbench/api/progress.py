"""Progress over the folds of a sweep, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from imbench.api.console import console
from imbench.components.visible import visible
from imbench.config.cell import CellOutline
from imbench.results.fold import FoldResult

WIDE = 110  # columns from which there is room for the elapsed time and a longer bar
SHORTEST = 5  # columns of a name that is cut


class ProgressBar:
    """A bar that counts the folds that are to run, and names a cell that is running.

    Folds that were stored are not counted. Of several cells that run side by side the first is
    named. It is drawn on a terminal, and in a notebook, on one line.

    Parameters
    ----------
    cells : sequence of CellOutline
    shown : bool, default=True
        False draws nothing.
    """

    def __init__(self, cells: Sequence[CellOutline], shown: bool = True) -> None:
        from rich import progress

        self._cells = cells
        self._names = [_name_of(cell) for cell in cells]  # of data sets
        self._n: dict[int, int] = {}  # folds of a cell that were or are to be run
        self._done: dict[int, int] = {}
        self._started = 0
        self._known: dict[str, int] = {}  # cells by the run ids of their folds
        self._seen: set[tuple[str, int, int]] = set()  # run id, repeat and fold
        screen = console(stderr=True)
        self._is_wide = screen.width >= WIDE
        times = (progress.TextColumn("left"), progress.TimeRemainingColumn())
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=30 if self._is_wide else 8),
            progress.MofNCompleteColumn(),
            progress.TextColumn("folds"),
            *((progress.TimeElapsedColumn(), *times) if self._is_wide else times),
            console=screen,
            transient=True,
            disable=not (shown and (sys.stderr.isatty() or screen.is_jupyter)),
        )
        self._task = self._progress.add_task("", total=0)

    def start(self) -> None:
        """Draw the bar."""
        self._progress.start()

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()

    def round_starts(self, n_new: Mapping[int, int]) -> None:
        """Add the folds of a round of repeats, by the number of the cell."""
        for index, n in n_new.items():
            self._n[index] = self._n.get(index, 0) + n
            self._done.setdefault(index, 0)
        self._started = next(iter(n_new), 0)
        self._draw()

    def cell_starts(self, index: int) -> None:
        """Name the cell if it has folds that are to run."""
        self._started = index
        self._draw()

    def fold_done(self, result: FoldResult, stored: bool) -> None:
        """Count a fold that was fitted, and leave out one that was stored before."""
        place = (result.run_id, result.repeat, result.fold)
        index = self._index(result)
        if place in self._seen or index is None:
            return
        self._names[index] = result.dataset
        self._seen.add(place)
        if stored:
            self._n[index] = max(self._n[index] - 1, self._done[index])
        else:
            self._done[index] += 1
            self._n[index] = max(self._n[index], self._done[index])
        if result.status != "ok":  # the last of its cell
            self._n[index] = self._done[index]
        self._draw()

    def cell_ends(self, index: int) -> None:
        """Leave out the folds of a cell that were not run: it may have ended early."""
        self._n[index] = self._done[index]
        self._draw()

    def _index(self, result: FoldResult) -> int | None:
        """Return the number of the cell of a fold: the first of its names that has no run id."""
        known = self._known.get(result.run_id)
        if known is None:
            taken = set(self._known.values())
            same = [
                i
                for i in self._n
                if i not in taken
                and (self._cells[i].model_name, self._cells[i].label)
                == (result.model, result.label)
            ]
            named = [i for i in same if self._names[i] == result.dataset]
            known = next(iter(named or same), None)
            if known is not None:
                self._known[result.run_id] = known
        return known

    def _draw(self) -> None:
        total = sum(self._n.values())
        waiting = (i for i, n in self._n.items() if n > self._done[i])
        index = next(waiting, self._started)
        cell = self._cells[index]
        number = f"cell {index + 1}/{len(self._cells)}"
        # Beside the text stand the bar, two counts, "folds", "left", a time, and spaces; on a wide
        # screen one more time.
        rest = (30 + 8 if self._is_wide else 8) + 2 * len(str(total)) + 1 + 5 + 4 + 7 + 6
        room = self._progress.console.width - rest - len(number)
        names = shortened((self._names[index], cell.model_name, cell.label), room - 3)
        text = " ".join((number, *names))
        done = sum(self._done.values())
        self._progress.update(self._task, description=text, completed=done, total=total)


def _name_of(cell: CellOutline) -> str:
    """Return the name of a data set as far as the configuration has it."""
    node, source = cell.dataset.node, cell.dataset.source.path
    file = Path(str(node.get("path") or "")).stem
    return str(node.get("name") or node.get("table") or file or source.rpartition(".")[-1])


def shortened(names: Sequence[str], width: int) -> list[str]:
    """Cut the longest of some names in their middle until all fit into so many columns together.

    Names do not become shorter than five columns.

    Examples
    --------
    >>> shortened(("synthetic", "hist_gradient_boosting", "smote+focal+threshold"), 32)
    ['synthetic', 'hist_…sting', 'smote+…shold']
    """
    from rich.cells import cell_len

    names = [visible(name) for name in names]
    lengths = [cell_len(name) for name in names]
    while sum(lengths) > width and max(lengths) > SHORTEST:
        lengths[lengths.index(max(lengths))] -= 1
    return [_cut(name, length) for name, length in zip(names, lengths, strict=True)]


def _cut(name: str, width: int) -> str:
    """Return a name, or its begin and its end around an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= width:
        return name
    n_end = (width - 1) // 2
    end = len(name)
    while end and cell_len(name[end - 1 :]) <= n_end:
        end -= 1
    return set_cell_size(name, width - 1 - cell_len(name[end:])) + "…" + name[end:]


@contextmanager
def progress_bar(cells: Sequence[CellOutline], shown: bool = True) -> Iterator[ProgressBar]:
    """Show the progress for as long as the block runs."""
    bar = ProgressBar(cells, shown)
    bar.start()
    try:
        yield bar
    finally:
        bar.stop()
