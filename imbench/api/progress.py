"""Progress over the folds of a sweep, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from imbench.api.console import console
from imbench.config.cell import CellOutline
from imbench.results.fold import FoldResult


class ProgressBar:
    """A bar that counts folds and names the cell that is running.

    It is drawn on a terminal, and in a notebook.

    Parameters
    ----------
    cells : sequence of CellOutline
    shown : bool, default=True
        False draws nothing.
    """

    def __init__(self, cells: Sequence[CellOutline], shown: bool = True) -> None:
        from rich import progress

        self._names = [f"{c.dataset.name} {c.model_name} {c.label}" for c in cells]
        self._ends: dict[int, int] = {}
        self._n_folds = 0
        screen = console(stderr=True)
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("folds"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
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
            self._n_folds += n
            self._ends[index] = self._n_folds
        self._progress.update(self._task, total=self._n_folds)

    def cell_starts(self, index: int) -> None:
        """Name the cell that is running."""
        text = f"cell {index + 1}/{len(self._names)} {self._names[index]}"
        self._progress.update(self._task, description=text)

    def fold_done(self, result: FoldResult, stored: bool) -> None:
        """Count a fold that was fitted; called by the runner."""
        if not stored:
            self._progress.advance(self._task)

    def cell_ends(self, index: int) -> None:
        """Count all folds of a cell, which may have been stored or have ended early."""
        self._progress.update(self._task, completed=self._ends[index])


@contextmanager
def progress_bar(cells: Sequence[CellOutline], shown: bool = True) -> Iterator[ProgressBar]:
    """Show the progress for as long as the block runs."""
    bar = ProgressBar(cells, shown)
    bar.start()
    try:
        yield bar
    finally:
        bar.stop()
