"""Losses on boosted trees: derivatives, where they begin, and what the libraries make of them."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score

from imbench.errors import Incompatible
from imbench.models.boosting import BoostedTrees
from imbench.models.boosting_libraries import Objective
from imbench.pipeline.build import build
from imbench.strategies.loss.boosting import BoostedFocal, kinds_of
from imbench.strategies.loss.class_balanced_focal import ClassBalancedFocalLoss
from imbench.strategies.loss.focal import FocalLoss
from imbench.testing import cells
from imbench.testing.data import CASES

COUNTS = np.array([90, 10, 30, 5])
LOSSES = [
    FocalLoss(0.0),
    FocalLoss(0.5),
    FocalLoss(2.0),
    FocalLoss(5.0),
    ClassBalancedFocalLoss(0.0, 0.9),
    ClassBalancedFocalLoss(0.5, 0.999),
]


def trees(name, **parameters):
    """Return a small classifier of a library on one thread."""
    given = {"n_estimators": 20, "n_jobs": 1} | parameters
    if name == "lightgbm":
        return pytest.importorskip(name).LGBMClassifier(verbosity=-1, **given)
    return pytest.importorskip(name).XGBClassifier(verbosity=0, **given)


def rows(n_classes=2, n=600, rare=0.1, seed=0):
    weights = [1 - rare] if n_classes == 2 else [0.7, 0.2]
    return make_classification(
        n, 8, n_informative=5, n_classes=n_classes, weights=weights, random_state=seed
    )


def value_of_the_net(loss, scores, y):
    """Return the loss of each row by the definition for nets, for scores (n, 1) or (n, K).

    Two sigmoid outputs -z and z have twice the loss of one output z.
    """
    z, factor = scores, 1.0
    if scores.shape[1] == 1 and isinstance(loss, FocalLoss):
        z = np.hstack([np.zeros_like(scores), scores])
    elif scores.shape[1] == 1:
        z, factor = np.hstack([-scores, scores]), 0.5
    bound = loss.bind(torch.tensor(COUNTS[: z.shape[1]]))
    return factor * bound(torch.tensor(z), torch.tensor(y)).numpy()


def differences(loss, scores, y, step=1e-4):
    """Return first and second central differences of the net's loss."""
    first, second = np.empty_like(scores), np.empty_like(scores)
    here = value_of_the_net(loss, scores, y)
    for k in range(scores.shape[1]):
        more, less = scores.copy(), scores.copy()
        more[:, k] += step
        less[:, k] -= step
        above, below = value_of_the_net(loss, more, y), value_of_the_net(loss, less, y)
        first[:, k] = (above - below) / (2 * step)
        second[:, k] = (above - 2 * here + below) / step**2
    return first, second


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_derivatives_are_those_of_the_loss_of_a_net(loss, n_classes):
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (60, 1 if n_classes == 2 else n_classes))
    y = np.arange(60) % n_classes
    gradient, hessian = loss.bind_boosting(COUNTS[:n_classes]).derivatives(scores, y)
    first, second = differences(loss, scores, y)
    # Central differences with a step of 1e-4 are right to about 1e-8, second ones to 1e-6.
    np.testing.assert_allclose(gradient, first, atol=1e-7)
    assert (hessian > 0).all()
    assert (hessian > second - 1e-5).all()
    # Below it is what was left out: the part that may be negative, where the loss is not convex.
    raised = hessian > second + 1e-5
    if loss.gamma == 0:
        assert not raised.any()
    else:
        assert 0 < raised.mean() < 0.7
        newton, same = np.abs(gradient / hessian), BoostedFocal(0.0, one_vs_rest=n_classes > 2)
        if n_classes == 2 or isinstance(loss, ClassBalancedFocalLoss):
            plain, curvature = same.derivatives(scores, y)
            np.testing.assert_allclose(newton[raised], np.abs(plain / curvature)[raised])


