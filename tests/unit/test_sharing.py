"""Processes that run overlapping sweeps in one folder share their folds."""

import json
import shutil
import time

import numpy as np
import pytest

from imbench.results import claims
from imbench.results.claims import SUFFIX
from imbench.results.fold import ARRAYS, FoldResult
from imbench.run import cell as cell_module
from imbench.run import folds as folds_module
from imbench.run.cell import PlannedCell, Runner
from imbench.run.executors import base
from imbench.run.sweep import run_cells
from tests.cells import cells_of

WORDS = ("dataset=synthetic", "dataset.n_rows=60", "splits.n_splits=3", "splits.n_repeats=1")
PLACES = ("r0-f0", "r0-f1", "r0-f2")


@pytest.fixture(scope="module")
def cells():
    return cells_of(*WORDS, "model=decision_tree", "strategy=none,random_over")


@pytest.fixture(scope="module")
def alone(cells, tmp_path_factory):
    """The results of a process that is alone, and their folder."""
    folder = tmp_path_factory.mktemp("alone")
    return list(run_cells(Runner(folder), cells, 1)), folder


def claim(folder, key_folder, name="r0-f1", **holder):
    path = folder / "runs" / key_folder / f"{name}{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"host": "elsewhere", "pid": 7} | holder))
    return path


def run(folder, cells, **options):
    """Run cells, and return them with the folds that were fitted, in their order."""
    fitted = []

    def on_fold(result, stored):
        if not stored:
            fitted.append((result.label, f"r{result.repeat}-f{result.fold}"))

    return list(run_cells(Runner(folder, on_fold, **options), cells, 1)), fitted


def assert_same(found, expected):
    assert [cell.run_id for cell in found] == [cell.run_id for cell in expected]
    for one, two in zip(found, expected, strict=True):
        assert (one.status, len(one.folds)) == (two.status, len(two.folds))
        for a, b in zip(one.folds, two.folds, strict=True):
            for name in ARRAYS:
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def others_finish(monkeypatch, do):
    """Have the other process do something while this one sleeps for the second time."""
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            do()
        assert len(naps) < 50, "it waits for ever"

    monkeypatch.setattr(base.time, "sleep", sleep)
    return naps


def test_nothing_is_left_behind_by_one_that_is_alone(alone):
    _, folder = alone
    assert not list(folder.rglob(f"*{SUFFIX}"))


def test_what_another_has_claimed_is_left_to_it_and_read_in_the_end(
    cells, alone, tmp_path, monkeypatch
):
    expected, stored = alone
    folder = expected[0].key.folder
    path = claim(tmp_path, folder)

    def finish():
        for end in ("npz", "json"):
            shutil.copy(stored / "runs" / folder / f"r0-f1.{end}", path.parent)
        path.unlink()

    naps = others_finish(monkeypatch, finish)
    found, fitted = run(tmp_path, cells)
    assert_same(found, expected)
    assert len(naps) == 2
    assert ("none", "r0-f1") not in fitted
    assert len(fitted) == 5


def test_a_failure_of_the_other_is_taken_as_it_is(cells, alone, tmp_path, monkeypatch):
    key = alone[0][0].key
    path = claim(tmp_path, key.folder)
    failed = FoldResult(
        run_id=key.run_id, dataset=key.dataset, model=key.model, label=key.label, repeat=0, fold=1,
        status="failed", reason="it took too long.", class_names=("0", "1"), minority=1,
    )  # fmt: skip

    def finish():
        Runner(tmp_path).store.write_fold(key, failed)
        path.unlink()

    others_finish(monkeypatch, finish)
    found, fitted = run(tmp_path, cells)
    assert [(c.status, c.reason) for c in found] == [("failed", "it took too long."), ("ok", "")]
    assert ("none", "r0-f1") not in fitted


