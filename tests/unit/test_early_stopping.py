"""Early stopping of boosted trees: metric, rows, weights, what is stored, what is refused."""

import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from imbench.config.compose import Composer
from imbench.config.parse import check, parse
from imbench.errors import DataError
from imbench.models.base import Model
from imbench.models.boosting import BoostedTrees
from imbench.models.early_stopping import METRICS, ValidationScore
from imbench.models.hist_boosting import HistBoosting
from imbench.pipeline.build import build
from imbench.pipeline.pipeline import HoldoutPipeline
from imbench.strategies.base import Strategy
from imbench.strategies.facts import ModelFacts, facts_of
from imbench.strategies.loss.focal import FocalLoss
from imbench.testing import cells
from imbench.testing.data import CASES

MODELS = ("lightgbm", "xgboost", "catboost", "hist_gradient_boosting")
N_ROUNDS = 30


def boosted(name, metric, **given):
    """Return a small model on one thread that stops by a metric."""
    patience = given.pop("patience", 5)
    if name == "hist_gradient_boosting":
        return HistBoosting(
            early_stopping=metric, n_iter_no_change=patience, max_iter=N_ROUNDS, **given
        )
    package = pytest.importorskip(name)
    if name == "lightgbm":
        trees = package.LGBMClassifier(n_estimators=N_ROUNDS, n_jobs=1, verbosity=-1)
    elif name == "xgboost":
        trees = package.XGBClassifier(n_estimators=N_ROUNDS, n_jobs=1, verbosity=0)
    else:
        trees = package.CatBoostClassifier(
            iterations=N_ROUNDS, depth=4, thread_count=1, verbose=False, allow_writing_files=False
        )
    return BoostedTrees(trees, early_stopping=metric, patience=patience, **given)


