"""The same bits in every order of cells, with one process or two, and one thread or two."""

import pytest
import torch
from threadpoolctl import threadpool_limits

from imbench.components.seeding import derive
from imbench.run.cell import Runner
from imbench.run.sweep import run_cells
from tests.cells import cells_of
from tests.faults.commands import bits

WORDS = ("dataset=synthetic", "dataset.n_rows=150", "splits.n_splits=2", "device=cpu")
NET = ("model=mlp", "model.estimator.epochs=2", "model.estimator.backbone.hidden=[8]")
STRATEGIES = "strategy=none,smote,[random_over,threshold]"


@pytest.fixture(scope="module")
def cells():
    models = (["model=logistic_regression"], ["model=decision_tree"], NET)
    return [cell for words in models for cell in cells_of(*WORDS, "splits.n_repeats=1", *words,
            STRATEGIES)]  # fmt: skip


@pytest.fixture(scope="module")
def expected(cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    list(run_cells(Runner(folder), cells, 1))
    found = bits(folder)
    assert len(found) == 2 * len(cells)
    assert {values[-1] for values in found.values()} == {"ok"}
    return found


@pytest.mark.slow
def test_every_order_of_cells_gives_the_same_bits(cells, expected, tmp_path, faults):
    n = faults.n(6, 1)
    for i in range(n):
        order = sorted(cells, key=lambda cell: derive(i, cell.strategy.label, cell.model_name))
        list(run_cells(Runner(tmp_path / str(i)), order, 1))
        assert bits(tmp_path / str(i)) == expected
    faults.held("every order of cells gives the same bits", n)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_every_number_of_threads_gives_the_same_bits(cells, expected, tmp_path, threads, faults):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            list(run_cells(Runner(tmp_path), cells, 1))
    finally:
        torch.set_num_threads(before)
    assert bits(tmp_path) == expected
    faults.held("one thread or two give the same bits", 1)


@pytest.mark.process
def test_two_processes_give_the_same_bits(cells, expected, tmp_path, faults):
    list(run_cells(Runner(tmp_path), cells, 2))
    assert bits(tmp_path) == expected
    faults.held("one process or two give the same bits", 1)
