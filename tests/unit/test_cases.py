"""The small inputs that users bring, run to their figures through the Python functions.

Their notices are in test_checks.py, how they are read in test_reading_cases.py.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from imbench.components.class_names import find_class
from imbench.data.dataset import Dataset
from imbench.data.table import load_table
from imbench.errors import DataError, Incompatible
from imbench.pipeline.build import build
from imbench.run.folds import fit_fold
from imbench.strategies.facts import facts_of
from tests.cells import cell_of

BOOSTING, TREE = "hist_gradient_boosting", "decision_tree"
FEW = "model.estimator.max_iter=40"  # trees: these tables need no more


@dataclass(frozen=True)
class Case:
    """A file, how it is run, and between which figures the result lies.

    The macro F1 is that of the folder's README, or that of a run of this test where it names
    none; the refusal is what the file gives without ``options``.
    """

    low: float
    high: float
    target: str | int = "target"
    model: str = BOOSTING
    strategy: str = "none"
    options: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""


PLAIN = (0.59, 0.79)
CASES = {
    "plain.csv": Case(*PLAIN),
    "decimal_comma.csv": Case(
        *PLAIN, options={"decimal": ","}, refusal=r"'dataset\.decimal=\",\"'"
    ),
    "excel_na.csv": Case(*PLAIN),
    "strnum.parquet": Case(*PLAIN),
    "dates.csv": Case(
        0.45, 0.75, options={"dates": "parts"}, refusal=r"or dataset\.dates=parts to"
    ),
    "nohead.csv": Case(
        *PLAIN, target=-1, options={"header": False}, refusal=r"set dataset\.header=false"
    ),
    "groups.csv": Case(0.9, 1.0, target="y", model=TREE),
    "panel.csv": Case(
        0.9,
        1.0,
        target="Churn",
        model=TREE,
        options={"drop": ["month", "customerID"]},
        refusal="column 'month': holds dates",
    ),
    "sorted_id.csv": Case(0.98, 1.0),
    "oversampled_before_split.csv": Case(0.9, 1.0, target="y", model=TREE),
    "sparse_column.csv": Case(0.45, 0.8, target="y", strategy="random_under"),
    "tiny5.csv": Case(0.45, 0.8, model=TREE, strategy="smote"),
    "manyrare.csv": Case(
        0.02,
        0.3,
        target="y",
        model=TREE,
        options={"categorical": ["y"]},
        refusal=r"'dataset\.categorical=\[y\]'",
    ),
    "class_na.csv": Case(*PLAIN),
    "kc1.arff": Case(0.4, 0.75, target="defects", model=TREE),
    "yes_variants.csv": Case(0.25, 0.6, model=TREE),
    "breast_header.csv": Case(0.45, 0.75, target="class", model=TREE, strategy="smoten"),
}


@pytest.fixture(scope="module")
def splitter():
    return replace(cell_of("splits=kfold").splitter, n_repeats=1)


@pytest.fixture
def folder(data_dir: Path) -> Path:
    found = data_dir.parent / "cases"
    if not found.is_dir():
        pytest.skip("the small inputs are not there: they lie in a folder `cases` beside the data")
    return found


composed = functools.cache(cell_of)


def folds_of(data: Dataset, model: str, strategy: str, splitter: Any, *words: str) -> Any:
    """Yield each fitted fold: estimator, rows, labels."""
    words = (*words, FEW) if model == BOOSTING and not words else words
    cell = composed(f"model={model}", f"strategy={strategy}", *words)
    for fold in splitter.split(data, 0):
        estimator, _ = fit_fold(data, cell.model, cell.strategy, fold, 0)
        yield estimator, data.X[fold.test_index], data.y[fold.test_index]


def load(folder: Path, name: str) -> Dataset:
    case = CASES[name]
    return load_table(str(folder / name), case.target, **case.options)


@pytest.mark.parametrize("name", CASES)
def test_the_figure_of_a_case(folder, splitter, name):
    case = CASES[name]
    if case.refusal:
        with pytest.raises(DataError, match=case.refusal):
            load_table(str(folder / name), case.target)
    data = load(folder, name)
    found, precisions = [], []
    for estimator, X, y in folds_of(data, case.model, case.strategy, splitter):
        found.append(f1_score(y, estimator.predict(X), average="macro"))
        if name == "plain.csv":
            precisions.append(average_precision_score(y, estimator.predict_proba(X)[:, 1]))
    if precisions:
        assert np.mean(precisions) == pytest.approx(0.47, abs=0.1)
    assert len(found) == 5
    assert case.low <= np.mean(found) <= case.high, np.mean(found)


def test_every_file_of_the_folder_is_a_case(folder):
    files = {path.name for path in folder.iterdir() if path.suffix != ".md"}
    assert files == CASES.keys()


def test_without_the_row_number_a_sorted_file_is_like_the_reference(folder, splitter):
    data = load_table(str(folder / "sorted_id.csv"), "target", drop=["ID"])
    found = [
        f1_score(y, estimator.predict(X), average="macro")
        for estimator, X, y in folds_of(data, BOOSTING, "none", splitter)
    ]
    assert PLAIN[0] <= np.mean(found) <= PLAIN[1]


SPARSE = (
    *("none", "random_over", "random_under", "smote", "balanced_weights", "tomek", "rose"),
    *("balanced_bagging", "easy_ensemble", "rusboost", "threshold", "isotonic"),
)


@pytest.mark.parametrize("strategy", SPARSE)
def test_no_strategy_fails_on_a_sparse_column(folder, splitter, strategy):
    data = load(folder, "sparse_column.csv")
    # Cutting the ensembles short leaves bags without a value all the same.
    words = ["model.estimator.max_iter=3", "+model.estimator.min_samples_leaf=5"]
    if strategy in ("balanced_bagging", "easy_ensemble", "rusboost"):
        words.append(f"strategy.ensemble.{strategy}.n_estimators=3")
    notes: set[str] = set()
    for estimator, X, _ in folds_of(data, BOOSTING, strategy, splitter, *words):
        assert np.isfinite(estimator.predict_proba(X)).all()
        notes.update(facts_of(estimator).notes)
    if strategy in ("random_under", "balanced_bagging", "easy_ensemble"):
        assert (
            "column 'ceiling' has no value in the rows that were fitted: it is 0 in all rows."
            in notes
        )


def test_few_rare_rows_are_said_with_the_neighbours_that_were_clipped(folder, splitter):
    folds = folds_of(load(folder, "tiny5.csv"), TREE, "smote", splitter)
    for estimator, _, _ in folds:
        (note,) = facts_of(estimator).notes
        assert note.startswith("strategy.resample.smote.k_neighbors=5 was clipped to 3: class '1'")


def test_a_class_with_the_name_of_a_truth_value_is_found(folder):
    cell = cell_of("metrics.minority=true")
    data = load(folder, "kc1.arff")
    assert find_class(str(cell.metrics.minority), data.class_names) == 1
    assert data.class_names == ("false", "true")


def test_the_advice_for_categories_alone_ends_at_one_that_works(folder):
    info = load(folder, "breast_header.csv").info
    name, seen = "smote", []
    while name not in seen:
        seen.append(name)
        cell = cell_of(f"model={TREE}", f"strategy={name}")
        try:
            build(cell.model, cell.strategy, info, seed=0)
        except Incompatible as refusal:
            name = refusal.reason.rpartition("use ")[2].removesuffix(" instead.")
    assert seen == ["smote", "smotenc", "smoten"]


def test_a_class_named_as_a_missing_value_is_kept_and_the_key_is_said(folder):
    data = load(folder, "class_na.csv")
    assert "N/A" in data.class_names
    (words,) = [n.words for n in data.notices if "'N/A' is a class" in n.words]
    assert "because dataset.missing does not list it" in words
