"""Rules that change scores: temperature, Platt, isotonic, prior correction."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.errors import Incompatible
from imbench.models.nets.classifier import TorchClassifier
from imbench.pipeline.steps import RowCounter
from imbench.run.folds import fit_fold
from imbench.strategies.decision.calibration import IsotonicCalibration, PlattScaling, log_odds
from imbench.strategies.decision.logit_adjustment import LogitAdjustment
from imbench.strategies.decision.prior_correction import PriorCorrection
from imbench.strategies.decision.priors import trained_shares
from imbench.strategies.decision.temperature import TemperatureScaling, fit_temperature
from imbench.testing import cells

CALIBRATIONS = (TemperatureScaling, PlattScaling, IsotonicCalibration)


def make_rows(weights=(0.9, 0.1), n=1500, seed=0):
    return make_classification(
        n,
        8,
        n_informative=4,
        n_redundant=4,
        n_classes=len(weights),
        weights=list(weights),
        random_state=seed,
    )


def out_of_fold(model, X, y):
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_predict(model, X, y, cv=folds, method="predict_proba")


@pytest.mark.parametrize("rule", CALIBRATIONS)
@pytest.mark.parametrize("weights", [(0.8, 0.2), (0.6, 0.3, 0.1)])
def test_a_classifier_that_is_too_sure_is_taken_back(rule, weights):
    X, y = make_rows(weights, n=3000)  # four redundant columns: naive Bayes counts them twice
    train, test = slice(0, 2000), slice(2000, None)
    plain = GaussianNB().fit(X[train], y[train])
    fitted = rule(GaussianNB(), random_state=0).fit(X[train], y[train])
    before, after = (log_loss(y[test], m.predict_proba(X[test])) for m in (plain, fitted))
    assert after < 0.97 * before
    scores = fitted.predict_proba(X[test])
    np.testing.assert_allclose(scores.sum(1), 1)
    np.testing.assert_array_equal(fitted.predict(X[test]), scores.argmax(1))
    assert fitted.n_fits_ == 6


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_temperature_that_the_scores_were_made_with_is_found(temperature, n_classes):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40_000, n_classes)) * 2
    y = (rng.random((40_000, 1)) > softmax(logits, 1).cumsum(1)).sum(1)
    sharpened = softmax(logits * temperature, axis=1)
    assert fit_temperature(sharpened, y) == pytest.approx(temperature, rel=0.05)


def test_no_other_temperature_has_a_smaller_loss():
    X, y = make_rows((0.6, 0.3, 0.1))
    scores = out_of_fold(GaussianNB(), X, y)
    logs = np.log(scores.clip(1e-12))

    def loss(t):
        return -log_softmax(logs / t, axis=1)[np.arange(len(y)), y].mean()

    best = min(loss(t) for t in np.exp(np.linspace(-3, 3, 601)))
    assert loss(fit_temperature(scores, y)) <= best + 1e-6


def test_a_temperature_leaves_the_labels_and_takes_scores_of_zero():
    X, y = make_rows()
    model = RandomForestClassifier(5, random_state=0)
    fitted = TemperatureScaling(model, random_state=0).fit(X, y)
    assert (fitted.estimator_.predict_proba(X) == 0).any()
    assert np.isfinite(fitted.predict_proba(X)).all()
    ties = np.isclose(fitted.estimator_.predict_proba(X)[:, 0], 0.5)
    np.testing.assert_array_equal(fitted.predict(X)[~ties], fitted.estimator_.predict(X)[~ties])


def test_isotonic_scores_of_two_classes_are_the_isotonic_regression_of_the_log_odds():
    X, y = make_rows()
    fitted = IsotonicCalibration(GaussianNB(), random_state=0).fit(X, y)
    curve = IsotonicRegression(out_of_bounds="clip")
    curve.fit(log_odds(out_of_fold(GaussianNB(), X, y))[:, 1], y)
    expected = curve.predict(log_odds(GaussianNB().fit(X, y).predict_proba(X))[:, 1])
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], expected)


def test_platt_scores_of_two_classes_are_a_logistic_curve_of_the_log_odds():
    X, y = make_rows()
    fitted = PlattScaling(GaussianNB(), random_state=0).fit(X, y)
    # Without Platt's smoothing of the targets, which 1500 rows hardly feel.
    curve = LogisticRegression(C=1e6)
    curve.fit(log_odds(out_of_fold(GaussianNB(), X, y))[:, 1:], y)
    odds = log_odds(GaussianNB().fit(X, y).predict_proba(X))[:, 1]
    expected = expit(curve.coef_[0, 0] * odds + curve.intercept_[0])
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], expected, atol=0.01)


def test_scores_that_are_calibrated_already_hardly_change():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2))
    y = (rng.random(4000) < expit(X @ [2.0, -1.0] - 2)).astype(int)
    plain = LogisticRegression().fit(X, y).predict_proba(X)
    for rule in CALIBRATIONS:
        fitted = rule(LogisticRegression(), random_state=0).fit(X, y)
        assert np.abs(fitted.predict_proba(X) - plain).mean() < 0.02


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_with_decision_values_it_is_scikit_learns_calibration(method):
    X, y = make_rows()
    rule = PlattScaling if method == "sigmoid" else IsotonicCalibration
    ours = rule(LogisticRegression(), random_state=0).fit(X, y)
    theirs = CalibratedClassifierCV(
        LogisticRegression(),  # whose decision values are its log-odds
        method=method,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        ensemble=False,
    ).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("rule", CALIBRATIONS)
def test_inner_folds_are_clipped_to_the_smallest_class_with_a_note(rule):
    X, y = make_rows(n=60)
    y[:] = 0
    y[:4] = 1
    fitted = rule(LogisticRegression(), random_state=0).fit(X, y)
    why = "a class has 4 rows in this training part"
    assert fitted.notes_ == (f"strategy.decision.{rule.name}.cv=5 was clipped to 4: {why}.",)
    y[1:4] = 0
    words = rf"^strategy\.decision\.{rule.name}\.cv=5 needs two rows .* has 1 .*\.$"
    with pytest.raises(ValueError, match=words):
        rule(LogisticRegression()).fit(X, y)


def fitted_on(strategy, sizes=(900, 60), model="logistic_regression", words=()):
    """Fit a cell to rows of classes that overlap; return it with the rows."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(y), 3)) + y[:, None]
    names = tuple(f"c{k}" for k in range(len(sizes)))
    data = Dataset("rows", X, y, names, ("a", "b", "c"))
    everything = np.arange(len(y))
    fold = Fold(0, 0, everything, everything)
    estimator, _ = fit_fold(data, *cells.parts(model, strategy, words), fold, 0)
    return estimator, X, y


