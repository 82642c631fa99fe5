"""What an executor is, and the tasks that it is given.

An executor is a yaml file of the group ``executor``. imbench passes it ``runner`` and ``n_jobs``;
all other keys of the file are its own.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol

from imbench.components.construct import construct
from imbench.config.cell import Cell, RefusedCell
from imbench.config.check import Config
from imbench.results.claims import EXPIRES_S
from imbench.results.fold import CellResult, FoldResult
from imbench.run.cell import PlannedCell, Runner, Stack
from imbench.run.processes import can_run_apart
from imbench.run.sharing import PAUSE_S

TOLD_AFTER_S = 5.0  # of waiting for other processes
SUPPLIED = ("runner", "n_jobs")  # what imbench passes to every executor
LOCAL = {"_target_": "imbench.run.executors.local.LocalExecutor"}


@dataclass(frozen=True, eq=False)
class StackTask:
    """Folds of one cell that are fitted together. It can be pickled.

    Parameters
    ----------
    cell : Cell
    stack : tuple of (sequence of Fold, sequence of Fold)
        Folds that are fitted together, and those of them whose results are missing.

    Examples
    --------
    >>> StackTask(cell=None, stack=((), ())).stack
    ((), ())
    """

    cell: Cell
    stack: Stack


class Executor(Protocol):
    """Runs tasks, here or elsewhere. ``run`` may be called several times, by one round each.

    A class with ``plans = True`` runs nothing: where folds are missing the command line writes a
    plan of ``chunks`` chunks to the file ``out``.
    """

    def run(self, tasks: Tasks) -> Generator[tuple[StackTask, Iterable[FoldResult]]]:
        """Run tasks and yield each with its results, in any order.

        Whoever runs a task stores its results. They are those of the missing folds, and end with
        the first that is not ``ok``. A strategy that fails is a result, never an exception.
        Tasks are to be taken one by one, as they can be run: a cell that failed has no further.

        Raises
        ------
        ImbenchError
            If the executor itself cannot go on.
        """
        ...

    def close(self) -> None:
        """End what was started to run tasks."""
        ...


class Tasks:
    """The tasks of some cells, which are planned one by one, and the cells in their order.

    Parameters
    ----------
    runner : Runner
    cells : sequence of Cell or RefusedCell
    """

    def __init__(self, runner: Runner, cells: Sequence[Cell | RefusedCell]) -> None:
        self.runner = runner
        self._waiting = deque(cells)
        self._planned: deque[PlannedCell] = deque()  # in the order of the cells
        self._free: deque[PlannedCell] = deque()  # of what others had claimed
        self._current: PlannedCell | None = None
        self._handed: dict[StackTask, PlannedCell] = {}
        self._is_told = False  # that others are waited for
        # For each cell, how many tasks follow it: of all cells, and of those until one that can
        # run apart where it cannot, or the reverse.
        self._after: list[tuple[int, int]] = []
        later, kind = (0, 0), None
        for cell in reversed(cells):
            apart = can_run_apart(cell)
            self._after.append((later[0], later[1] if apart == kind else 0))
            n = cell.splitter.n_folds if apart else 1
            later, kind = (later[0] + n, self._after[-1][1] + n), apart

    def __iter__(self) -> Iterator[StackTask]:
        return self

    def __next__(self) -> StackTask:
        """Return the next task; its cell is loaded and split if it is the first of it."""
        while True:
            while self._current is None or not self._current.stacks:
                self._current = self._next_cell()
            stack = self._current.hand_over()
            if stack is not None:
                task = StackTask(self._current.task_cell, stack)
                self._handed[task] = self._current
                return task

    def _next_cell(self) -> PlannedCell:
        if self._free:
            cell = self._free.popleft()
            cell.resume()
        elif self._waiting:
            cell = PlannedCell(self.runner, self._waiting.popleft())
            self._planned.append(cell)
        else:
            raise StopIteration
        return cell

    def resume(self) -> bool:
        """Wait for folds that other processes have claimed, once all else is done.

        Returns
        -------
        bool
            Whether there may be further tasks: some were freed, or stored by the others.
        """
        started = time.monotonic()
        while claimed := [cell for cell in self._planned if cell.claimed]:
            self._free += [cell for cell in claimed if cell.is_free]
            if self._free:
                return True
            if not self._is_told and time.monotonic() - started > TOLD_AFTER_S:
                self._is_told = True
                self.runner.on_wait(_waiting_for(claimed))
            time.sleep(PAUSE_S)
        return False

    def n_left(self, of_its_kind: bool = False) -> int:
        """Return how many tasks may follow the latest, at most.

        Parameters
        ----------
        of_its_kind : bool, default=False
            Count until the first cell that can run apart where this one cannot, or the reverse.
        """
        n_here = len(self._current.stacks) if self._current else 0
        n_freed = sum(len(cell.claimed) for cell in self._free)
        return n_here + n_freed + self._after[len(self._waiting)][of_its_kind]

    @property
    def table_bytes(self) -> int:
        """Size of the rows of the data set of the latest task."""
        return self._current.table_bytes if self._current else 0

    def take_back(self, task: StackTask, results: Iterable[FoldResult]) -> None:
        """Take the results of a task."""
        close = closing(results) if isinstance(results, Generator) else nullcontext(results)
        with close as found:
            self._handed.pop(task).take_back(task.stack, found)

    def complete(self) -> Iterator[CellResult]:
        """Yield the next cells in their order, as long as all of their results are there."""
        while self._planned and self._planned[0].is_complete:
            yield self._planned.popleft().result()


def _waiting_for(cells: Sequence[PlannedCell]) -> str:
    """Return a sentence on what other processes have claimed."""
    first = cells[0]
    n = sum(len(stack) for cell in cells for stack in cell.claimed)
    return (
        f"waiting for {n} folds that others have claimed, {first.holder} for one; a claim is taken "
        f"over when its process is dead, or has not touched it for {EXPIRES_S:.0f} s."
    )


def executor_of(node: Config | None, runner: Runner, n_jobs: int | Literal["auto"]) -> Executor:
    """Construct the executor that the key ``executor`` names.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    made: Executor = construct(node or LOCAL, "executor", runner=runner, n_jobs=n_jobs)
    return made
