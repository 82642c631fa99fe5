"""The cells of a sweep: looked up in the store, and run in rounds. It prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imbench.api.looks import judge_by
from imbench.components.construct import bind
from imbench.components.hashing import run_id_of
from imbench.components.startup import resume_collection
from imbench.config.budget import parse_budget
from imbench.config.cell import Cell, CellOutline, RefusedCell
from imbench.config.limits import parse_limits
from imbench.config.parse import Draft
from imbench.errors import ConfigError
from imbench.results.fold import CellResult, FoldResult
from imbench.results.store import Store
from imbench.run.budget import Budget
from imbench.run.rounds import Rounds, Watch

if TYPE_CHECKING:
    from imbench.run.cell import Runner
    from imbench.run.executors.base import Executor


class Progress(Watch, Protocol):
    """Is told of the progress, fold by fold."""

    def fold_done(self, result: FoldResult, stored: bool) -> None:
        """Take a fold, and whether it was stored already."""
        ...


def distinct(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Leave out repeated cells: strategy=none is the same for every neighbor search of a sweep.

    Of cells that differ in the number of repeats the one with the most is kept.
    """
    cells: dict[str, Draft] = {}
    try:
        for draft in drafts:
            outline = draft.outline
            same = {"identity": outline.identity, "dataset": outline.dataset.node}
            known = cells.setdefault(run_id_of(same), draft)
            if outline.splitter.n_folds > known.outline.splitter.n_folds:
                cells[run_id_of(same)] = draft
    except ConfigError:  # reported with all others, once every cell is parsed
        return drafts
    return list(cells.values())


def stored_cells(drafts: Sequence[Draft], results_dir: Path) -> dict[int, CellResult]:
    """Return the cells that are stored in full, by their index in the sweep."""
    from imbench.run import lookup

    store, found = Store(results_dir), {}
    for i, draft in enumerate(drafts):
        with suppress(ConfigError):  # reported once every cell is parsed
            if cell := lookup.find(draft.outline, store):
                found[i] = cell
    return found


def parse_all(
    drafts: Sequence[Draft], stored: Container[int] = ()
) -> dict[int, Cell | RefusedCell]:
    """Parse the cells that are not stored, and return them by their index in the sweep.

    In a sweep a cell with a refused value of its strategy fails by itself, with the sentence, as
    long as another cell is left to run.

    Raises
    ------
    ConfigError
        With everything that is wrong with what is about to run, one line each.
    """
    from imbench.config.parse import Problems

    cells: dict[int, Cell | RefusedCell] = {}
    problems = Problems()
    for i, draft in enumerate(drafts):
        if i not in stored:
            with problems.collected():
                cells[i] = draft.cell()
    problems += bind(drafts[0].config.get("tracking"), "tracking")
    if cells and (executor := drafts[0].config.get("executor")):
        problems += bind(executor, "executor", ("runner", "n_jobs"))
    refused = [cell.reason for cell in cells.values() if isinstance(cell, RefusedCell)]
    if problems or (not stored and len(refused) == len(drafts)):
        problems += [line for reason in refused for line in reason.splitlines()]
    problems.raise_if_any()
    return cells


class Sweep:
    """The cells of a command: parsed as late as possible, run by one runner.

    Parameters
    ----------
    drafts : sequence of Draft
    cells : dict of int to Cell or RefusedCell
        Those that are parsed already, by their index in the sweep.
    stored : mapping of int to CellResult
        Those that are stored in full.
    started : float
        When the command started, in seconds of the monotonic clock.
    say : callable
        Is told, a line each, what was read, what was noticed, and what the rows can show.

    Attributes
    ----------
    only : mapping of str to set of (int, int), or None
        Which folds are run of each cell, by run id; None is all of them.
    """

    def __init__(
        self,
        drafts: Sequence[Draft],
        cells: dict[int, Cell | RefusedCell],
        stored: Mapping[int, CellResult],
        started: float,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.say = say
        self.drafts = drafts
        self.cells = cells
        self.stored = stored
        self.config = drafts[0].config
        self.options = drafts[0].metrics
        self.outlines = [draft.outline for draft in drafts]
        self.results_dir = Path(self.config["results_dir"])
        self.store = Store(self.results_dir)
        limit = parse_budget(self.config["budget"])
        self.budget = None if limit is None else Budget(limit, started)
        self.only: Mapping[str, AbstractSet[tuple[int, int]]] | None = None
        self.n_run = 0  # folds that this command has run
        self._runner: Runner | None = None
        self._executor: Executor | None = None

    def prepare(self, cells: Iterable[Cell | RefusedCell]) -> None:
        """Prove that results and studies can be written, before anything is computed.

        Where results are stored already, they may be read only: each cell that lacks a fold says
        so before it runs.
        """
        cells = list(cells)
        if cells and not self.store.holds_results:
            self.store.prepare()
        tuners = [cell.tuning.tuner for cell in cells if isinstance(cell, Cell) and cell.tuning]
        for tuner in dict.fromkeys(tuners):
            tuner.prepare(self.results_dir)

    def rounds(self, bar: Progress) -> Rounds:
        """Return the rounds of repeats of all cells; iterate over them to run what is missing."""
        judge = judge_by(self.options, self.config["baseline"])
        run = partial(self.run, bar)
        return Rounds(self.outlines, self.store, run, judge, bar, self.budget, self.stored)

    def run(self, bar: Progress, wanted: Mapping[int, CellOutline]) -> Generator[CellResult]:
        """Run cells in order; PyTorch and the like are imported only if there is one."""
        from imbench.api.forecast import forecasts
        from imbench.api.readings import readings
        from imbench.run.cell import Runner
        from imbench.run.executors.base import executor_of
        from imbench.run.sweep import run_cells

        n_jobs = self.config["n_jobs"]

        def count(result: FoldResult, stored: bool) -> None:
            bar.fold_done(result, stored)
            self.n_run += not stored
            if self.budget is not None and not stored:
                self.budget.spend(result)

        resume_collection()
        cells = [
            replace(self._cell(i), splitter=outline.splitter, sequential=outline.sequential)
            for i, outline in wanted.items()
        ]
        if self._runner is None:
            limits, retry = parse_limits(self.config.get("limits")), bool(self.config.get("retry"))
            self._runner = Runner(
                self.results_dir,
                count,
                on_wait=self.say,
                only=self.only,
                limits=limits,
                retry=retry,
            )
            self._executor = executor_of(self.config.get("executor"), self._runner, n_jobs)
            for line in readings(self._runner, cells, self.config):
                self.say(line)
            for line in forecasts(self._runner, cells, self.stored.values(), self.config):
                self.say(line)
        yield from run_cells(self._runner, cells, n_jobs, self._executor)

    def close(self) -> None:
        """End worker processes; what was finished is stored."""
        if self._executor is not None:
            self._executor.close()

    def _cell(self, i: int) -> Cell | RefusedCell:
        if i not in self.cells:  # its first repeat was stored
            self.cells[i] = self.drafts[i].cell()
            self.prepare([self.cells[i]])
        return self.cells[i]