def test_after_under_sampling_two_classes_are_corrected_by_dal_pozzolos_formula():
    fitted, X, y = fitted_on("[random_under,prior_correction]")
    p_s = fitted.estimator_.predict_proba(X)[:, 1]
    beta = 60 / 900
    expected = beta * p_s / (beta * p_s - p_s + 1)
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], expected)
    np.testing.assert_array_equal(fitted.predict(X), expected > 0.5)
    assert expected.mean() == pytest.approx(60 / 960, rel=0.25)  # as many as there are
    assert brier_score_loss(y, expected) < 0.6 * brier_score_loss(y, p_s)


def test_after_over_sampling_many_classes_sum_to_their_shares_again():
    fitted, X, _ = fitted_on("[random_over,prior_correction]", (600, 200, 40))
    shares = np.array([600, 200, 40]) / 840
    np.testing.assert_allclose(fitted.ratios_, shares * 3)
    np.testing.assert_allclose(fitted.predict_proba(X).mean(0), shares, rtol=0.1)


def test_a_sampler_of_batches_and_an_ensemble_are_corrected_as_well():
    for model, strategy in (("mlp", "weighted_sampler"), ("logistic_regression", "under_bagging")):
        fitted, X, _ = fitted_on(f"[{strategy},prior_correction]", model=model)
        assert fitted.estimator_.predict_proba(X)[:, 1].mean() > 0.15
        assert fitted.predict_proba(X)[:, 1].mean() == pytest.approx(60 / 960, rel=0.25)


@pytest.mark.parametrize("strategy", ["inverse_weights", "sqrt_inverse", "effective_number"])
@pytest.mark.parametrize("model", ["logistic_regression", "mlp"])
def test_after_class_weights_scores_are_divided_by_the_weights(strategy, model):
    sizes = (600, 200, 40)
    fitted, X, _ = fitted_on(f"[{strategy},prior_correction]", sizes, model=model)
    entry = cells.parts(model, strategy)[1].entry("weights")
    held_out = (np.array(sizes) * (0.1 if model == "mlp" else 0.0)).astype(int)
    weights = entry(np.array(sizes) - held_out, 0.0)
    np.testing.assert_allclose(fitted.ratios_ / fitted.ratios_[0], weights[0] / weights)
    scores = fitted.estimator_.predict_proba(X) / weights
    expected = scores / scores.sum(1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-10)


