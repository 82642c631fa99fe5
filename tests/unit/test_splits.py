"""Folds: complete, disjoint, stratified, and equal for all strategies and models."""

import numpy as np
import pytest

from imbench.data.dataset import Dataset
from imbench.data.splits import Holdout, OfficialTest, RepeatedKFold
from imbench.errors import ConfigError, DataError
from imbench.run import cell as run
from imbench.run import folds as folds_module
from tests.cells import cells_of

SIZES = (70, 23, 11)


def make_data(sizes=SIZES, name="made", n_test=0, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    test_index = rng.permutation(len(y))[:n_test] if n_test else None
    names = tuple(f"c{k}" for k in range(len(sizes)))
    return Dataset(name, np.arange(len(y), dtype=float)[:, None], y, names, test_index=test_index)


def pairs(folds):
    return [(f.repeat, f.fold, f.train_index.tolist(), f.test_index.tolist()) for f in folds]


SPLITTERS = [RepeatedKFold(5, 2), RepeatedKFold(5, "auto"), Holdout(0.25, 3), OfficialTest()]
SPLITTERS += [Holdout(0.25, n_seeds=3), OfficialTest(3)]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: type(s).__name__)
def test_folds_are_disjoint_sorted_and_as_many_as_announced(splitter):
    data = make_data(n_test=20)
    folds = splitter.split(data, 0)
    assert len(folds) == splitter.n_folds
    assert [(f.repeat, f.fold) for f in folds] == splitter.places
    assert splitter.places == sorted(set(splitter.places))
    for fold in folds:
        assert not set(fold.train_index) & set(fold.test_index)
        for index in (fold.train_index, fold.test_index):
            assert index.dtype == np.int64
            assert (np.diff(index) > 0).all()


@pytest.mark.parametrize("splitter", [RepeatedKFold(5, 2), Holdout(0.25, 3)])
def test_the_official_test_set_is_neither_trained_on_nor_cross_validated(splitter):
    data = make_data(n_test=20)
    for fold in splitter.split(data, 0):
        used = [*fold.train_index, *fold.test_index]
        assert sorted(used) == data.pool_index.tolist()
        assert not set(used) & set(data.test_index)


def test_every_row_is_tested_once_per_repeat():
    data = make_data()
    folds = RepeatedKFold(4, 3).split(data, 0)
    for repeat in range(3):
        tested = np.concatenate([f.test_index for f in folds if f.repeat == repeat])
        assert sorted(tested) == list(range(len(data.y)))


@pytest.mark.parametrize("n_splits", [2, 5, 11])
def test_the_share_of_a_class_is_the_same_in_every_fold_within_one_row(n_splits):
    data = make_data()
    for fold in RepeatedKFold(n_splits).split(data, 0):
        found = np.bincount(data.y[fold.test_index], minlength=3)
        assert (np.abs(found - np.array(SIZES) / n_splits) < 1).all()


@pytest.mark.parametrize("splitter", [RepeatedKFold(5, 2), Holdout(0.25, 2)])
def test_repeats_differ_and_so_do_seeds_and_data_sets(splitter):
    data = make_data()
    folds = splitter.split(data, 0)
    first, second = ([f.test_index.tolist() for f in folds if f.repeat == r] for r in (0, 1))
    assert first != second
    assert pairs(folds) != pairs(splitter.split(data, 1))
    assert pairs(folds) != pairs(splitter.split(make_data(name="other"), 0))


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: type(s).__name__)
def test_the_same_seed_gives_the_same_folds(splitter):
    data = make_data(n_test=20)
    assert pairs(splitter.split(data, 4)) == pairs(splitter.split(data, 4))


def test_more_repeats_do_not_change_the_first_ones():
    data = make_data()
    assert pairs(RepeatedKFold(5, 3).split(data, 0))[:5] == pairs(RepeatedKFold(5).split(data, 0))
    assert pairs(Holdout(0.25, 3).split(data, 0))[:1] == pairs(Holdout(0.25).split(data, 0))


@pytest.mark.parametrize("kind", [Holdout, OfficialTest])
def test_seeds_add_fits_of_the_same_rows(kind):
    data = make_data(n_test=20)
    few, many = (kind(n_seeds=n).split(data, 0) for n in (2, 5))
    assert pairs(many)[:2] == pairs(few)
    assert {f.repeat for f in many} == set(range(5))
    assert len({folds_module.fold_seed(0, data, f) for f in many}) == 5
    assert len({(f.train_index.tobytes(), f.test_index.tobytes()) for f in many}) == 1


def test_no_seed_of_a_holdout_has_the_place_of_a_repeat():
    assert not set(Holdout(n_seeds=9).places[1:]) & set(Holdout(n_repeats=9).places)


