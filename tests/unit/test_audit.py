"""The leak audit: hashes of rows, records of fits, and leaks that the tests introduce."""

import copy
import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from imbench.data.dataset import Dataset
from imbench.data.row_hashes import content_hash, hash_rows, rows_hash
from imbench.data.split_facts import fold_facts
from imbench.data.splits import Fold, RepeatedKFold
from imbench.pipeline import pipeline
from imbench.pipeline.build import build
from imbench.pipeline.context import FitContext
from imbench.pipeline.fitted import audit_of
from imbench.pipeline.witness import Witness
from imbench.report.audit import audit_cells, duplicate_warnings
from imbench.results.fold import CellKey, cell_result
from imbench.results.store import Store
from imbench.run.folds import Task, fit_fold, run_folds, witness_of
from imbench.strategies.facts import facts_of
from imbench.testing import cells
from tests.cells import cell_of


def table(n=120, **changes):
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 4 == 0).astype(np.int64)
    X = rng.normal(size=(n, 3)) + y[:, None]
    values = {"name": "t", "X": X, "y": y, "class_names": ("no", "yes")}
    return Dataset(**{**values, **changes})


def halves(data):
    rows = np.arange(len(data.y))
    return Fold(0, 0, rows[: len(rows) // 2], rows[len(rows) // 2 :])


def run_cell(data, folds, model="logistic_regression", strategy="none"):
    key = CellKey("0" * 16, data.name, model, strategy, (), len(folds), {"seed": 0})
    cell = cell_of(f"model={model}", f"strategy={strategy}", "device=cpu")
    task = Task(cell, key, data, folds, results_dir=Path("results"))
    return cell_result(key, list(run_folds(task, folds)))


# Rows by content


@pytest.mark.parametrize("kind", ["float64", "float32", "uint8", "int64"])
def test_rows_have_equal_hashes_where_their_values_are_equal_and_nowhere_else(kind):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (5000, 7)).astype(kind)
    distinct = len({tuple(row) for row in X.tolist()})
    assert 1000 < distinct < 5000
    assert len(np.unique(hash_rows(X))) == distinct
    np.testing.assert_array_equal(hash_rows(X[::-1]), hash_rows(X)[::-1])  # not of the place


def test_neighbouring_numbers_and_swapped_columns_are_other_rows():
    X = np.array([[1.0, 2.0], [2.0, 1.0], [np.nextafter(1.0, 2), 2.0], [1.0, 2.0]])
    a, b, c, d = hash_rows(X)
    assert a == d
    assert len({a, b, c}) == 3


def test_signed_zeros_are_equal_and_so_are_missing_values():
    nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]  # with a payload
    one, other = hash_rows(np.array([[0.0, np.nan], [-0.0, nan]]))
    assert one == other


def test_images_that_differ_in_their_last_pixel_are_other_rows():
    X = np.zeros((2, 785), np.uint8)
    X[1, -1] = 1
    assert len(set(hash_rows(X))) == 2


def test_many_rows_of_few_bits_do_not_collide():
    # Whole numbers as float64 differ in their high bits alone.
    X = np.stack(np.meshgrid(np.arange(500.0), np.arange(500.0)), -1).reshape(-1, 2)
    assert len(np.unique(hash_rows(X))) == len(X)


# Facts of a fold


def test_facts_of_a_fold_are_its_rows_and_their_hashes():
    data = table()
    fold = Fold(0, 0, np.arange(0, 120, 2), np.arange(1, 120, 2))
    facts = fold_facts(data, fold)
    assert facts["train_rows"] == hashlib.sha256(np.arange(0, 120, 2).tobytes()).hexdigest()
    assert facts["test_rows"] == rows_hash(fold.test_index[::-1])
    assert facts["train_content"] == content_hash(hash_rows(data.X[fold.train_index]))
    assert facts["test_content"] != facts["train_content"]
    counted = ("n_train", "n_test", "overlap", "copies", "contradictory", "n_rows", "n_distinct")
    assert [facts[name] for name in counted] == [60, 60, 0, 0, 0, 120, 120]
    assert json.loads(json.dumps(facts)) == facts


def test_copies_over_the_split_are_counted_and_those_with_another_label():
    data = table()
    X, y = data.X.copy(), data.y.copy()
    X[60:64] = X[0]  # four rows of the test part are copies of a row of the training part
    X[1] = X[0]  # which stands there twice
    X[70] = X[71]  # a copy inside the test part is none over the split
    y[[0, 1]] = 0
    y[60:64] = [0, 0, 1, 1]
    facts = fold_facts(table(X=X, y=y), halves(data))
    assert (facts["copies"], facts["contradictory"], facts["overlap"]) == (4, 2, 0)
    assert facts["n_distinct"] == 120 - 5 - 1
    y[1] = 1  # now each of the four has another label somewhere in the training part
    assert fold_facts(table(X=X, y=y), halves(data))["contradictory"] == 4