def rows(n_classes=2, n=500, seed=0):
    """Return noisy training rows and validation rows; class 0 is the largest."""
    weights = [0.85] if n_classes == 2 else [0.7, 0.2]
    X, y = make_classification(
        n, 6, n_informative=4, n_classes=n_classes, weights=weights, flip_y=0.1, random_state=seed
    )
    return X[: n // 2], y[: n // 2], X[n // 2 :], y[n // 2 :]


def expected(metric, y, scores, weight=None):
    """Return a metric by its definition, lower is better."""
    if metric == "log_loss":
        return log_loss(y, scores, sample_weight=weight)
    found = {"average_precision": average_precision_score, "roc_auc": roc_auc_score}[metric]
    classes = range(scores.shape[1]) if scores.shape[1] > 2 else [1]
    return -np.mean([found(y == k, scores[:, k], sample_weight=weight) for k in classes])


def best_seen(model, name):
    """Return the best value that the library itself recorded, lower is better."""
    if name == "hist_gradient_boosting":
        return -model.validation_score_[-1]  # of the last round: none is taken back
    inner = model.estimator_
    if name == "lightgbm":
        return inner.best_score_["valid_0"]["validation_score"]
    return inner.best_score if name == "xgboost" else None


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_rounds_are_chosen_by_the_metric_on_weighted_rows(name, metric, n_classes):
    X, y, X_val, y_val = rows(n_classes)
    weight = np.where(np.arange(len(y_val)) % 3 == 0, 4.0, 1.0)
    model = boosted(name, metric).fit(X, y, validation=(X_val, y_val, weight))
    assert 1 <= model.n_rounds_ <= N_ROUNDS
    value = expected(metric, y_val, model.predict_proba(X_val), weight)
    if (seen := best_seen(model, name)) is not None:
        assert value == pytest.approx(seen, abs=1e-5)  # XGBoost prints five digits
    else:
        curves = model.estimator_.get_evals_result()["validation"].values()
        assert min(abs(min(curve) - value) for curve in curves) < 1e-6


@pytest.mark.parametrize("name", MODELS)
def test_it_stops_before_the_end_and_the_metric_matters(name):
    X, y, X_val, y_val = rows()
    chosen = {m: boosted(name, m).fit(X, y, validation=(X_val, y_val)).n_rounds_ for m in METRICS}
    assert min(chosen.values()) < N_ROUNDS
    assert len(set(chosen.values())) > 1


def test_average_precision_is_that_of_the_rarer_class():
    y, scores = np.array([0, 1, 1, 1]), np.array([0.2, 0.6, 0.1, 0.9])
    scores = np.column_stack([scores, 1 - scores])
    X = np.arange(4.0)[:, None]
    model = boosted("lightgbm", "average_precision").fit(X, y, validation=(X, y))
    metric = model.estimator_.evals_result_["valid_0"]["validation_score"]
    assert metric[0] == -0.25, "all rows have the same score; class 0 is one of four"
    assert ValidationScore("average_precision", rare=0)(y, scores) == -1 / 3


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_an_own_loss_stops_by_the_named_metric(name):
    X, y, X_val, y_val = rows()
    model = boosted(name, "log_loss", loss=FocalLoss(2.0)).fit(X, y, validation=(X_val, y_val))
    value = log_loss(y_val, model.predict_proba(X_val))
    assert value == pytest.approx(best_seen(model, name), abs=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_without_a_metric_nothing_changes(name):
    X, y, _, _ = rows()
    model = boosted(name, None)
    inner = getattr(model, "estimator", None) or HistGradientBoostingClassifier(
        max_iter=N_ROUNDS, early_stopping=False
    )
    plain = clone(inner).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(model.fit(X, y).predict_proba(X), plain, atol=1e-7)
    assert model.n_rounds_ is None
    assert not model.holds_out


def test_scikit_learns_own_early_stopping_is_what_it_was():
    X, y, _, _ = rows()
    for own in ("auto", True):
        given = {"max_iter": N_ROUNDS, "early_stopping": own, "random_state": 0}
        plain = HistGradientBoostingClassifier(**given).fit(X, y)
        ours = HistBoosting(**given).fit(X, y)
        np.testing.assert_array_equal(ours.predict_proba(X), plain.predict_proba(X))
        assert ours.get_params() == plain.get_params()


def test_the_parameters_of_hist_boosting_survive_a_fit():
    X, y, X_val, y_val = rows()
    model = boosted("hist_gradient_boosting", "average_precision")
    before = model.get_params()
    model.fit(X, y, validation=(X_val, y_val))
    assert model.get_params() == before
    with pytest.raises(DataError):
        model.fit(X, y)
    assert model.get_params() == before


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("name", ["lightgbm", "hist_gradient_boosting"])
def test_a_pipeline_holds_rows_out_before_it_resamples(name, weights):
    data = CASES["binary_five_percent"]()
    model = Model(name, boosted(name, "average_precision", validation_fraction=0.2))
    parts = cells.parts("knn", "inverse_weights")[1].weights if weights else {}
    over = Strategy(resample={"over": RandomOverSampler()}, weights=parts)
    estimator = build(model, over, data.info, seed=0)
    assert isinstance(estimator, HoldoutPipeline)
    facts = facts_of(estimator.fit(data.X, data.y))
    assert facts.counts_after == (304, 304), "a fifth of 380 and 20 is held out, then resampled"
    (stored,) = facts.trained
    assert 1 <= stored["model"]["n_rounds_"] <= N_ROUNDS
    assert stored["model"]["validation_fraction"] == 0.2
    again = ModelFacts.from_plain(stored)
    assert again.training.n_rounds == stored["model"]["n_rounds_"]
    plain = build(Model(name, boosted(name, None)), over, data.info, seed=0)
    assert not isinstance(plain, HoldoutPipeline)


def test_whole_groups_are_held_out():
    data = CASES["binary_five_percent"]()
    groups = np.arange(len(data.y)) // 4
    seen = {}

    class Recorder(BoostedTrees):
        def fit(self, X, y, sample_weight=None, validation=None):
            seen["training"], seen["validation"] = X[:, 0], validation[0][:, 0]
            return super().fit(X, y, sample_weight, validation)

    X = np.column_stack([groups, data.X[:, 1:]]).astype(np.float64)
    inner = boosted("lightgbm", "log_loss").estimator
    model = Model("lightgbm", Recorder(inner, early_stopping="log_loss", validation_fraction=0.2))
    estimator = build(model, Strategy(), data.info, seed=0)
    estimator.fit(X, data.y, groups=groups)
    assert len(seen["validation"]) > 40
    assert not set(seen["training"]) & set(seen["validation"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "early_stopping=roc_auc has no validation rows: set model.estimator."),
        (([[0.0]], [0]), "needs validation rows of every class, and there are none of class 1: "),
        (([[0.0]], [2]), "all rows of class 2 are validation rows, so that no model can learn it"),
    ],
)
@pytest.mark.parametrize("name", ["lightgbm", "hist_gradient_boosting"])
def test_validation_rows_that_do_not_do_are_a_sentence(name, given, words):
    X, y, _, _ = rows()
    with pytest.raises(DataError) as caught:
        boosted(name, "roc_auc").fit(X, y, validation=given)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "model=lightgbm model.estimator.early_stopping=pr_auc",
            "early_stopping=pr_auc is not one",
        ),
        ("model=xgboost model.estimator.patience=0", "patience must be an integer of at least 1"),
        ("model=catboost model.estimator.validation_fraction=1", "must lie in (0, 1), got 1"),
        (
            "model=hist_gradient_boosting model.estimator.early_stopping=auc",
            "early_stopping=auc is not one of log_loss, average_precision, roc_auc",
        ),
    ],
)
def test_wrong_values_are_sentences_before_anything_runs(words, sentence):
    for library in ("lightgbm", "xgboost", "catboost"):
        pytest.importorskip(library)
    composer = Composer(None)
    (problem,) = check(composer.cells(words.split(), multirun=False)[0], composer.folders)
    assert sentence in problem


@pytest.mark.parametrize(
    ("model", "run_id"),
    [
        ("lightgbm", "4506906db7b95beb"),
        ("xgboost", "2269006201367ba6"),
        ("catboost", "7efbbacb917cabeb"),
        ("hist_gradient_boosting", "7eafad2eab4cc8b2"),
    ],
)
def test_run_ids_are_those_of_the_time_before(model, run_id):
    if "_" not in model:
        pytest.importorskip(model)
    composer = Composer(None)

    def id_of(*words):
        config = composer.cells([f"model={model}", *words], multirun=False)[0]
        return parse(config, composer.folders).key("d", "f").run_id

    assert id_of() == run_id  # as of the commit before models could stop early
    stops = id_of("model.estimator.early_stopping=average_precision")
    fewer = id_of("model.estimator.early_stopping=log_loss")
    assert len({run_id, stops, fewer}) == 3
