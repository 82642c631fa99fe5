"""The progress bar: which folds it counts, which cell it names, and its width."""

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from imbench.api import progress
from imbench.api.progress import ProgressBar, shortened
from tests.cells import cells_of
from tests.factories import make_fold

WORDS = ("dataset=synthetic", "model=hist_gradient_boosting", "splits.n_repeats=1")
LONG = "strategy=none,smote,[random_over,focal_sigmoid,threshold]"


@pytest.fixture(scope="module")
def cells():
    return cells_of(*WORDS, "strategy=none,smote,random_over")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns, and the bars that are drawn on it."""
    stream = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", stream)
    monkeypatch.setattr(
        progress, "console", lambda stderr: Console(file=stream, width=80, force_terminal=True)
    )
    return stream


def fold(cell, place=0, status="ok"):
    """A fold of a cell."""
    return replace(
        make_fold(0, fold=place, run_id=cell.label, label=cell.label, status=status),
        dataset="synthetic",
        model=cell.model_name,
    )


def state(bar):
    (task,) = bar._progress.tasks
    return task.description.split()[1], task.completed, task.total


def test_the_first_cell_that_has_folds_left_is_named(cells, terminal):
    bar = ProgressBar(cells)
    bar.round_starts({0: 2, 1: 2, 2: 2})
    assert state(bar) == ("1/3", 0, 6)
    bar.fold_done(fold(cells[0], 0), False)
    bar.fold_done(fold(cells[1], 0), False)  # of a process beside it
    assert state(bar) == ("1/3", 2, 6)
    bar.fold_done(fold(cells[0], 1), False)
    assert state(bar) == ("2/3", 3, 6)
    bar.cell_ends(0)
    bar.cell_starts(1)
    assert state(bar) == ("2/3", 3, 6)  # the folds of other cells are not forgotten
    bar.fold_done(fold(cells[1], 1), False)
    assert state(bar) == ("3/3", 4, 6)


def test_stored_folds_are_not_counted_and_no_fold_twice(cells, terminal):
    bar = ProgressBar(cells)
    bar.round_starts({0: 0, 1: 5, 2: 5})  # the first cell is stored in full
    assert state(bar) == ("2/3", 0, 10)
    for place in (0, 1):
        bar.fold_done(fold(cells[1], place), True)
    assert state(bar) == ("2/3", 0, 8)
    for place in (2, 3, 4):
        bar.fold_done(fold(cells[1], place), False)
    bar.cell_ends(1)
    assert state(bar) == ("3/3", 3, 8)
    bar.fold_done(fold(cells[2], 0, "failed"), False)  # its other folds are not run
    assert state(bar)[1:] == (4, 4)
    bar.round_starts({1: 5})  # a further repeat: the folds of the first are stored by now
    for place in range(5):
        bar.fold_done(fold(cells[1], place), True)
    assert state(bar) == ("2/3", 4, 9)


def test_cells_of_one_name_are_told_apart_by_their_run_ids(terminal):
    cells = cells_of(*WORDS, "model.estimator.max_iter=10,20")
    bar = ProgressBar(cells)
    bar.round_starts({0: 1, 1: 1})
    bar.fold_done(replace(fold(cells[0]), run_id="a"), False)
    assert state(bar) == ("2/2", 1, 2)
    bar.fold_done(replace(fold(cells[1]), run_id="b"), False)
    assert state(bar)[1:] == (2, 2)


def test_it_fits_80_columns_with_long_names_and_many_folds(terminal):
    bar = ProgressBar(cells_of(*WORDS, LONG) * 100)
    bar._names = ["a table with a [red] name of forty letters"] * 300
    bar.round_starts({2: 5000})
    screen = Console(width=80, file=io.StringIO())
    screen.print(bar._progress.get_renderable())
    (line,) = screen.file.getvalue().splitlines()
    assert line.startswith("cell 3/300 a t")
    assert line.rstrip().endswith("0/5000 folds left -:--:--")
    assert line.count("…") == 3


@pytest.mark.parametrize("width", [15, 20, 33, 60])
def test_names_are_cut_in_their_middle(width):
    names = ("数据集数据集数据集", "hist_gradient_boosting", "smote\x1b+threshold")
    cut = shortened(names, width)
    assert sum(cell_len(name) for name in cut) <= width
    assert [name[-1] for name in cut] == ["集", "g", "d"]
    assert "\x1b" not in "".join(cut)


def test_short_names_stay_whole():
    assert shortened(("digits", "mlp", "none"), 20) == ["digits", "mlp", "none"]
