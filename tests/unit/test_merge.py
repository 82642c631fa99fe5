"""Results of several machines: copied into one folder, or read together."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from imbench.errors import DataError
from imbench.results.fold import CellResult
from imbench.results.merge import read_together
from imbench.results.store import Store
from tests.factories import make_cell


def stored(folder, cell, places):
    """Store some folds of a cell, of which all were asked for."""
    store = Store(folder)
    store.write_cell(cell.key)
    for fold in cell.folds:
        if fold.fold in places:
            store.write_fold(cell.key, fold)
    return store.runs


def of(found, kind):
    return [one for one in found if isinstance(one, kind)]


@pytest.fixture
def cell():
    return make_cell("smote", n_folds=4)


def same(one, other):
    assert [f.fold for f in one.folds] == [f.fold for f in other.folds]
    for a, b in zip(one.folds, other.folds, strict=True):
        for name in ("test_index", "y_true", "y_pred", "y_score"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_folders_that_are_copied_together_are_read_as_one(cell, tmp_path):
    a, b = stored(tmp_path / "a", cell, (0, 1)), stored(tmp_path / "b", cell, (1, 2, 3))
    shutil.copytree(a, b, dirs_exist_ok=True)  # cp -r a/runs/. b/runs/
    (whole,) = Store(tmp_path / "b").read_cells()
    same(whole, cell)
    assert (whole.status, whole.n_folds) == ("ok", 4)


def test_a_copied_request_for_fewer_folds_hides_no_fold(cell, tmp_path):
    a = stored(tmp_path / "a", replace(cell, n_folds=2, folds=cell.folds[:2]), (0, 1))
    b = stored(tmp_path / "b", cell, range(4))
    shutil.copytree(a, b, dirs_exist_ok=True)
    (whole,) = Store(tmp_path / "b").read_cells()
    same(whole, cell)


def test_folders_are_read_together_without_copying(cell, tmp_path):
    other = make_cell("none", n_folds=4)
    a, b = stored(tmp_path / "a", cell, (0, 1)), stored(tmp_path / "b", cell, (1, 2, 3))
    stored(tmp_path / "b", other, range(4))
    found = {one.label: one for one in of(read_together([a, b]), CellResult)}
    same(found["smote"], cell)
    same(found["none"], other)
    assert not of(read_together([a, b, a]), DataError)


def test_one_folder_that_is_given_twice_is_read_once(cell, tmp_path):
    a = stored(tmp_path / "a", cell, range(4))
    assert len(list(read_together([a, tmp_path / "a" / "." / "runs"]))) == 1


def test_predictions_that_contradict_are_named_with_both_folders(cell, tmp_path):
    wrong = replace(cell.folds[1], y_pred=1 - cell.folds[1].y_pred)
    a = stored(tmp_path / "a", cell, range(4))
    b = stored(tmp_path / "b", replace(cell, folds=(cell.folds[0], wrong)), range(4))
    found = list(read_together([a, b]))
    same(of(found, CellResult)[0], cell)
    (problem,) = map(str, of(found, DataError))
    for part in (str(a), str(b), f"{cell.key.folder}/r0-f1", "contradicts"):
        assert part in problem


def test_another_time_is_no_contradiction_and_nan_equals_nan(cell, tmp_path):
    score = np.full_like(cell.folds[0].y_score, np.nan)
    one = replace(cell.folds[0], y_score=score)
    a = stored(tmp_path / "a", replace(cell, folds=(one,)), range(4))
    b = stored(tmp_path / "b", replace(cell, folds=(replace(one, fit_s=9.0),)), range(4))
    assert not of(read_together([a, b]), DataError)


def test_a_finished_fold_is_taken_before_a_failed_one(cell, tmp_path):
    failed = replace(cell.folds[0], status="failed", reason="out of memory.")
    a = stored(tmp_path / "a", replace(cell, folds=(failed,)), range(4))
    b = stored(tmp_path / "b", cell, range(4))
    for folders in ([a, b], [b, a]):
        (whole,) = read_together(folders)
        assert (whole.status, len(whole.folds)) == ("ok", 4)


def test_a_damaged_file_is_named_with_its_folder(cell, tmp_path):
    a, b = stored(tmp_path / "a", cell, range(4)), stored(tmp_path / "b", cell, range(4))
    path = b / cell.key.folder / "r0-f2.npz"
    path.write_bytes(path.read_bytes()[:-9])
    found = list(read_together([a, b]))
    same(of(found, CellResult)[0], cell)
    (problem,) = map(str, of(found, DataError))
    assert problem.startswith(f"{b}: ")
