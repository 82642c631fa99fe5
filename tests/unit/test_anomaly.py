"""Strategies from anomaly scores: which rows go, which are repeated, what a row weighs."""

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from imbench.models.nets.classifier import TorchClassifier
from imbench.models.weighted import WeightedClassifier
from imbench.pipeline.build import build
from imbench.strategies.anomaly import anomaly_ranks, anomaly_scores, takes_nan, with_shares
from imbench.strategies.resample.anomaly_over import AnomalyOverSampler
from imbench.strategies.resample.anomaly_under import AnomalyUnderSampler
from imbench.strategies.resample.base import TooFewRows
from imbench.strategies.weights.anomaly_weights import AnomalyWeights
from imbench.strategies.weights.deferred import DeferredWeights
from imbench.strategies.weights.inverse_weights import InverseWeights
from imbench.testing.cells import parts
from imbench.testing.data import CASES

SCORERS = [
    None,
    IsolationForest(n_estimators=20),
    LocalOutlierFactor(n_neighbors=5, novelty=True),
    EllipticEnvelope(),
    OneClassSVM(),
]
SCORER = "scorer._target_=sklearn.svm.OneClassSVM"


class DistanceToMean:
    """Scorer without randomness whose scores are easy to know."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X):
        self.mean_ = X.mean(0)
        return self

    def score_samples(self, X):
        return -np.linalg.norm(X - self.mean_, axis=1)


def make_rows(sizes=(60, 20), seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return rng.normal(size=(len(y), 3)) + y[:, None], y


def distances(X):
    return np.linalg.norm(X - X.mean(0), axis=1)


@pytest.mark.parametrize("scorer", SCORERS, ids=str)
def test_every_scorer_finds_the_row_far_out_and_the_seed_decides(scorer):
    X, _ = make_rows((30,))
    X[7] = 12.0
    scores = anomaly_scores(X, scorer, random_state=0)
    assert scores.argmax() == 7
    np.testing.assert_array_equal(anomaly_scores(X, scorer, random_state=0), scores)
    if isinstance(scorer, IsolationForest | None):
        assert not np.array_equal(anomaly_scores(X, scorer, random_state=1), scores)


def test_a_single_row_is_scored_without_a_scorer():
    np.testing.assert_array_equal(anomaly_scores([[5.0]], EllipticEnvelope()), [0.0])


def test_rows_that_a_scorer_refuses_are_a_sentence():
    with pytest.raises(ValueError, match=r"^the scorer OneClassSVM refuses the 2 rows .*NaN.*\.$"):
        anomaly_scores([[0.0], [np.nan]], OneClassSVM())


def test_ranks_are_those_of_scipy():
    scores = np.random.default_rng(0).integers(0, 9, 40).astype(float)
    np.testing.assert_array_equal(anomaly_ranks(scores), rankdata(scores))


def test_categories_count_as_their_share_and_numbers_stay():
    X = np.array([[1.5, 4.0], [2.5, 4.0], [np.nan, 0.0], [3.5, 4.0]])
    found = with_shares(X, [1])
    np.testing.assert_array_equal(found[:, 0], X[:, 0])
    np.testing.assert_array_equal(found[:, 1], [0.75, 0.75, 0.25, 0.75])
    np.testing.assert_array_equal(with_shares(X, None), X)


@pytest.mark.parametrize("share", [0.1, 0.25, None])
def test_the_most_anomalous_rows_of_the_larger_class_go_and_the_order_stays(share):
    X, y = make_rows((60, 20))
    sampler = AnomalyUnderSampler(share=share, scorer=DistanceToMean())
    X_after, y_after = sampler.fit_resample(X, y)
    n_kept = 20 if share is None else 60 - int(share * 60)
    large = np.flatnonzero(y == 0)
    kept = large[np.argsort(distances(X[large]))[:n_kept]]
    expected = np.sort(np.concatenate([kept, np.flatnonzero(y == 1)]))
    np.testing.assert_array_equal(sampler.sample_indices_, expected)
    np.testing.assert_array_equal(X_after, X[expected])
    np.testing.assert_array_equal(y_after, y[expected])


def test_a_share_never_makes_a_class_smaller_than_the_strategy_says():
    X, y = make_rows((30, 25, 20))
    _, y_after = AnomalyUnderSampler(share=0.5, random_state=0).fit_resample(X, y)
    assert np.bincount(y_after).tolist() == [20, 20, 20]
    wanted = {0: 28}
    _, y_after = AnomalyUnderSampler(wanted, share=0.5, random_state=0).fit_resample(X, y)
    assert np.bincount(y_after).tolist() == [28, 25, 20]


def test_of_equal_scores_the_later_rows_are_dropped():
    X, y = np.zeros((10, 1)), np.repeat([0, 1], [7, 3])
    sampler = AnomalyUnderSampler(random_state=0)
    sampler.fit_resample(X, y)
    assert sampler.sample_indices_.tolist() == [0, 1, 2, 7, 8, 9]


def test_rows_are_repeated_in_proportion_to_their_rank():
    X, y = make_rows((60, 6))
    X_after, y_after = AnomalyOverSampler(scorer=DistanceToMean()).fit_resample(X, y)
    assert np.bincount(y_after).tolist() == [60, 60]
    rare = X[y == 1]
    copies = [(X_after[len(X) :] == row).all(1).sum() for row in rare]
    exact = rankdata(distances(rare)) / 21 * 54
    assert np.abs(np.array(copies) - exact).max() < 1
    np.testing.assert_array_equal(X_after[: len(X)], X)


def test_interpolated_rows_lie_on_lines_to_neighbours_and_keep_the_category_of_their_start():
    X, y = make_rows((40, 8))
    X[:, 2] = np.random.default_rng(1).integers(0, 3, len(X))
    sampler = AnomalyOverSampler(
        method="interpolate", k_neighbors=3, categorical_features=[2], random_state=0
    )
    made = sampler.fit_resample(X, y)[0][len(X) :]
    rare = X[y == 1]
    assert len(made) == 32
    assert set(made[:, 2]) <= set(rare[:, 2])
    starts, ends = (rare[i, :2] for i in np.nonzero(~np.eye(8, dtype=bool)))
    lines = np.linalg.norm(ends - starts, axis=1)
    for row in made[:, :2]:
        detours = np.linalg.norm(row - starts, axis=1) + np.linalg.norm(row - ends, axis=1)
        assert (detours - lines).min() < 1e-9
    assert not any((rare[:, :2] == row[:2]).all(1).any() for row in made)


def test_repeating_takes_a_single_row_and_interpolating_says_what_it_needs():
    X, y = make_rows((20, 1))
    _, y_after = AnomalyOverSampler(random_state=0).fit_resample(X, y)
    assert np.bincount(y_after).tolist() == [20, 20]
    with pytest.raises(TooFewRows, match="needs 6 rows"):
        AnomalyOverSampler(method="interpolate").fit_resample(X, y)


def test_weights_are_linear_in_the_rank_up_in_rare_classes_and_down_in_the_largest():
    X, y = make_rows((50, 20, 10))
    weights = AnomalyWeights(up=4.0, down=2.0, scorer=DistanceToMean()).row_weights(X, y)
    for label, last in ((0, 0.5), (1, 4.0), (2, 4.0)):
        own, rank = weights[y == label], rankdata(distances(X[y == label]))
        expected = 1 + (last - 1) * (rank - 1) / (len(rank) - 1)
        np.testing.assert_allclose(own, expected / expected.mean())
        assert own.mean() == pytest.approx(1)


def test_factors_of_one_leave_rows_alone_and_classes_are_balanced_or_not():
    X, y = make_rows()
    np.testing.assert_array_equal(AnomalyWeights(up=1, down=1).row_weights(X, y), np.ones(80))
    counts = np.array([60, 20])
    np.testing.assert_array_equal(AnomalyWeights()(counts, 0.0), InverseWeights()(counts, 0.0))
    alone = AnomalyWeights(class_balanced=False)(counts, 0.0)
    assert alone[0] == alone[1] > 0


@pytest.mark.parametrize("class_balanced", [True, False])
def test_a_scikit_learn_model_gets_class_weights_times_row_weights_with_a_mean_of_one(
    class_balanced,
):
    X, y = make_rows()
    entry = AnomalyWeights(class_balanced=class_balanced, random_state=0)
    words = np.array(["common", "rare"])[y]
    found = WeightedClassifier(LogisticRegression(), entry).fit(X, words)
    by_class = np.array([80 / 120, 80 / 40]) if class_balanced else np.ones(2)
    weight = by_class[y] * entry.row_weights(X, y)
    assert weight.mean() == pytest.approx(1)
    expected = LogisticRegression().fit(X, words, sample_weight=weight)
    np.testing.assert_allclose(found.estimator_.coef_, expected.coef_)
    np.testing.assert_allclose(found.class_weights_, by_class)


def test_a_net_gets_class_weights_times_row_weights_times_those_of_the_caller():
    X, y = make_rows()
    X, given = X.astype(np.float32), np.linspace(0.5, 2.0, len(y)).astype(np.float32)
    entry = AnomalyWeights(random_state=0)
    fixed = {"epochs": 2, "validation_fraction": 0.0, "device": "cpu", "random_state": 0}
    one = TorchClassifier(weights=entry, **fixed).fit(X, y, sample_weight=given)
    weight = entry.row_weights(X, y).astype(np.float32) * given
    other = TorchClassifier(weights=InverseWeights(), **fixed).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    plain = TorchClassifier(weights=InverseWeights(), **fixed).fit(X, y, sample_weight=given)
    assert not np.array_equal(one.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("model", ["logistic_regression", "mlp"])
def test_every_fold_has_a_scorer_with_a_seed_of_its_own(model):
    chosen, strategy = parts(model, "anomaly_weights")
    info = CASES["binary_five_percent"]().info
    first, second = (build(chosen, strategy, info, seed=seed)[-1].weights for seed in (1, 2))
    for entry, seed in ((first, 1), (second, 2)):
        assert entry.random_state == entry.scorer.random_state == seed
    assert strategy.weights["anomaly_weights"].random_state is None


@pytest.mark.parametrize(
    "strategy", ["anomaly_under", "anomaly_weights"], ids=["resample", "weights"]
)
def test_missing_values_are_imputed_for_a_scorer_that_takes_none(strategy):
    stage = "weights" if strategy == "anomaly_weights" else "resample"
    data = CASES["mixed_table"]()
    for words, is_imputed in (([], False), ([f"strategy.{stage}.{strategy}.{SCORER}"], True)):
        estimator = build(*parts("hist_gradient_boosting", strategy, words), data.info, seed=0)
        assert estimator.named_steps["clean"].impute == is_imputed
        assert set(estimator.fit(data.X, data.y).predict(data.X)) == {0, 1}
    assert takes_nan(IsolationForest())
    assert not takes_nan(OneClassSVM())


def test_deferred_weights_of_rows_are_refused():
    with pytest.raises(ValueError, match=r"^weights must depend on classes alone .*\.$"):
        DeferredWeights(AnomalyWeights())


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (AnomalyUnderSampler(share=1.5), "share must be null or lie in (0, 1), got 1.5."),
        (
            AnomalyOverSampler(method="copy"),
            "method must be repeat or interpolate, got method='copy'.",
        ),
        (
            AnomalyOverSampler(k_neighbors=0),
            "k_neighbors must be an integer of at least 1, got 0.",
        ),
        (AnomalyWeights(up=0.5), "up must be a number of at least 1, got up=0.5."),
        (AnomalyWeights(down=0), "down must be a number of at least 1, got down=0."),
        (AnomalyWeights(class_balanced=1), "class_balanced must be true or false, got 1."),
        (
            AnomalyWeights(scorer=LocalOutlierFactor()),
            "scorer must be null (an isolation forest) or have fit and score_samples, as "
            "sklearn.ensemble.IsolationForest and sklearn.neighbors.LocalOutlierFactor with "
            "novelty=true have, got scorer=LocalOutlierFactor().",
        ),
    ],
    ids=str,
)
def test_invalid_values_raise_one_sentence_with_the_parameter(entry, sentence):
    with pytest.raises(ValueError) as error:
        entry.check_params()
    assert str(error.value) == sentence