def test_strategies_and_models_have_the_same_folds_and_seeds(tmp_path, monkeypatch):
    met = []

    def fold_fitting(data, model, strategy, fold, seed, context):
        met.append((model.name, strategy.label, *pairs([fold])[0], seed))
        return None, 0.0
        yield

    monkeypatch.setattr(folds_module, "fold_fitting", fold_fitting)
    done = {"status": "ok", "reason": ""}
    monkeypatch.setattr(folds_module, "_predict", lambda data, fold, fit: done)
    words = [f"results_dir={tmp_path}", "dataset=synthetic", "dataset.n_rows=60"]
    runner = run.Runner(tmp_path)
    for cell in cells_of(*words, "strategy=none,smote", "model=knn,svm"):
        runner.run(cell)
    by_cell = {}
    for model, label, *rest in met:
        by_cell.setdefault((model, label), []).append(rest)
    assert len(by_cell) == 4
    first = by_cell["knn", "none"]
    assert len(first) == 5
    assert all(folds == first for folds in by_cell.values())


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5])
def test_a_holdout_tests_the_given_share_of_every_class(test_size):
    data = make_data((400, 100, 40))
    (fold,) = Holdout(test_size).split(data, 0)
    found = np.bincount(data.y[fold.test_index])
    assert (np.abs(found - test_size * np.array([400, 100, 40])) <= 1).all()


@pytest.mark.parametrize("test_size", [0.05, 0.25, 0.75, 0.9])
@pytest.mark.parametrize("rare", [2, 3, 8])
def test_a_holdout_has_every_class_on_both_sides_or_says_what_to_set(rare, test_size):
    data = make_data((200, 60, rare))
    for seed in range(5):
        try:
            (fold,) = Holdout(test_size).split(data, seed)
        except DataError as error:
            assert "splits.test_size" in str(error)  # noqa: PT017, either outcome is right
            continue
        for index in (fold.train_index, fold.test_index):
            assert np.bincount(data.y[index], minlength=3).min() > 0


def test_the_official_split_trains_on_all_other_rows():
    data = make_data(n_test=20)
    (fold,) = OfficialTest().split(data, 0)
    assert fold.test_index.tolist() == sorted(data.test_index)
    assert fold.train_index.tolist() == data.pool_index.tolist()


def test_an_official_split_without_an_official_test_set_says_what_to_set():
    with pytest.raises(ConfigError, match=r"^splits=official: dataset=made .*splits=kfold .*\.$"):
        OfficialTest().split(make_data(), 0)


def test_a_class_smaller_than_the_folds_is_a_sentence_with_numbers_and_fix():
    with pytest.raises(DataError) as caught:
        RepeatedKFold(5).split(make_data((50, 3)), 0)
    sentence = str(caught.value)
    for words in ("dataset=made", "class 'c1' has 3 rows", "at least 5", "splits.n_splits=3"):
        assert words in sentence
    assert sentence.endswith(".")
    assert len(RepeatedKFold(3).split(make_data((50, 3)), 0)) == 3, "the fix works"


def test_a_class_of_one_row_can_only_be_dropped():
    for splitter in (RepeatedKFold(2), Holdout()):
        with pytest.raises(DataError, match=r"'c1' has 1 row.*: drop the class with .*\{c1: 0\}"):
            splitter.split(make_data((50, 1)), 0)


def test_a_test_part_with_fewer_rows_than_classes_is_a_sentence():
    with pytest.raises(DataError, match=r"^splits\.test_size=0\.01 .* 3 classes .*0\.5\.$"):
        Holdout(0.01).split(make_data(), 0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: RepeatedKFold(1), r"^n_splits must be an integer of at least 2, got 1\.$"),
        (lambda: RepeatedKFold(2.5), r"^n_splits must be .*, got 2\.5\.$"),
        (lambda: RepeatedKFold(5, 0), r"^n_repeats must be auto or an integer of .* 1, got 0\.$"),
        (lambda: RepeatedKFold(5, "many"), r"^n_repeats must be auto or .*, got 'many'\.$"),
        (lambda: Holdout(0.0), r"^test_size must lie between 0 and 1, got 0\.0\.$"),
        (lambda: Holdout(1.0), r"^test_size must lie between 0 and 1, got 1\.0\.$"),
        (lambda: Holdout(0.5, 0), r"^n_repeats must be an integer of at least 1, got 0\.$"),
        (lambda: Holdout(0.5, "auto"), r"^n_repeats=auto is for splits=kfold: .*n_repeats=3\.$"),
        (lambda: Holdout(n_seeds=0), r"^n_seeds must be an integer of at least 1, got 0\.$"),
        (lambda: Holdout(0.5, 2, 2), r"^n_repeats=2 and n_seeds=2 .* splits\.n_seeds=1\.$"),
        (lambda: OfficialTest(0), r"^n_seeds must be an integer of at least 1, got 0\.$"),
    ],
)
def test_values_out_of_range_are_refused_by_name(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