@pytest.mark.parametrize("one_vs_rest", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_derivatives_are_finite_for_extreme_scores(one_vs_rest, n_outputs):
    scores = np.array([[1e4] * n_outputs, [-1e4] * n_outputs, [0] * n_outputs], float)
    scores[0, -1] = -1e4
    for y in range(2):
        loss = BoostedFocal(2.0, one_vs_rest=one_vs_rest)
        for found in loss.derivatives(scores, np.full(3, y)):
            assert np.isfinite(found).all()
        np.testing.assert_allclose(loss.probabilities(scores).sum(1), 1)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_no_constant_is_better_than_the_start(loss, n_classes):
    shares = COUNTS[:n_classes] / COUNTS[:n_classes].sum()
    bound, y = loss.bind_boosting(COUNTS[:n_classes]), np.arange(n_classes)
    gradient, _ = bound.derivatives(np.tile(bound.start(shares), (n_classes, 1)), y)
    np.testing.assert_allclose(shares @ gradient, 0, atol=1e-8)
    if isinstance(loss, FocalLoss) and loss.gamma == 0:
        np.testing.assert_allclose(bound.probabilities(bound.start(shares)[None])[0], shares)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_without_focusing_it_is_the_loss_of_the_library(name, n_classes, weighted):
    X, y = rows(n_classes)
    weight = np.where(y == 1, 3.0, 1.0) if weighted else None
    own = BoostedTrees(trees(name), loss=FocalLoss(0.0)).fit(X, y, weight).predict_proba(X)
    # XGBoost computes in float32, and ours is rounded to it after the trees of each round.
    tolerance = 1e-9 if name == "lightgbm" else 1e-4
    library = BoostedTrees(trees(name)).fit(X, y, weight).predict_proba(X)
    np.testing.assert_allclose(own, library, atol=tolerance)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", [FocalLoss(2.0), ClassBalancedFocalLoss()], ids=str)
def test_a_focal_loss_is_another_model_that_learns(name, n_classes, loss):
    X, y = rows(n_classes)
    plain = BoostedTrees(trees(name)).fit(X, y).predict_proba(X)
    fitted = BoostedTrees(trees(name), loss=loss).fit(X, np.array(["b", "c", "d"])[y])
    scores = fitted.predict_proba(X)
    np.testing.assert_allclose(scores.sum(1), 1)
    assert np.mean(fitted.predict(X) == fitted.classes_[y]) > 0.9
    assert np.abs(scores - plain).max() > 0.01


def test_xgboost_learns_two_percent_of_rare_rows():
    # From the log prior it did not: the second derivatives were too small for a single split.
    X, y = rows(n=3000, rare=0.02)
    assert 40 < y.sum() < 100
    fitted = BoostedTrees(trees("xgboost"), loss=FocalLoss(2.0)).fit(X, y)
    assert average_precision_score(y, fitted.predict_proba(X)[:, 1]) > 0.7


def test_row_weights_multiply_both_derivatives():
    scores, y = np.array([[0.5, 0.1, -1.0], [2.0, 0.0, 0.0]]), np.array([0, 2])
    objective = Objective(BoostedFocal(2.0), 2.0)
    gradient, hessian = objective(y, scores)
    weighted = objective(y, scores, np.array([1.0, 5.0]))
    np.testing.assert_allclose(weighted[0], gradient * [[1], [5]])
    np.testing.assert_allclose(weighted[1], hessian * [[1], [5]])


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_weights_of_the_stage_meet_the_loss(name):
    pytest.importorskip(name)
    data = CASES["binary_five_percent"]()
    found = {}
    for selection in ("focal", "inverse_weights", "[inverse_weights,focal]"):
        model, strategy = cells.parts(name, selection)
        estimator = build(model, strategy, data.info, seed=0).fit(data.X, data.y)
        found[selection] = estimator.predict_proba(data.X)[:, 1]
    both = found["[inverse_weights,focal]"]
    assert both.mean() > found["focal"].mean()
    assert np.abs(both - found["inverse_weights"]).max() > 0.01


@pytest.mark.parametrize(
    ("model_name", "selection", "words"),
    [
        (
            "lightgbm",
            "ldam",
            "strategy=ldam acts on the loss of a net, and has no derivatives for model=lightgbm; "
            "use a net (model=mlp, cnn or resnet18).",
        ),
        (
            "catboost",
            "focal",
            "strategy=focal acts on the loss of a net or boosted trees, and model=catboost takes "
            "none but its own; use a net (model=mlp, cnn or resnet18) or boosted trees "
            "(model=lightgbm or xgboost).",
        ),
        (
            "hist_gradient_boosting",
            "[smote,class_balanced_focal]",
            "strategy=class_balanced_focal acts on the loss of a net or boosted trees, and "
            "model=hist_gradient_boosting takes none but its own; use a net (model=mlp, cnn or "
            "resnet18) or boosted trees (model=lightgbm or xgboost).",
        ),
        (
            "lightgbm",
            "mixup",
            "strategy=mixup acts on the augment of a net, which model=lightgbm does not have; use "
            "a net (model=mlp, cnn or resnet18).",
        ),
        ("lightgbm", "tau_norm", "strategy=tau_norm needs a net, but model=lightgbm is none."),
    ],
)
def test_what_does_not_fit_is_a_sentence(model_name, selection, words):
    pytest.importorskip("lightgbm")
    pytest.importorskip("catboost")
    model, strategy = cells.parts(model_name, selection)
    with pytest.raises(Incompatible) as caught:
        build(model, strategy, CASES["binary_five_percent"]().info, seed=0)
    assert str(caught.value) == words


def test_a_loss_for_boosting_alone_is_not_for_nets():
    class Boosted:
        def bind_boosting(self, counts):
            return BoostedFocal(1.0)

    assert kinds_of(Boosted()) == ("boosting",)
    model, strategy = cells.parts("mlp", "focal")
    strategy.loss["focal"] = Boosted()
    words = r"^strategy=focal acts on the loss of boosted trees, and model=mlp is a net; use "
    with pytest.raises(Incompatible, match=words):
        build(model, strategy, CASES["binary_five_percent"]().info, seed=0)