def test_a_weighted_logistic_regression_gets_the_probabilities_of_the_plain_one_back():
    weighted, X, _ = fitted_on("[inverse_weights,prior_correction]", (900, 100))
    plain = fitted_on("none", (900, 100))[0].predict_proba(X)[:, 1]
    before = np.abs(weighted.estimator_.predict_proba(X)[:, 1] - plain)
    after = np.abs(weighted.predict_proba(X)[:, 1] - plain)
    assert after.mean() < 0.1 * before.mean()
    assert after.max() < 0.1
    assert before.max() > 0.5


def test_weights_behind_a_resampler_and_inside_a_bag_are_multiplied_with_its_counts():
    words = ["strategy.resample.random_under.ratio=3.0"]
    both, _, _ = fitted_on("[random_under,sqrt_inverse,prior_correction]", (900, 60), words=words)
    weights = np.array([1 / np.sqrt(180), 1 / np.sqrt(60)])
    expected = np.array([900, 60]) / (np.array([180, 60]) * weights)
    np.testing.assert_allclose(both.ratios_ / both.ratios_[0], expected / expected[0])
    bagged, X, _ = fitted_on("[inverse_weights,bagging,prior_correction]")
    assert bagged.estimator_.predict_proba(X)[:, 1].mean() > 0.15
    np.testing.assert_allclose(bagged.ratios_, [2 * 900 / 960, 2 * 60 / 960])


@pytest.mark.parametrize("strategy", ["deferred", "ldam_drw"])
def test_weights_that_change_during_the_training_are_a_sentence(strategy):
    words = r"^strategy=prior_correction corrects class weights that stay as they are, .*out\.$"
    with pytest.raises(Incompatible, match=words):
        fitted_on(f"[{strategy},prior_correction]", model="mlp")


def test_a_class_that_weighs_nothing_is_a_sentence():
    words = ["strategy.weights.cost_matrix.costs=[[0,0],[1,0]]"]
    with pytest.raises(Incompatible, match=r"^strategy=prior_correction divides by .* out\.$"):
        fitted_on("[cost_matrix,prior_correction]", words=words)


@pytest.mark.parametrize(
    ("model", "strategy"), [("logistic_regression", ""), ("mlp", ""), ("mlp", "focal,")]
)
def test_where_nothing_changed_the_shares_it_is_incompatible(model, strategy):
    with pytest.raises(Incompatible, match=r"^strategy=prior_correction corrects .* nothing did"):
        fitted_on(f"[{strategy}prior_correction]", model=model)


def test_logit_adjustment_behind_a_balancing_resampler_is_incompatible():
    with pytest.raises(Incompatible, match=r"^strategy=logit_adjustment .* leave one"):
        fitted_on("[random_over,logit_adjustment]")


def test_logit_adjustment_on_classes_of_one_size_changes_nothing():
    fitted, X, _ = fitted_on("logit_adjustment", (100, 100))
    assert isinstance(fitted, LogitAdjustment)
    np.testing.assert_array_equal(fitted.predict(X), fitted.estimator_.predict(X))


def test_logit_adjustment_takes_the_shares_that_the_model_was_trained_on():
    fitted, _, _ = fitted_on("[bagging,logit_adjustment]", (900, 60))
    counts = [m.named_steps["rows"].class_counts_ for m in fitted.estimator_.estimators_]
    np.testing.assert_allclose(fitted.shares_, np.sum(counts, axis=0) / (4 * 960))
    assert not np.allclose(fitted.shares_, [0.9375, 0.0625])


def test_without_a_pipeline_the_shares_are_those_of_the_labels():
    X, y = make_rows((0.8, 0.2), n=100)
    model = LogisticRegression().fit(X, y)
    shares, is_changed = trained_shares(model, model.classes_, y)
    np.testing.assert_allclose(shares, np.bincount(y) / 100)
    assert not is_changed
    with pytest.raises(Incompatible):
        PriorCorrection(LogisticRegression()).fit(X, y)


def test_validation_rows_that_a_net_holds_out_are_no_change():
    fitted, _, y = fitted_on("none", model="mlp")
    assert isinstance(fitted.named_steps["model"], TorchClassifier)
    shares, is_changed = trained_shares(fitted, np.array([0, 1]), y)
    assert not is_changed
    np.testing.assert_allclose(shares, [0.9375, 0.0625])


def test_the_counts_come_from_the_step_that_counts():
    fitted, _, _ = fitted_on("[random_under,prior_correction]")
    steps = fitted.estimator_.named_steps
    assert isinstance(steps["rows"], RowCounter)
    assert steps["rows"].class_counts_.tolist() == [60, 60]