def test_a_claim_that_is_given_up_is_taken_over_after_all_else(cells, alone, tmp_path, monkeypatch):
    path = claim(tmp_path, alone[0][0].key.folder)
    others_finish(monkeypatch, path.unlink)
    found, fitted = run(tmp_path, cells)
    assert_same(found, alone[0])
    assert fitted[-1] == ("none", "r0-f1")
    assert not list(tmp_path.rglob(f"*{SUFFIX}"))


def test_one_that_expires_as_well(cells, alone, tmp_path, monkeypatch):
    claim(tmp_path, alone[0][0].key.folder)
    others_finish(monkeypatch, lambda: monkeypatch.setattr(claims, "EXPIRES_S", -1.0))
    found, fitted = run(tmp_path, cells)
    assert_same(found, alone[0])
    assert fitted[-1] == ("none", "r0-f1")


def test_a_file_that_the_other_left_damaged_is_made_again(cells, alone, tmp_path, monkeypatch):
    path = claim(tmp_path, alone[0][0].key.folder)

    def finish():
        (path.parent / "r0-f1.json").write_text("{")
        path.unlink()

    others_finish(monkeypatch, finish)
    found, fitted = run(tmp_path, cells)
    assert_same(found, alone[0])
    assert fitted[-1] == ("none", "r0-f1")


def test_what_was_stored_between_two_looks_is_not_fitted_again(cells, alone, tmp_path):
    expected, stored = alone
    planned = PlannedCell(Runner(tmp_path), cells[0])
    shutil.copytree(stored / "runs", tmp_path / "runs", dirs_exist_ok=True)
    assert [planned.hand_over() for _ in PLACES] == [None] * 3
    assert planned.is_free
    planned.resume()
    assert planned.is_complete
    assert_same([planned.result()], expected[:1])


def test_a_long_wait_is_told_once_with_who_is_waited_for(cells, alone, tmp_path, monkeypatch):
    path = claim(tmp_path, alone[0][0].key.folder)
    monkeypatch.setattr(base, "TOLD_AFTER_S", -1.0)
    others_finish(monkeypatch, path.unlink)
    told = []
    run(tmp_path, cells, on_wait=told.append)
    (sentence,) = told
    assert "waiting for 1 folds" in sentence
    assert "process 7 on elsewhere" in sentence


def test_nets_that_train_as_one_stack_are_claimed_as_one(tmp_path, monkeypatch):
    cells = cells_of(*WORDS, "model=mlp", "model.estimator.epochs=1", "device=cpu")
    runner = Runner(tmp_path)
    planned = PlannedCell(runner, cells[0])
    key = planned.result().key
    path = claim(tmp_path, key.folder, "r0-f2")
    others_finish(monkeypatch, path.unlink)
    assert planned.hand_over() is None
    assert not list(path.parent.glob(f"r0-f[01]{SUFFIX}"))
    (found,), fitted = run(tmp_path, cells)
    assert found.status == "ok"
    assert [name for _, name in fitted] == list(PLACES)


def test_an_interrupt_gives_all_claims_back(cells, tmp_path, monkeypatch):
    def interrupt(*args):
        assert list(tmp_path.rglob(f"*{SUFFIX}"))
        raise KeyboardInterrupt

    monkeypatch.setattr(folds_module, "build", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, cells)
    assert not list(tmp_path.rglob(f"*{SUFFIX}"))


def test_the_runner_waits_too(cells, alone, tmp_path, monkeypatch):
    path = claim(tmp_path, alone[0][0].key.folder)
    monkeypatch.setattr(cell_module.time, "sleep", lambda seconds: path.unlink())
    assert_same([Runner(tmp_path).run(cells[0])], alone[0][:1])


def test_sharing_costs_less_than_a_millisecond_a_fold(cells, tmp_path):
    """Planning, claiming and releasing of three folds, without fitting them."""
    best = []
    for i in range(5):
        planned = PlannedCell(Runner(tmp_path / str(i)), cells[0])
        started = time.perf_counter()
        for _ in PLACES:
            stack = planned.hand_over()
            planned.take_back(stack, [])
        best.append((time.perf_counter() - started) / len(PLACES))
    assert min(best) < 1e-3
