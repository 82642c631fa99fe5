"""The interface of a tracker, and the tracker that does nothing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Protocol

from imbench.components.extras import install
from imbench.results.fold import CellResult
from imbench.results.metric_options import MetricOptions


class Tracker(Protocol):
    """Where finished cells are shown beside the results folder.

    Write a class with these methods and name it in ``tracking._target_`` to export cells to
    another system. Its methods are called in the process of the command.
    """

    @property
    def hint(self) -> str:
        """How to look at the cells, one line for the terminal; empty if nothing can be opened."""
        ...

    def open(self) -> None:
        """Connect; called before anything runs, so that a wrong address fails at once."""
        ...

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Return whether a cell is certain to be there already with the same content."""
        ...

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Write a cell; called once per cell, in the order of the sweep."""
        ...

    def close(self) -> Sequence[str]:
        """Wait for pending writes, and return one sentence for each cell that was refused."""
        ...


class NotInstalled:
    """Track nothing, because MLflow is not installed, and say so at the end.

    Parameters
    ----------
    results_dir : str
        Where results are stored.

    Examples
    --------
    >>> NotInstalled("results").close()[0].partition(";")[0]
    'results are stored in results'
    """

    hint = ""

    def __init__(self, results_dir: str) -> None:
        self.results_dir = results_dir

    def open(self) -> None:
        """Do nothing."""

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Return True: nothing that could be written is missing."""
        return True

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Do nothing."""

    def close(self) -> Sequence[str]:
        """Return where the results are, and how to get MLflow."""
        sentence = (
            f"results are stored in {self.results_dir}; to compare them in MLflow: "
            f"{install('mlflow')}, and then `python -m imbench sync "
            f"{shlex.quote(self.results_dir)}` (tracking=none leaves this line out)."
        )
        return (sentence,)


class NullTracker:
    """Track nothing: the target of ``tracking=none``.

    Examples
    --------
    >>> tracker = NullTracker()
    >>> tracker.open()
    >>> tracker.hint, list(tracker.close())
    ('', [])
    """

    hint = ""

    def open(self) -> None:
        """Do nothing."""

    def has(self, cell: CellResult, options: MetricOptions) -> bool:
        """Return True: nothing is missing."""
        return True

    def log_cell(self, cell: CellResult, options: MetricOptions) -> None:
        """Do nothing."""

    def close(self) -> Sequence[str]:
        """Do nothing."""
        return ()
