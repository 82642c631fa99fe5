"""The classifier: scikit-learn's checks, DataFrames, the tools of scikit-learn, refusals."""

import copy
import doctest
import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import imbench
from imbench import ConfigError, DataError, ImbalancedClassifier, Incompatible
from imbench.data.digits import load_digits
from imbench.models.base import Model
from imbench.models.preprocessing import Preprocessing
from tests.conftest import ROOT

WEIGHTS = (
    "weights are scaled to a mean of one, so that a row of weight 2 is more than two rows to a "
    "regularised model, and a row of weight 0 is seen by the scaler"
)
ARGMAX = "a tuned threshold is not where the likeliest class changes"
FAST_RULE = "strategy.decision.threshold.cv=2"


def known_failures(estimator):
    """Checks of scikit-learn that fail, with the reason; one that passes fails the test."""
    if estimator.model == "hist_gradient_boosting":
        return {}
    found = {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}
    return found | ({} if estimator.strategy == "none" else {"check_classifiers_train": ARGMAX})


@parametrize_with_checks(
    [ImbalancedClassifier("none", "logistic_regression")], expected_failed_checks=known_failures
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        ImbalancedClassifier("threshold", "logistic_regression", [FAST_RULE]),
        ImbalancedClassifier(overrides=["model.estimator.max_iter=5"]),
    ],
    expected_failed_checks=known_failures,
)
def test_the_checks_of_scikit_learn_with_a_tuned_threshold_and_with_the_defaults(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def frame():
    """Rows with columns of many types, and the class in `churn`."""
    rng = np.random.default_rng(0)
    n = 240
    y = rng.random(n) < 0.25
    return pd.DataFrame(
        {
            "load": rng.normal(size=n) + 2 * y,
            "calls": pd.array(rng.integers(0, 9, n), dtype="Int64").copy(),
            "city": rng.choice(["Ulm", "Kiel", "Bonn"], n),
            "size": pd.Categorical(rng.choice(["S", "M"], n), ["S", "M", "L"], ordered=True),
            "paid": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "code": "same",
            "churn": np.where(y, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def fitted(frame):
    return imbench.make("random_over+threshold", "logistic_regression").fit(frame, "churn")


def test_rows_of_the_frame_that_was_fitted_are_predicted_with_and_without_its_target(frame, fitted):
    labels = fitted.predict(frame)
    assert set(labels) == {"no", "yes"}
    assert (labels == frame["churn"]).mean() > 0.8
    shuffled = frame.drop(columns=["churn", "code"])[["paid", "size", "load", "city", "calls"]]
    assert np.array_equal(fitted.predict_proba(shuffled), fitted.predict_proba(frame))
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.feature_names_in_.tolist() == frame.columns.drop("churn").tolist()
    assert fitted.n_features_in_ == 6


def test_a_target_by_name_and_its_values_give_the_same_model(frame, fitted):
    apart = clone(fitted).fit(frame.drop(columns="churn"), frame["churn"])
    assert np.array_equal(apart.predict_proba(frame), fitted.predict_proba(frame))
    assert apart.schema_.columns == fitted.schema_.columns
    assert (apart.schema_.target, fitted.schema_.target) == (None, "churn")


def test_the_threshold_is_the_one_that_decides_and_none_without_a_rule(frame, fitted):
    above = fitted.predict_proba(frame)[:, 1] >= fitted.threshold_
    assert np.array_equal(above, fitted.predict(frame) == "yes")
    plain = ImbalancedClassifier("none", "logistic_regression").fit(frame, "churn")
    assert plain.threshold_ is None
    weights = ImbalancedClassifier("class_thresholds", "logistic_regression").fit(frame, "churn")
    above = weights.predict_proba(frame)[:, 1] > weights.threshold_
    assert np.array_equal(above, weights.predict(frame) == "yes")


def test_notes_say_what_was_left_out_and_what_the_strategy_had_to_change(frame):
    few = pd.concat([frame[frame["churn"] == "no"][:40], frame[frame["churn"] == "yes"][:3]])
    notes = imbench.make("threshold", "logistic_regression").fit(few, "churn").notes_
    assert any("'code'" in note and "left out" in note for note in notes)
    assert any(note.startswith("threshold:") for note in notes)


def test_an_unknown_category_and_missing_values_are_predicted(frame, fitted):
    new = frame.head(3).assign(city="Rom", load=np.nan, size=None, calls=pd.NA)
    scores = fitted.predict_proba(new)
    assert np.isfinite(scores).all()
    assert fitted.schema_.report(new) == {"city": 3}


@pytest.mark.parametrize(
    "y",
    [
        np.arange(240) % 4 == 0,
        np.where(np.arange(240) % 4 == 0, 7, -2),
        pd.Series(np.where(np.arange(240) % 4 == 0, "b", "a"), dtype="category"),
        pd.Series(np.arange(240) % 3, dtype="Int64"),
        [["10", "9"][i % 4 == 0] for i in range(240)],
        (np.arange(240) % 2).astype(float),
    ],
    ids=["bool", "int", "category", "Int64", "list", "float"],
)
def test_classes_are_the_sorted_values_of_y_whatever_their_type(frame, y):
    model = ImbalancedClassifier("none", DecisionTreeClassifier())
    arrays = frame[["load"]].to_numpy(), frame[["load"]]
    for X in arrays:
        model.fit(X, y)
        assert model.classes_.tolist() == sorted(set(y))
        assert model.predict(X).tolist() == list(y)
        assert model.predict(X).dtype == model.classes_.dtype


def test_a_target_of_a_frame_keeps_its_values_and_is_sorted_by_them(frame):
    rows = frame[["load"]].assign(y=np.where(frame["churn"] == "yes", "10", "9"))
    model = ImbalancedClassifier("none", DecisionTreeClassifier()).fit(rows, "y")
    assert model.classes_.tolist() == ["10", "9"]
    assert model.predict(rows).tolist() == rows["y"].tolist()
    whole = model.fit(rows.assign(y=rows["y"].astype(int)), "y").predict(rows)
    assert whole.tolist() == rows["y"].astype(int).tolist()


def test_rows_may_share_labels_and_columns_may_be_named_by_numbers(frame):
    rows = pd.concat([frame, frame])[["load", "city", "churn"]].set_axis([0, 1, 2], axis=1)
    model = ImbalancedClassifier("none", "decision_tree").fit(rows, "2")
    assert model.predict(rows.iloc[:, :2]).tolist() == rows[2].tolist()
    assert model.n_features_in_ == 2
    assert not hasattr(model, "feature_names_in_")


def test_arrays_with_missing_values_and_ten_classes():
    data = load_digits()
    X, y = data.X[:400].astype(float), data.y[:400]
    X[::9, 20] = np.nan
    model = ImbalancedClassifier("random_under", "decision_tree").fit(X, y)
    assert model.predict(X).shape == (400,)
    assert model.predict_proba(X).shape == (400, 10)
    assert model.schema_.names[:2] == ("x0", "x1")


def test_a_fit_repeats_and_copies_predict_the_same(frame, fitted):
    expected = fitted.predict_proba(frame)
    again = clone(fitted).fit(frame, "churn")
    for copied in (again, copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(copied.predict_proba(frame), expected)


def test_another_seed_gives_another_model(frame, fitted):
    other = clone(fitted).set_params(random_state=1).fit(frame, "churn")
    assert not np.array_equal(other.predict_proba(frame), fitted.predict_proba(frame))
    drawn = clone(fitted).set_params(random_state=np.random.RandomState(3))
    assert drawn.fit(frame, "churn").predict(frame).shape == (len(frame),)


def test_parameters_are_searched_and_models_cross_validated_on_frames(frame):
    X, y = frame.drop(columns="churn"), frame["churn"]
    search = GridSearchCV(
        ImbalancedClassifier("none", "logistic_regression"),
        {
            "strategy": ["none", "inverse_weights"],
            "model": ["decision_tree", LogisticRegression()],
            "overrides": [["model.preprocessing.scale=false"]],
        },
        cv=2,
        scoring="balanced_accuracy",
        error_score="raise",
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.predict(X).shape == (len(X),)
    found = cross_validate(search.best_estimator_, X, y, cv=2, scoring="roc_auc")
    assert found["test_score"].min() > 0.5


def test_several_are_fitted_in_threads_of_one_process(frame):
    words = [[f"model.estimator.C={i}.0"] for i in (1, 2, 3)]
    models = [ImbalancedClassifier("none", "logistic_regression", word) for word in words]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda model: model.fit(frame, "churn"), models))
    assert [model.estimator_.steps[-1][1].C for model in found] == [1, 2, 3]


def test_parameters_of_a_model_that_is_an_object_are_set(frame):
    model = ImbalancedClassifier("none", DecisionTreeClassifier())
    model.set_params(model__max_depth=1).fit(frame, "churn")
    assert model.estimator_.steps[-1][1].get_depth() == 1
    assert model.model.max_depth == 1


def test_it_is_the_last_step_of_a_pipeline(frame):
    X, y = frame[["load"]], frame["churn"]
    pipe = make_pipeline(MinMaxScaler(), ImbalancedClassifier("none", "logistic_regression"))
    assert pipe.fit(X, y).score(X, y) > 0.8
    pipe.set_output(transform="pandas")
    assert pipe.fit(X, y)[-1].schema_.names == ("load",)


def test_a_strategy_is_written_in_three_ways(frame):
    ways = ["random_over+threshold", "[random_over, threshold]", ["random_over", "threshold"]]
    models = [ImbalancedClassifier(way, "decision_tree").fit(frame, "churn") for way in ways]
    scores = [model.predict_proba(frame) for model in models]
    assert np.array_equal(scores[0], scores[1])
    assert np.array_equal(scores[0], scores[2])
    assert models[0].threshold_ is not None


def test_overrides_change_parts_and_how_columns_are_read(frame):
    rows = frame.assign(when=["2020-01-31", "2020-02-28", "2021-03-31"] * 80, who=range(240))
    words = ["+model.estimator.max_depth=1", "dataset.dates=parts", "dataset.drop=[who]"]
    model = imbench.make("none", "decision_tree", overrides=words).fit(rows, "churn")
    assert model.estimator_.steps[-1][1].max_depth == 1
    assert "when_month" in model.schema_.feature_names
    assert "who" not in model.schema_.names
    assert model.predict(rows.drop(columns="who")).shape == (240,)


def test_a_date_is_refused_with_a_setting_that_works(frame):
    rows = frame.assign(when=["2020-01-31", "2020-02-28", "2021-03-31"] * 80)
    with pytest.raises(DataError, match="column 'when': holds dates") as refused:
        ImbalancedClassifier("none", "decision_tree").fit(rows, "churn")
    word = re.search(r"dataset\.dates=\w+", str(refused.value))[0]
    assert str(refused.value).endswith("Give such settings as overrides=['KEY=VALUE'].")
    ImbalancedClassifier("none", "decision_tree", [word]).fit(rows, "churn")


def test_weights_change_the_fit_in_whatever_unit_they_come(frame):
    model = ImbalancedClassifier("none", "logistic_regression")
    weight = np.where(frame["churn"] == "yes", 5.0, 1.0)
    plain = model.fit(frame, "churn").predict_proba(frame)
    ones = model.fit(frame, "churn", sample_weight=np.full(len(frame), 3.0)).predict_proba(frame)
    assert np.allclose(plain, ones)
    first = model.fit(frame, "churn", sample_weight=weight).predict_proba(frame)
    second = model.fit(frame, "churn", sample_weight=1000 * weight).predict_proba(frame)
    assert np.allclose(first, second)
    assert (first[:, 1] > plain[:, 1]).all()
    column = model.set_params(overrides=["dataset.weight=w"]).fit(frame.assign(w=weight), "churn")
    assert "w" not in column.schema_.names
    assert np.array_equal(column.predict_proba(frame), first)


def test_groups_stay_together_in_inner_folds(frame, monkeypatch):
    from imbench.strategies.decision import base

    seen = []
    plain = base.inner_splits

    def watched(labels, groups, *rest):
        splits, notes = plain(labels, groups, *rest)
        seen.extend(set(groups[train]) & set(groups[test]) for train, test in splits)
        return splits, notes

    monkeypatch.setattr(base, "inner_splits", watched)
    model = ImbalancedClassifier("threshold", "decision_tree", [FAST_RULE])
    groups = [f"g{i // 6}" for i in range(240)]
    model.fit(frame, "churn", groups=groups)
    assert seen == [set(), set()]
    by_role = ImbalancedClassifier("threshold", "decision_tree", [FAST_RULE, "dataset.groups=who"])
    by_role.fit(frame.assign(who=groups), "churn")
    assert seen == [set()] * 4
    assert by_role.threshold_ == model.threshold_


def test_groups_reach_the_folds_of_scikit_learn(frame):
    X, y = frame.drop(columns="churn"), frame["churn"]
    groups = np.arange(240) // 6
    model = ImbalancedClassifier("threshold", "decision_tree", [FAST_RULE])
    given = {"groups": groups, "params": {"groups": groups}}
    found = cross_validate(model, X, y, cv=GroupKFold(2), error_score="raise", **given)
    assert len(found["test_score"]) == 2


def test_a_model_of_imbench_is_taken_as_it_is(frame):
    model = Model("bare", DecisionTreeClassifier(), Preprocessing(one_hot=False))
    fitted = ImbalancedClassifier("none", model).fit(frame, "churn")
    assert fitted.estimator_.steps[-1][1].n_features_in_ == 5


def test_a_folder_of_ones_own_has_models(frame, tmp_path):
    (tmp_path / "model").mkdir()
    text = "name: stump\nestimator: {_target_: sklearn.tree.DecisionTreeClassifier, max_depth: 1}"
    (tmp_path / "model" / "stump.yaml").write_text(text)
    model = imbench.make("none", "stump", config_dir=tmp_path).fit(frame, "churn")
    assert model.estimator_.steps[-1][1].get_depth() == 1


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"strategy": "smoke"}, "did you mean 'smote'"),
        ({"strategy": ""}, "names nothing"),
        ({"strategy": 3}, "is no name"),
        ({"model": "knnn"}, "did you mean 'knn'"),
        ({"model": DecisionTreeClassifier}, "but a class"),
        ({"model": MinMaxScaler()}, "MinMaxScaler is no classifier"),
        ({"overrides": "model.estimator.C=1"}, "give a list"),
        ({"overrides": ["model"]}, "write 'key=value'"),
        ({"overrides": ["model=knn"]}, "as the parameter model"),
        ({"overrides": ["splits.n_splits=3"]}, "has no effect"),
        ({"overrides": ["dataset.path=a.csv"]}, "has no effect"),
        ({"overrides": ["model.estimator.nonsense=3"]}, "there is no such key"),
        ({"strategy": "threshold", "overrides": ["strategy.decision.threshold.cv=1"]}, "cv must"),
        ({"strategy": "smote+adasyn+threshold+platt"}, "threshold"),
        ({"config_dir": "nowhere"}, "is not a folder"),
        (
            {"model": DecisionTreeClassifier(), "overrides": ["+model.estimator.max_depth=1"]},
            "set it in the object",
        ),
    ],
)
def test_wrong_parameters_are_one_sentence_before_anything_is_fitted(parameters, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        imbench.make(**parameters)


def test_what_does_not_fit_together_is_incompatible(frame):
    with pytest.raises(Incompatible, match="smote needs a table of numbers"):
        ImbalancedClassifier("smote").fit(frame, "churn")
    with pytest.raises(Incompatible, match="takes no sample_weight"):
        ImbalancedClassifier("none", "knn").fit(frame, "churn", sample_weight=np.ones(240))


@pytest.mark.parametrize(
    ("y", "given", "words"),
    [
        (["a"] * 240, {}, "one class only ('a')"),
        ([None, *["a", "b"] * 119, "a"], {}, "1 of 240 rows have no class"),
        (["a", "b"] * 3, {}, "inconsistent numbers of samples"),
        (None, {}, "requires y"),
        (np.linspace(0, 1, 240), {}, "Unknown label type"),
        (["a", "b"] * 120, {"groups": [1, 2]}, "groups.shape == (2,)"),
        (["a", "b"] * 120, {"groups": [None, *range(239)]}, "give each row one"),
        (["a", "b"] * 120, {"sample_weight": -np.ones(240)}, "below 0"),
        (["a", "b"] * 120, {"sample_weight": np.zeros(240)}, "is zero in every row"),
    ],
)
def test_wrong_classes_weights_and_groups_are_refused(frame, y, given, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        ImbalancedClassifier("none", "decision_tree").fit(frame[["load"]], y, **given)


def test_a_target_that_is_not_there_or_is_a_measurement_is_refused(frame):
    model = ImbalancedClassifier("none", "decision_tree")
    with pytest.raises(DataError, match="did you mean 'churn'"):
        model.fit(frame, "chrun")
    with pytest.raises(DataError, match="numbers that name no class"):
        model.fit(frame, "load")
    with pytest.raises(ValueError, match="X is no DataFrame"):
        model.fit(frame[["load"]].to_numpy(), "churn")


def test_settings_that_name_classes_are_followed_and_checked(frame):
    words = ["strategy.decision.threshold.metric=recall", "metrics.minority=no"]
    words += ["strategy.decision.threshold.subject_to={precision: 0.5}"]
    model = ImbalancedClassifier("threshold", "decision_tree", words).fit(frame, "churn")
    assert (model.predict(frame) == "no").mean() > 0.9
    costs = ["costs={missed: 100, false_alarm: 1}"]
    costly = ImbalancedClassifier("threshold", "decision_tree", costs).fit(frame, "churn")
    assert (costly.predict(frame) == "yes").mean() > 0.9
    with pytest.raises(ConfigError, match=r"metrics\.minority=maybe"):
        model.set_params(overrides=["metrics.minority=maybe"]).fit(frame, "churn")


def test_a_role_is_not_given_twice(frame):
    model = ImbalancedClassifier("none", "decision_tree", ["dataset.weight=calls"])
    with pytest.raises(ValueError, match=r"leave dataset\.weight out"):
        model.fit(frame, "churn", sample_weight=np.ones(240))


def test_missing_columns_and_wrong_types_are_refused_all_at_once(frame, fitted):
    with pytest.raises(DataError) as refused:
        fitted.predict(frame.drop(columns=["load", "city"]))
    assert str(refused.value).startswith("columns 'load' and 'city' are missing; add them")
    assert "\n" not in str(refused.value)
    with pytest.raises(DataError) as refused:
        fitted.predict(frame.assign(load="high", city=3.5))
    assert len(str(refused.value).splitlines()) == 2


def test_no_rows_have_no_answers(frame, fitted):
    assert fitted.predict(frame.head(0)).tolist() == []
    assert fitted.predict(frame.head(0)).dtype == fitted.classes_.dtype
    assert fitted.predict_proba(frame.head(0)).shape == (0, 2)


def test_an_array_is_taken_for_the_columns_in_their_order_with_a_warning(frame, fitted):
    rows = frame.drop(columns="churn")
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        scores = fitted.predict_proba(rows.to_numpy())
    assert np.array_equal(scores, fitted.predict_proba(rows))
    warned = pytest.warns(UserWarning, match="does not have valid feature names")
    with warned, pytest.raises(ValueError, match="5 features"):
        fitted.predict(rows.to_numpy()[:, :5])


def test_one_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        ImbalancedClassifier().save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_the_examples_of_the_page_are_what_comes_out():
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    section = re.search(r"^## One estimator$.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)[0]
    text = section.replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, "python.md", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test).attempted > 15
    assert runner.summarize().failed == 0
