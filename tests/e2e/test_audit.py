"""``imbench audit``: clean cells, duplicates and a planted leak, from stored records."""

import json
from pathlib import Path

import numpy as np
import pytest

from imbench.data import splits
from imbench.results.store import Store
from tests.e2e.conftest import Run, says, table_words


def test_clean_cells_are_told_so_and_what_was_fitted_on_what(run: Run, table: Path) -> None:
    words = table_words(table, "-m", "strategy=none,[random_over,threshold]", "splits.n_splits=3")
    words += ("splits.n_repeats=1",)
    assert run(*words).code == 0
    done = run("audit", "--fits", "--filter", "strategy=random_over*")
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    # folds, hashes of training and test rows, test rows, in training, same values, other label
    (row,) = [line[2:] for line in lines if line[2:3] == ["random_over+threshold"] and line[3:]]
    assert (row[1], row[4:]) == ("3", ["60", "0", "0", "0"])
    (none,) = [line[2:] for line in lines if line[2:3] == ["none"] and line[3:]]
    assert none[2:4] == row[2:4]  # the same folds
    assert (
        "  3 fits on the whole training part: 40 rows; clean on 40, random_over on 40, model on 64"
        in done.out
    )
    assert "  15 fits on inner folds or bags: 32 rows" in done.out
    assert "no leak: no row of a test part was fitted on in 6 folds.\n" in done.out
    assert "warning" not in done.out


def test_fits_of_tuning_are_recorded_beside_the_others(run: Run, table: Path) -> None:
    words = table_words(table, "strategy=smote", "splits.n_splits=2", "tuning=optuna")
    done = run(*words, "tuning.trials=2", "tuning.inner_splits=3", "tuning.pruning=false")
    assert done.code == 0, done.err
    done = run("audit", "--fits")
    assert done.code == 0
    assert "  2 fits on the whole training part: 30 rows" in done.out
    assert "  tuning: 12 fits on inner folds or bags: 20 rows" in done.out  # 2 x 2 x 3


def test_duplicates_over_the_folds_are_a_warning_and_no_leak(run: Run, tmp_path: Path) -> None:
    rows = [f"{i % 10},{i % 3},{'yes' if i % 5 == 0 else 'no'}" for i in range(60)]
    path = tmp_path / "few_values.csv"
    path.write_text("\n".join(["a,b,target", *rows]) + "\n")
    assert run(*table_words(path)).code == 0
    done = run("audit")
    assert done.code == 0
    warning, other = [line for line in done.out.splitlines() if line.startswith("warning: ")]
    assert "duplicates straddle the folds" in warning
    assert other.endswith("[class-in-column]")  # as the run has said
    assert "of 60 test rows" in warning
    assert "30 of the 60 rows are different." in warning


def test_a_splitter_that_tests_on_training_rows_is_a_leak(
    run: Run, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overlapping(self, data, seed):
        rows = np.arange(len(data.y))
        return [splits.Fold(0, 0, rows[:40], rows[35:])]

    monkeypatch.setattr(splits.Holdout, "split", overlapping)
    assert run(*table_words(table, "splits=holdout")).code == 0
    done = run("audit")
    assert done.code == 1
    assert done.out.splitlines()[-1] == (
        "leak: table logistic_regression none, repeat 0, fold 0: 5 rows of the test part are rows "
        "of the training part too."
    )
    assert "no leak" not in done.out


def test_folds_of_an_older_version_are_named_and_no_leak(
    run: Run, table: Path, tmp_path: Path
) -> None:
    from imbench.results.cell_files import seal, unseal

    assert run(*table_words(table, "splits=holdout")).code == 0
    (path,) = (tmp_path / "results" / "runs").glob("*/r0-f0.json")
    meta = unseal(path)
    assert json.dumps(meta.pop("audit"))
    path.write_bytes(seal({**meta, "format": 1}))
    (cell,) = Store(tmp_path / "results").read_cells()
    assert cell.folds[0].audit == {}  # it can still be read
    done = run("audit")
    assert done.code == 0
    assert "1 fold without a record" in done.out
    assert "no leak" not in done.out


def test_what_is_not_there_is_one_sentence(run: Run, tmp_path: Path) -> None:
    says(run("audit", "nowhere"), "there is no such folder", "nowhere")
    (tmp_path / "results" / "runs").mkdir(parents=True)
    says(run("audit"), "there is no stored cell")


def test_a_filter_that_matches_nothing_is_one_sentence(run: Run, table: Path) -> None:
    assert run(*table_words(table, "splits=holdout")).code == 0
    says(run("audit", "--filter", "model=svm"), "--filter model=svm", "logistic_regression")
