"""The shipped resamplers in a pipeline: chains, categories, images, notes."""

import re
import warnings
from functools import cache

import numpy as np
import pytest
import yaml
from imblearn.over_sampling import SMOTE
from sklearn.linear_model import LogisticRegression

from imbench.config import catalogue
from imbench.data.dataset import Dataset
from imbench.errors import DataError, Incompatible
from imbench.pipeline.build import build
from imbench.pipeline.steps import CheckedSampler
from imbench.testing import cells
from imbench.testing.data import CASES

pytestmark = pytest.mark.slow  # seconds as a whole

OVER = (
    *("smote", "rose", "borderline_smote", "svm_smote", "kmeans_smote", "adasyn"),
    *("polynom_fit_smote", "prowsyn", "smote_ipf", "smote_tomek", "smote_enn"),
)
UNDER = (
    *("random_under", "near_miss", "tomek", "enn", "repeated_enn", "all_knn", "condensed_nn"),
    *("one_sided", "neighbourhood_cleaning", "instance_hardness", "cluster_centroids"),
)
CATEGORICAL = {"smotenc": "mixed_table", "smoten": "only_categories"}


def make_table(sizes, seed=0, shift=1.0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    X = rng.normal(size=(len(y), 4)) + shift * y[:, None]
    names = ("many", "some", "few")[-len(sizes) :]
    return Dataset("t", X, y.astype(np.int64), names, tuple("abcd"))


@cache
def parts(selection, *overrides):
    """Composing a configuration takes longer than most of the samplers."""
    return cells.parts("logistic_regression", selection, overrides)


def fitted(selection, data, *overrides, seed=0):
    return build(*parts(selection, *overrides), data.info, seed).fit(data.X, data.y)


def counts(selection, data, *overrides):
    return fitted(selection, data, *overrides)["rows"].class_counts_.tolist()


def resampled(selection, data):
    """Return the rows in front of the resampler and behind it, and the labels behind it."""
    pipeline = fitted(selection, data)
    before = pipeline["clean"].transform(data.X)
    rows, labels = pipeline[selection].fit_resample(before, data.y)
    return before, rows, labels


@pytest.mark.contract
@pytest.mark.parametrize("name", OVER)
def test_over_samplers_leave_rarer_classes_larger(name):
    data = make_table((150, 50, 30), shift=2.0)
    after = counts(name, data)
    assert after[1] > 50
    assert after[2] > 30


@pytest.mark.contract
@pytest.mark.parametrize("name", UNDER)
def test_under_samplers_take_rows_of_the_larger_classes_and_none_of_the_rarest(name):
    data = make_table((150, 50, 30))
    after = counts(name, data)
    assert after[0] < 150
    assert after[1] <= 50
    assert after[2] == 30


@pytest.mark.contract
@pytest.mark.parametrize("name", [*OVER, *UNDER])
def test_every_resampler_works_on_images_as_numbers_from_zero_to_one(name):
    data = CASES["images"]()
    _, rows, labels = resampled(name, data)
    assert set(labels) == {0, 1, 2}
    assert rows.shape[1] == 64
    made_by_noise = name in {"rose", "svm_smote"}  # may step out of the range
    assert made_by_noise or (rows.min() >= 0 and rows.max() <= 1)


@pytest.mark.parametrize("name", [n for n in (*OVER, *UNDER) if n != "random_under"])
def test_distances_between_categories_are_incompatible_with_a_fix(name):
    model, strategy = parts(name)
    with pytest.raises(Incompatible) as caught:
        build(model, strategy, CASES["mixed_table"]().info, seed=0)
    other = re.search(rf"^strategy={name} needs a table of numbers.*; use (\w+) instead\.$",
                      caught.value.reason)  # fmt: skip
    assert other is not None
    assert counts(other[1], CASES["mixed_table"]())[1] >= 40, "what is named works"


def test_random_under_takes_categories_and_missing_values():
    for case in ("mixed_table", "only_categories"):
        assert counts("random_under", CASES[case]()) == [40, 40]


class TestCategories:
    @pytest.mark.parametrize(("name", "case"), CATEGORICAL.items())
    def test_classes_become_equally_large(self, name, case):
        assert counts(name, CASES[case]()) == [300, 300]

    @pytest.mark.parametrize(("name", "case"), CATEGORICAL.items())
    def test_new_codes_are_codes_of_the_training_rows(self, name, case):
        data = CASES[case]()
        before, rows, _ = resampled(name, data)
        n_categorical = len(data.categories)
        assert len(rows) > len(before)
        for column in range(rows.shape[1] - n_categorical, rows.shape[1]):
            assert set(rows[:, column]) <= set(before[:, column])
            assert -1 in before[:, rows.shape[1] - n_categorical], "missing is a category"

    def test_smotenc_takes_the_commonest_category_of_the_neighbours(self):
        # Two far groups of the rare class, each with a category of its own.
        rng = np.random.default_rng(0)
        X = np.concatenate([rng.normal(size=(100, 3)), rng.normal(size=(20, 3)) * 0.01])
        X[100:110, 0], X[110:, 0] = 50, -50
        X[:, 2] = 0
        X[110:, 2] = 1
        y = np.repeat([0, 1], [100, 20])
        data = Dataset("t", X, y, ("a", "b"), tuple("xyz"), categories={2: ("p", "q")})
        before, rows, labels = resampled("smotenc", data)
        made = rows[len(before) :]
        assert (labels[len(before) :] == 1).all()
        np.testing.assert_array_equal(made[:, 2], (made[:, 0] < 0).astype(float))

    def test_smotenc_gets_the_categorical_columns_at_any_position(self):
        data = CASES["mixed_table"]()
        moved = Dataset(
            "moved",
            data.X[:, [7, *range(7)]],
            data.y,
            data.class_names,
            data.feature_names,
            categories={0: data.categories[7]},
        )
        for table in (data, moved):
            assert fitted("smotenc", table)["smotenc"].sampler.categorical_features == [7]

    def test_the_configured_sampler_is_not_changed(self):
        model, strategy = cells.parts("logistic_regression", "smotenc")
        build(model, strategy, CASES["mixed_table"]().info, seed=0)
        assert strategy.resample["smotenc"].categorical_features == []

    @pytest.mark.parametrize("name", CATEGORICAL)
    def test_a_numeric_table_is_incompatible_with_a_fix(self, name):
        model, strategy = parts(name)
        with pytest.raises(Incompatible, match=rf"^strategy={name} needs .*; use smote.* instead"):
            build(model, strategy, CASES["three_classes"]().info, seed=0)


class TestChains:
    def test_resamplers_work_in_the_order_of_selection(self):
        data = make_table((200, 60, 20))
        ratio = "strategy.resample.random_under.ratio=4"
        assert counts("[random_under,smote]", data, ratio) == [80, 80, 80]
        assert counts("[smote,random_under]", data, ratio) == [200, 200, 200]

    def test_a_chain_has_the_rows_of_its_parts_one_after_the_other(self):
        data = make_table((120, 40))
        links = fitted("[smote,tomek]", data)
        before = links["clean"].transform(data.X)
        rows, labels = links["smote"].fit_resample(before, data.y)
        expected, _ = SMOTE(random_state=links["smote"].sampler.random_state).fit_resample(
            before, data.y
        )
        np.testing.assert_array_equal(rows, expected)
        assert links["rows"].class_counts_.tolist() == [
            *np.bincount(links["tomek"].fit_resample(rows, labels)[1])
        ]
        # Balanced rows have no majority: which ends of a link go is for `tomek` to say.
        both = counts("[smote,tomek]", data, "strategy.resample.tomek.sampling_strategy=all")
        assert both == counts("smote_tomek", data)

    def test_a_chain_that_empties_a_class_names_the_sampler(self):
        data = make_table((200, 60, 20))
        X = data.X.copy()
        X[data.y == 1] = X[data.y == 0][:60] + 1e-6  # each beside a row of another class
        lost = Dataset("t", X, data.y, data.class_names, data.feature_names)
        with pytest.raises(DataError) as caught:
            fitted("[smote,enn]", lost, "strategy.resample.smote.sampling_strategy={2: 30}")
        assert str(caught.value) == (
            "strategy.resample.enn leaves no row of class 'some': set "
            "strategy.resample.enn.kind_sel=mode, or choose another resampler."
        )

    def test_over_sampling_comes_too_late_for_a_class_that_has_too_few_rows(self):
        data = make_table((200, 60, 1))
        assert counts("[random_over,smote]", data) == [200, 200, 200]
        with pytest.raises(DataError, match=r"^strategy\.resample\.smote\.k_neighbors=5 needs"):
            fitted("[smote,random_over]", data)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_near_miss_keeps_as_many_rows_as_the_rarest_class_has_at_most(version):
    data = make_table((150, 60, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # version 3 may find fewer rows
        after = counts("near_miss", data, f"strategy.resample.near_miss.version={version}")
    assert after[2] == 30
    assert max(after) == 30


def test_rose_makes_rows_around_old_ones_and_with_no_shrinkage_the_old_ones_themselves():
    data = make_table((60, 20))
    before, rows, _ = resampled("rose", data)
    old = {tuple(row) for row in before}
    assert not {tuple(row) for row in rows[80:]} & old
    pipeline = fitted("rose", data, "strategy.resample.rose.shrinkage=0")
    rows, _ = pipeline["rose"].fit_resample(before, data.y)
    assert {tuple(row) for row in rows[80:]} <= old


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("cluster_centroids", "estimator"),
        ("instance_hardness", "estimator"),
        ("svm_smote", "svm_estimator"),
        ("smote_enn", "smote"),
        ("smote_tomek", "smote"),
    ],
)
def test_estimators_inside_a_sampler_are_seeded(name, inside):
    model, strategy = parts(name)
    step = build(model, strategy, CASES["three_classes"]().info, seed=7)[name]
    assert getattr(step.sampler, inside).random_state == 7


@pytest.mark.parametrize("name", [*OVER, *UNDER, *CATEGORICAL])
def test_every_search_range_contains_the_default_of_the_yaml(name):
    config = yaml.safe_load((catalogue.conf_dir() / "strategy" / f"{name}.yaml").read_text())
    for place, wanted in (config.get("search") or {}).items():
        value = config
        for part in place.split("."):
            value = value[part]
        if "choices" in wanted:
            assert value in wanted["choices"] or value == "auto"
        else:
            assert wanted["low"] <= value <= wanted["high"]


def test_all_resamplers_of_the_catalogue_are_tested():
    shipped = {i.name for i in catalogue.items("strategy", [catalogue.conf_dir()])
               if "resample" in i.stages}  # fmt: skip
    assert {*OVER, *UNDER, *CATEGORICAL} <= shipped


class TestNotes:
    def note_of(self, sampler, X, y):
        step = CheckedSampler(sampler, "strategy.resample.x", ("many", "some", "few"))
        step.fit_resample(X, y)
        return step.notes_

    def test_a_class_without_new_rows_is_noted(self):
        data = make_table((60, 20, 6))
        found = self.note_of(SMOTE(sampling_strategy={1: 60}), data.X, data.y)
        assert found == ("strategy.resample.x made no row of class 'few'.",)

    def test_nothing_is_noted_where_every_class_grows(self):
        data = make_table((60, 20, 8))
        assert self.note_of(SMOTE(), data.X, data.y) == ()

    def test_a_sampler_that_does_nothing_is_noted(self):
        data = make_table((20, 20, 20))
        found = self.note_of(SMOTE(), data.X, data.y)
        assert found == ("strategy.resample.x changed the size of no class.",)

    def test_notes_of_the_sampler_itself_are_kept(self):
        class Noting(LogisticRegression):
            def fit_resample(self, X, y):
                self.notes_ = ("trained on little.",)
                return X[1:], y[1:]

        data = make_table((60, 20, 8))
        assert self.note_of(Noting(), data.X, data.y) == ("trained on little.",)