def test_row_numbers_in_both_parts_are_overlap_and_no_copies():
    facts = fold_facts(table(), Fold(0, 0, np.arange(0, 70), np.arange(60, 120)))
    assert (facts["overlap"], facts["copies"]) == (10, 0)


# Records of fits


def fits_of(data, fold, model, strategy):
    context = FitContext(witness_of(data, fold))
    estimator, _ = fit_fold(data, *cells.parts(model, strategy), fold, 0, context)
    hashes = data.contents.hashes[fold.test_index]
    return audit_of(facts_of(estimator), context.witness, hashes)


def test_inner_folds_are_noted_with_the_hashes_of_their_rows():
    data = table()
    found = fits_of(data, halves(data), "logistic_regression", "[smote,threshold]")
    whole, inner = found["fits"]
    assert found["unseen_fits"] == 0
    assert (whole["whole"], whole["n_fits"], whole["n_rows"]) == (True, 1, [60, 60])
    assert whole["rows"] == [fold_facts(data, halves(data))["train_content"]]
    assert whole["steps"] == [["clean", 60, 60], ["smote", 60, 60], ["model", 90, 90]]
    assert (inner["whole"], inner["n_fits"], inner["n_rows"]) == (False, 5, [48, 48])
    assert len(set(inner["rows"])) == inner["n_parts"] == 5
    # Each row is in four of the five inner training parts.
    total = sum(int(rows, 16) for rows in inner["rows"]) % 2**64
    assert total == 4 * int(whole["rows"][0], 16) % 2**64


def test_validation_rows_of_a_net_are_noted_and_are_not_trained_on():
    data = table()
    (fit,) = fits_of(data, halves(data), "mlp", "none")["fits"]
    (n_held_out,) = set(fit["n_held_out"])
    assert 0 < n_held_out < 10
    n_left = 60 - n_held_out
    assert fit["steps"] == [["clean", n_left, n_left], ["model", n_left, n_left]]
    assert len(fit["held_out"]) == 1


def test_rows_that_an_ensemble_makes_are_made_and_from_no_test_part():
    data = table()
    (fit,) = fits_of(data, halves(data), "logistic_regression", "smoteboost")["fits"]
    assert fit["made"] > 0
    assert fit["from_test"] == 0


@pytest.mark.parametrize("strategy", ["bagging", "balanced_bagging", "under_bagging", "platt"])
def test_every_fit_inside_an_ensemble_or_a_rule_is_seen(strategy):
    data = table()
    found = fits_of(data, halves(data), "decision_tree", strategy)
    assert found["unseen_fits"] == 0
    assert sum(fit["n_fits"] for fit in found["fits"]) >= 4
    assert sum(fit["from_test"] + fit["made"] for fit in found["fits"]) == 0


def test_fits_without_a_record_are_counted():
    data = table()
    estimator = build(*cells.parts("decision_tree", "none"), data.info, 0).fit(data.X, data.y)
    witness = Witness(data.contents.hashes, data.X.dtype)
    found = audit_of(facts_of(estimator), witness, data.contents.hashes)
    assert found == {"fits": [], "replayed_fits": 0, "unseen_fits": 1}


def test_copies_of_an_estimator_share_their_witness_and_never_its_test_rows():
    data, fold = table(), halves(table())
    witness = Witness(data.contents.hashes[fold.train_index], data.X.dtype)
    context = FitContext(witness)
    estimator = build(*cells.parts("decision_tree", "threshold"), data.info, 0, context)
    for other in (clone(estimator), copy.deepcopy(estimator)):
        assert other.get_params()["estimator__rows__witness"] is witness
    known = np.concatenate([v for v in vars(witness).values() if isinstance(v, np.ndarray)])
    assert not np.isin(data.contents.hashes[fold.test_index], known).any()


# Leaks


def test_a_clean_cell_has_no_leak_and_its_record_survives_the_store(tmp_path):
    data = table()
    cell = run_cell(data, RepeatedKFold(3).split(data, 0), strategy="threshold")
    key = CellKey(*(getattr(cell, f.name) for f in dataclasses.fields(CellKey)))
    store = Store(tmp_path)
    store.write_cell(key)
    for fold in cell.folds:
        store.write_fold(key, fold)
    (stored,) = store.read_cells()
    assert [f.audit for f in stored.folds] == [f.audit for f in cell.folds]
    (audit,) = audit_cells([stored])
    assert audit.leaks == audit.notes == ()
    assert (audit.n_test, audit.overlap, audit.copies) == (120, 0, 0)
    assert audit.fitted == (
        "3 fits on the whole training part: 80 rows; clean on 80, model on 80",
        "15 fits on inner folds or bags: 64 rows; clean on 64, model on 64",
    )
    assert duplicate_warnings([stored]) == []


