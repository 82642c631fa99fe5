"""Messages for a class that is too small: a note of what was clipped, or an error with a fix."""

import re

import numpy as np
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, SVMSMOTE, BorderlineSMOTE, KMeansSMOTE
from imblearn.under_sampling import EditedNearestNeighbours, OneSidedSelection, TomekLinks
from sklearn.base import clone
from sklearn.cluster import KMeans

from imbench.data.dataset import Dataset
from imbench.errors import DataError
from imbench.pipeline.build import build
from imbench.pipeline.steps import CheckedSampler
from imbench.strategies.base import Strategy
from imbench.strategies.resample.polynom_fit_smote import PolynomFitSMOTE
from imbench.strategies.resample.prowsyn import ProWSyn
from tests.unit.test_resample import OVER, UNDER, make_table, parts

NAMES = ("many", "some", "few")  # a class is rarer than the one before it
FIX = re.compile(r"set strategy\.resample\.\w+\.([\w.]+)=(\d+)")


def refusal(sampler, X, y):
    with pytest.raises(DataError) as caught:
        CheckedSampler(sampler, "strategy.resample.x", NAMES).fit_resample(X, y)
    sentence = str(caught.value)
    assert re.search(r"(\. |\n|\.$.)", sentence) is None, "one sentence"
    assert sentence.startswith("strategy.resample.x")
    assert sentence.endswith(".")
    return sentence


def clipped(sampler, X, y):
    wrapper = CheckedSampler(sampler, "strategy.resample.x", NAMES)
    wrapper.fit_resample(X, y)
    (note,) = (note for note in wrapper.notes_ if "clipped" in note)
    return note


# scikit-learn about inner folds of `instance_hardness`: recorded with the fold.
@pytest.mark.contract
@pytest.mark.filterwarnings("ignore:The least populated class", "ignore:Number of classes in")
@pytest.mark.parametrize("n_rows", [1, 2, 3, 5])
@pytest.mark.parametrize("name", [*OVER, *UNDER])
def test_the_fix_in_the_message_works_for_every_size_of_class(name, n_rows):
    data = make_table((80, 40, n_rows), shift=0.5)
    model, strategy = parts(name)
    sampler, tried = clone(strategy.resample[name]), []
    for _ in range(4):
        try:
            build(model, Strategy(resample={name: sampler}), data.info, 0).fit(data.X, data.y)
        except DataError as error:
            sentence = str(error)
            assert sentence.startswith(f"strategy.resample.{name}")
            assert re.fullmatch(r"[^\n]*\.", sentence)
            if "leaves no row of class" in sentence:  # the classes overlap: a cleaner's right
                assert "choose " in sentence
                return
            assert "'few'" in sentence
            assert re.search(rf"has {n_rows}\b", sentence)
            fix = FIX.search(sentence)
            if fix is None:
                assert "use random_over" in sentence or "or use smote" in sentence
                return
            tried.append(fix[0])
            sampler.set_params(**{fix[1].replace(".", "__"): int(fix[2])})
        else:
            return  # what was clipped on the way is noted, see test_steps
    pytest.fail(f"the sentences lead nowhere: {tried}")


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        (SMOTE(), "x.k_neighbors=5 needs 6 rows of a class, but class 'few' has 1"),
        (ADASYN(), "x.n_neighbors=5 needs 6 rows of a class, but class 'few' has 1"),
        (KMeansSMOTE(k_neighbors=4), "x.k_neighbors=4 needs 5 rows of a class, but class 'few'"),
        (ProWSyn(), "x.n_neighbors=5 needs 6 rows of a class, but class 'few' has 1"),
        (PolynomFitSMOTE(), "x needs 2 rows of a class, but class 'few' has 1"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_single_row_cannot_be_clipped(sampler, words):
    data = make_table((80, 40, 1), shift=0.3)
    sentence = refusal(sampler, data.X, data.y)
    assert words in sentence
    assert sentence.endswith("in this training part: use random_over.")


def test_the_class_that_grows_is_named_and_no_other_of_its_size():
    data = make_table((80, 4, 4), shift=0.3)
    note = clipped(ProWSyn(sampling_strategy={2: 40}), data.X, data.y)
    assert "class 'few' has 4" in note


def test_clusters_are_tried_with_as_many_neighbours_as_the_class_has():
    data = make_table((80, 40, 4), shift=0.3)
    sampler = KMeansSMOTE(k_neighbors=9, kmeans_estimator=1, random_state=0)
    assert clipped(sampler, data.X, data.y) == (
        "strategy.resample.x.k_neighbors=9 was clipped to 3: class 'few' has 4 in this training "
        "part."
    )


def test_a_refusal_after_a_clip_mentions_both():
    X, y = np.random.default_rng(0).normal(size=(44, 2)), np.repeat([0, 1], [40, 4])
    sentence = refusal(ADASYN(), X + 99 * y[:, None], y)
    assert sentence.startswith("strategy.resample.x.n_neighbors=5 was clipped to 3: class 'some'")
    assert "; strategy.resample.x.n_neighbors=3 finds rows of their own class " in sentence


def test_all_rows_of_a_training_part_may_be_too_few():
    data = make_table((40, 20, 8))
    note = clipped(BorderlineSMOTE(m_neighbors=90), data.X, data.y)
    assert note == (
        "strategy.resample.x.m_neighbors=90 was clipped to 67: it finds 68 in this training part, "
        "whose smallest class 'few' has 8."
    )


def test_neighbors_are_clipped_to_the_rows_that_the_sampler_searches():
    data = make_table((40, 20, 3))
    note = clipped(OneSidedSelection(n_neighbors=7), data.X, data.y)
    assert note.startswith("strategy.resample.x.n_neighbors=7 was clipped to 4: it finds 4 in ")


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        (
            KMeansSMOTE(k_neighbors=3, cluster_balance_threshold=0.0, random_state=0),
            "x.kmeans_estimator=None leaves no cluster with 4 rows of class 'few', which has 4",
        ),
        (
            KMeansSMOTE(kmeans_estimator=5, cluster_balance_threshold=0.9, random_state=0),
            "share of it above cluster_balance_threshold=0.9, which has",
        ),
        (
            KMeansSMOTE(kmeans_estimator=KMeans(9, n_init=1), cluster_balance_threshold=0.9),
            "set strategy.resample.x.kmeans_estimator.n_clusters=1, which",
        ),
    ],
    ids=["rows", "share", "object"],
)
def test_clusters_without_enough_of_a_class_are_named_with_their_number(sampler, words):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(144, 3)), np.repeat([0, 1, 2], [80, 60, 4])
    X[-4:] = 50 * np.eye(4, 3)
    assert words in refusal(sampler, X, y)


