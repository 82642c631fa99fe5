"""What an executor is, and the tasks that it is given.

An executor is a yaml file of the group ``executor``. imbench passes it ``runner`` and ``n_jobs``;
all other keys of the file are its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol

from imbench.components.construct import construct
from imbench.config.cell import Cell, RefusedCell
from imbench.config.check import Config
from imbench.results.fold import CellResult, FoldResult
from imbench.run.cell import PlannedCell, Runner, Stack
from imbench.run.processes import can_run_apart

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
    """Runs tasks, here or elsewhere. ``run`` may be called several times, by one round each."""

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
        self._handed: dict[StackTask, PlannedCell] = {}
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
        while not self._planned or not self._planned[-1].stacks:
            if not self._waiting:
                raise StopIteration
            self._planned.append(PlannedCell(self.runner, self._waiting.popleft()))
        plan = self._planned[-1]
        task = StackTask(plan.task_cell, plan.hand_over())
        self._handed[task] = plan
        return task

    def n_left(self, of_its_kind: bool = False) -> int:
        """Return how many tasks may follow the latest, at most.

        Parameters
        ----------
        of_its_kind : bool, default=False
            Count until the first cell that can run apart where this one cannot, or the reverse.
        """
        return len(self._planned[-1].stacks) + self._after[len(self._waiting)][of_its_kind]

    @property
    def table_bytes(self) -> int:
        """Size of the rows of the data set of the latest task."""
        return self._planned[-1].table_bytes if self._planned else 0

    def take_back(self, task: StackTask, results: Iterable[FoldResult]) -> None:
        """Take the results of a task."""
        close = closing(results) if isinstance(results, Generator) else nullcontext(results)
        with close as found:
            self._handed.pop(task).take_back(found)

    def complete(self) -> Iterator[CellResult]:
        """Yield the next cells in their order, as long as all of their results are there."""
        while self._planned and self._planned[0].is_complete:
            yield self._planned.popleft().result()


def executor_of(node: Config | None, runner: Runner, n_jobs: int | Literal["auto"]) -> Executor:
    """Construct the executor that the key ``executor`` names.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    made: Executor = construct(node or LOCAL, "executor", runner=runner, n_jobs=n_jobs)
    return made