def test_a_splitter_whose_parts_overlap_is_a_leak():
    data = table()
    (audit,) = audit_cells([run_cell(data, [Fold(0, 0, np.arange(70), np.arange(60, 120))])])
    assert audit.overlap == 10
    assert audit.leaks == (
        "repeat 0, fold 0: 10 rows of the test part are rows of the training part too.",
    )


def test_test_rows_that_reach_a_fit_by_another_way_are_a_leak(monkeypatch):
    data = table()
    fold = halves(data)
    stolen = data.X[fold.test_index[:2]]
    fitting = pipeline.ResamplingPipeline.fitting

    def fitting_with_stolen_rows(self, X, y):
        return fitting(self, np.vstack([X, stolen]), np.append(y, [0, 1]))

    monkeypatch.setattr(pipeline.ResamplingPipeline, "fitting", fitting_with_stolen_rows)
    (audit,) = audit_cells([run_cell(data, [fold])])
    assert audit.overlap == 0
    assert audit.leaks == (
        "repeat 0, fold 0: 2 rows that only the test part holds were fitted on by clean > model.",
    )


def test_test_rows_that_reach_a_fit_of_tuning_are_a_leak():
    data = table()
    fold = halves(data)
    witness = Witness(data.contents.hashes[fold.train_index], data.X.dtype)
    witness.note(witness.look_at(data.X[10:63]), [("clean", 53), ("model", 53)])
    fits = witness.fits(data.contents.hashes[fold.test_index])
    cell = run_cell(data, [fold])
    (clean,) = cell.folds
    tuned = dataclasses.replace(clean, audit={**clean.audit, "tuning_fits": fits})
    (audit,) = audit_cells([dataclasses.replace(cell, folds=(tuned,))])
    assert audit.leaks == (
        "repeat 0, fold 0: 3 rows that only the test part holds were fitted on by clean > model.",
    )
    assert audit.fitted[1].startswith("tuning: 1 fit on inner folds or bags: 53 rows")


def test_scores_that_were_looked_up_are_not_counted_as_fits():
    data = table()
    cell = run_cell(data, [halves(data)])
    fold = dataclasses.replace(
        cell.folds[0], audit={**cell.folds[0].audit, "fits": [], "replayed_fits": 6}
    )
    (audit,) = audit_cells([dataclasses.replace(cell, folds=(fold,))])
    (line,) = audit.fitted
    assert line.startswith("6 fits of which the scores were known")
    assert audit.notes == ()


def test_predictions_of_other_rows_than_the_record_are_a_leak():
    data = table()
    cell = run_cell(data, [halves(data)])
    fold = dataclasses.replace(cell.folds[0], test_index=np.arange(60))
    (audit,) = audit_cells([dataclasses.replace(cell, folds=(fold,))])
    assert audit.leaks == (
        "repeat 0, fold 0: the rows that were predicted are not the test part of the record.",
    )


def test_a_cell_on_other_folds_is_noted():
    data = table()
    one = run_cell(data, [halves(data)])
    rows = np.arange(120)
    other = run_cell(data, [Fold(0, 0, rows[60:], rows[:60])], strategy="threshold")
    first, second = audit_cells([one, other])
    assert first.notes == ()
    assert first.train == second.test
    assert second.notes == (
        "1 of its folds have other rows than those of logistic_regression/none.",
    )


def test_folds_of_an_older_version_have_no_record_and_are_named():
    data = table()
    cell = run_cell(data, [halves(data)])
    old = dataclasses.replace(cell, folds=(dataclasses.replace(cell.folds[0], audit={}),))
    (audit,) = audit_cells([old])
    assert (audit.n_recorded, audit.train, audit.leaks) == (0, "", ())
    assert audit.notes == ("1 fold without a record, of an older version: run them anew.",)
    assert duplicate_warnings([old]) == []


def test_duplicates_over_the_folds_are_one_warning_per_split():
    data = table()
    X = data.X.copy()
    X[60:66] = X[:6]
    data = table(X=X)
    found = [run_cell(data, [halves(data)], strategy=name) for name in ("none", "threshold")]
    (sentence,) = duplicate_warnings(found)
    assert sentence == (
        "dataset=t: duplicates straddle the folds: 6 of 60 test rows (10.0%, 1 fold) stand with "
        "the same values in the training part of their fold, 0 of them with another label there; "
        "114 of the 120 rows are different."
    )