def test_rows_that_are_all_alike_give_clusters_no_density():
    X, y = np.random.default_rng(0).normal(size=(48, 2)), np.repeat([0, 1], [40, 8])
    X[40:] = 9.0
    with np.errstate(invalid="ignore"):
        sentence = refusal(KMeansSMOTE(kmeans_estimator=2, random_state=0), X, y)
    assert sentence.endswith("are all equal: use random_over.")


def test_neighbors_of_a_single_kind_name_the_parameter():
    X, y = np.random.default_rng(0).normal(size=(48, 2)), np.repeat([0, 1], [40, 8])
    far = X + 99 * y[:, None]
    sentence = refusal(ADASYN(), far, y)
    assert sentence.startswith("strategy.resample.x.n_neighbors=5 finds rows of their own class ")
    X[y == 1] = X[:8] + 1e-3  # each beside a row of another class
    sentence = refusal(SVMSMOTE(k_neighbors=1, m_neighbors=1), X, y)
    assert sentence.startswith("strategy.resample.x.m_neighbors=1 finds rows of other classes ")
    assert "'some', has 8" in sentence


@pytest.mark.parametrize(
    ("sampler", "fix"),
    [
        (EditedNearestNeighbours(sampling_strategy="all"), "set strategy.resample.x.kind_sel=mode"),
        (TomekLinks(sampling_strategy="all"), "choose a milder sampling_strategy"),
    ],
    ids=["enn", "tomek"],
)
def test_a_removed_class_comes_with_a_fix(sampler, fix):
    X, y = np.random.default_rng(0).normal(size=(48, 2)), np.repeat([0, 1], [40, 8])
    X[y == 1] = X[:8] + 1e-3
    sentence = refusal(sampler, X, y)
    assert sentence.startswith(f"strategy.resample.x leaves no row of class 'some': {fix}")


def test_nearly_balanced_classes_are_refused_by_adasyn():
    data = make_table((60, 59), shift=0.2)
    assert "nearly balanced" in refusal(ADASYN(), data.X, data.y)


def test_smotenc_names_smoten_for_a_table_of_categories():
    X, y = np.random.default_rng(0).integers(3, size=(60, 4)) * 1.0, np.repeat([0, 1], [40, 20])
    sampler = clone(parts("smotenc")[1].resample["smotenc"])
    sampler.set_params(categorical_features=[0, 1, 2, 3])
    assert refusal(sampler, X, y).endswith("every column holds categories: use smoten.")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["strategy.resample.smote.k_neighbors=0"], "got 0 instead"),
        (["strategy.resample.smote.sampling_strategy=0.5"], "binary"),
    ],
)
def test_an_unknown_message_is_kept_in_one_sentence(overrides, words):
    data = make_table((40, 20, 8))
    model, strategy = parts("smote", *overrides)
    with pytest.raises(DataError) as caught:
        build(model, strategy, data.info, 0).fit(data.X, data.y)
    sentence = str(caught.value)
    assert sentence.startswith("strategy.resample.smote: ")
    assert words.lower() in sentence.lower()
    assert re.fullmatch(r"(?!.*[.] [A-Z])[^\n]*\.", sentence)


def test_a_bug_of_the_sampler_is_raised_unchanged():
    class Broken:
        def fit_resample(self, X, y):
            raise RuntimeError("out of memory")

    data = make_table((40, 20))
    with pytest.raises(RuntimeError, match=r"^out of memory$"):
        CheckedSampler(Broken(), "strategy.resample.x", NAMES).fit_resample(data.X, data.y)


def test_a_sampler_without_parameters_may_refuse_too():
    class Picky:
        def fit_resample(self, X, y):
            raise ValueError("three rows are not enough to learn from.")

    data = make_table((40, 20))
    sentence = refusal(Picky(), data.X, data.y)
    assert sentence == "strategy.resample.x: three rows are not enough to learn from."


def test_a_class_absent_before_resampling_is_not_a_lost_class():
    data = make_table((40, 20, 8))
    part = Dataset("t", data.X[data.y != 1], data.y[data.y != 1], NAMES, data.feature_names)
    _, y = CheckedSampler(SMOTE(), "strategy.resample.x", NAMES).fit_resample(part.X, part.y)
    assert np.bincount(y).tolist() == [40, 0, 40]
