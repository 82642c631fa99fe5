"""Results that were stored before modules moved: read, reported, continued, with the same ids."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from imbench.cli import main
from imbench.results.fold import CellResult
from imbench.results.store import Store

OLD = Path(__file__).parents[1] / "data" / "results_before_the_move"
DIGITS = ["dataset=digits", "dataset/imbalance=tutorial", "tracking=none"]
ONCE = "splits.n_repeats=1"
LINEAR = ["-m", *DIGITS, "model=logistic_regression", "splits.n_splits=3", ONCE]
LINEAR += ["strategy=none,smote,[smote,threshold],focal"]
NETS = ["-m", *DIGITS, "model=mlp", "model.estimator.epochs=2", "splits.n_splits=2", ONCE]
NETS += ["strategy=none,balanced_bagging"]
TUNED = [*DIGITS, "model=decision_tree", "strategy=none", "splits.n_splits=2", ONCE]
TUNED += ["tuning=optuna", "tuning.trials=3"]
TUNED += ["+model.search={estimator.max_depth: {low: 2, high: 6}}"]


@pytest.fixture
def results(tmp_path):
    return Path(shutil.copytree(OLD, tmp_path / "results"))


def cells_in(results):
    found = list(Store(results).read_cells())
    assert all(isinstance(cell, CellResult) for cell in found)
    return {cell.run_id: cell for cell in found}


def test_every_stored_cell_is_read(results):
    cells = cells_in(results)
    assert len(cells) == 7
    assert sorted(cell.status for cell in cells.values()) == ["ok"] * 6 + ["skipped"]


def test_they_are_reported_with_the_commands_that_repeat_them(results, capsys):
    assert main(["report", str(results / "runs")]) == 0
    assert "smote+threshold" in capsys.readouterr().out
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "python -m imbench dataset=digits model=decision_tree tuning=optuna" in page


@pytest.mark.parametrize("words", [LINEAR, NETS, TUNED], ids=["linear", "nets", "tuned"])
def test_the_same_command_finds_them(results, words):
    before = {path: path.stat().st_mtime_ns for path in results.rglob("r*-f*.json")}
    skipped = {p for p in before if "-focal-" in p.parent.name}  # these are tried again
    assert main([*words, f"results_dir={results}"]) == 0
    after = {path: path.stat().st_mtime_ns for path in results.rglob("r*-f*.json")}
    assert after.keys() == before.keys()
    assert {p for p in after if after[p] != before[p]} <= skipped


def test_a_missing_fold_is_added_with_the_same_predictions(results):
    [path] = results.glob("runs/digits-logistic_regression-smote-*/r0-f1.json")
    for file in path.parent.glob("r0-f1.*"):
        file.unlink()
    assert main([*LINEAR, f"results_dir={results}"]) == 0
    new, old = (
        np.load(root / path.relative_to(results).with_suffix(".npz")) for root in (results, OLD)
    )
    np.testing.assert_array_equal(new["test_index"], old["test_index"])
    np.testing.assert_array_equal(new["y_pred"], old["y_pred"])
    np.testing.assert_allclose(new["y_score"], old["y_score"], atol=1e-6)
