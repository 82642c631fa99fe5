"""Heads that are replaced after training: cRT, LWS, tau-norm, nearest class mean."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from torch import Generator, nn

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold
from imbench.errors import Incompatible
from imbench.models.nets.classifier import TorchClassifier
from imbench.run.folds import fit_fold
from imbench.strategies.decision.crt import ClassifierRetraining
from imbench.strategies.decision.heads import train_on_features, transformed
from imbench.strategies.decision.lws import LearnableWeightScaling, ScaledHead
from imbench.strategies.decision.nearest_class_mean import MeanHead
from imbench.strategies.decision.tau_norm import TauNormalisation, tau_normalised
from imbench.strategies.facts import fitted_models
from imbench.testing import cells

pytestmark = pytest.mark.slow

HEADS = ("crt", "lws", "tau_norm", "nearest_class_mean")
SIZES = (400, 60, 20)


def make_data(sizes=SIZES, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(y), 4)) + 1.5 * np.eye(4)[y]
    return Dataset("rows", X, y, tuple("abc"[: len(sizes)]), ("p", "q", "r", "s"))


def fitted_cell(strategy, data=None, *overrides):
    data = data or make_data()
    rows = np.arange(len(data.y))
    model, chosen = cells.parts("mlp", strategy, overrides)
    estimator, _ = fit_fold(data, model, chosen, Fold(0, 0, rows, rows), 0)
    return estimator, data


def net_of(estimator):
    return next(fitted_models(estimator)).named_steps["model"]


@pytest.mark.parametrize("name", HEADS)
def test_the_body_is_the_one_of_the_plain_net(name):
    plain, _ = fitted_cell("none")
    changed, _ = fitted_cell(name)
    before, after = (net_of(e).net_[0].state_dict() for e in (plain, changed))
    for key, values in before.items():
        assert torch.equal(values, after[key])


@pytest.mark.parametrize("name", ["crt", "lws", "nearest_class_mean"])
def test_rare_classes_are_found_more_often_than_by_the_plain_net(name):
    test = make_data((300, 300, 300), seed=1)
    plain, changed = (fitted_cell(n)[0].predict(test.X) for n in ("none", name))
    assert balanced_accuracy_score(test.y, changed) > balanced_accuracy_score(test.y, plain)


def test_tau_zero_is_the_old_head_without_its_bias():
    plain, data = fitted_cell("none")
    changed, _ = fitted_cell("tau_norm", None, "strategy.decision.tau_norm.tau=0.0")
    head = net_of(plain).net_[1]
    features = net_of(plain).embed(transformed(plain, data.X))
    logits = features @ head.weight.detach().numpy().T
    scores = np.exp(logits - logits.max(1, keepdims=True))
    expected = scores / scores.sum(1, keepdims=True)
    np.testing.assert_allclose(changed.predict_proba(data.X), expected, atol=1e-6)


def test_a_tau_that_is_given_is_taken_and_costs_no_inner_folds():
    changed, _ = fitted_cell("tau_norm", None, "strategy.decision.tau_norm.tau=0.3")
    assert (changed.tau_, changed.n_fits_) == (0.3, 1)


def test_tau_is_the_best_of_the_grid_on_inner_folds():
    easy = make_data((300, 40, 12))
    data = replace(easy, X=easy.X + np.random.default_rng(1).normal(0, 0.5, easy.X.shape))
    words = ["model.estimator.lr=0.02", "strategy.decision.tau_norm.cv=3"]
    changed, _ = fitted_cell("tau_norm", data, *words)
    # The reference fits a rule with each number on each inner training part.
    folds = StratifiedKFold(3, shuffle=True, random_state=changed.random_state)
    found = []
    for tau in np.arange(11) / 10:
        fixed = clone(changed).set_params(tau=float(tau))
        labels = np.empty_like(data.y)
        for train, held_out in folds.split(data.X, data.y):
            fixed.fit(data.X[train], data.y[train])
            labels[held_out] = fixed.predict(data.X[held_out])
        found.append(balanced_accuracy_score(data.y, labels))
    assert 0 < np.argmax(found) < 10, "neither end is the best, so that the choice matters"
    assert changed.tau_ == np.argmax(found) / 10
    assert changed.n_fits_ == 4


def test_inner_folds_are_clipped_to_the_smallest_class_with_a_note():
    fitted, _ = fitted_cell("tau_norm", make_data((160, 40, 4)))
    why = "a class has 4 rows in this training part"
    assert fitted.notes_ == (f"strategy.decision.tau_norm.cv=5 was clipped to 4: {why}.",)
    assert fitted.n_fits_ == 5
    data = make_data((160, 40, 1))
    words = r"^strategy\.decision\.tau_norm\.cv=5 needs two rows .* has 1 .*: leave tau_norm out\.$"
    with pytest.raises(ValueError, match=words):
        fitted_cell("tau_norm", data)
    fitted_cell("tau_norm", data, "strategy.decision.tau_norm.tau=1")


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0])
def test_norms_are_those_before_to_the_power_one_minus_tau(tau):
    weight = torch.randn(5, 8, dtype=torch.float64, generator=Generator().manual_seed(0))
    new = tau_normalised(weight, tau)
    torch.testing.assert_close(new.norm(dim=1), weight.norm(dim=1) ** (1 - tau))
    torch.testing.assert_close(
        nn.functional.cosine_similarity(new, weight), torch.ones(5, dtype=torch.float64)
    )


def test_a_class_mean_head_labels_by_the_nearest_mean():
    changed, data = fitted_cell("nearest_class_mean")
    plain, _ = fitted_cell("none")
    features = net_of(plain).embed(transformed(plain, data.X)).astype(np.float64)
    means = np.stack([features[data.y == k].mean(0) for k in range(3)])
    distances = np.square(features[:, None] - means).sum(2)
    np.testing.assert_array_equal(changed.predict(data.X), distances.argmin(1))
    expected = np.exp(distances.min(1, keepdims=True) - distances)
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(changed.predict_proba(data.X), expected, atol=1e-4)


def test_a_mean_head_takes_half_precision_and_far_features():
    head = MeanHead(torch.zeros(2, 4))
    logits = head(torch.full((3, 4), 1e4, dtype=torch.bfloat16))
    assert torch.isfinite(logits).all()
    assert logits.dtype == torch.float32


def test_learnable_scales_leave_the_weights_of_the_head_alone():
    plain, _ = fitted_cell("none")
    changed, _ = fitted_cell("lws")
    head = net_of(changed).net_[1]
    assert isinstance(head, ScaledHead)
    torch.testing.assert_close(head.head.weight, net_of(plain).net_[1].weight)
    assert not torch.allclose(head.scale, torch.ones(3))
    x = torch.randn(7, head.head.in_features)
    torch.testing.assert_close(head(x), head.head(x) * head.scale)


def test_a_retrained_head_is_near_the_minimum_of_the_class_balanced_loss():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [300, 50, 20])
    features = torch.tensor(rng.normal(size=(370, 2)) + np.eye(3)[y][:, :2], dtype=torch.float32)
    labels = torch.tensor(y)
    share = 1 / (3 * torch.bincount(labels)[labels].double())

    def balanced_loss(head):
        logs = head(features).double().log_softmax(1)
        return -(share * logs[torch.arange(370), labels]).sum()

    torch.manual_seed(0)
    trained, exact = nn.Linear(2, 3), nn.Linear(2, 3)
    train_on_features(
        trained,
        features,
        labels,
        n_steps=2000,
        lr=0.05,
        batch_size=64,
        weight_decay=0.0,
        generator=Generator().manual_seed(0),
    )
    solver = torch.optim.LBFGS(exact.parameters(), max_iter=200)

    def closure():
        solver.zero_grad()
        loss = balanced_loss(exact)
        loss.backward()
        return loss

    solver.step(closure)
    assert balanced_loss(trained) < 1.01 * balanced_loss(exact)


@pytest.mark.parametrize("name", HEADS)
def test_around_an_ensemble_the_head_of_every_member_is_replaced(name):
    few = "strategy.ensemble.under_bagging.n_estimators=3"
    changed, data = fitted_cell(f"[under_bagging,{name}]", None, few)
    members = [p.named_steps["model"] for p in fitted_models(changed)]
    assert len(members) == 3
    kinds = {type(m.net_[1]).__name__ for m in members}
    assert len(kinds) == 1
    mean = np.mean([m.predict_proba(data.X) for m in changed.estimator_.estimators_], axis=0)
    np.testing.assert_allclose(changed.predict_proba(data.X), mean)


@pytest.mark.parametrize("name", ["crt", "lws", "nearest_class_mean"])
@pytest.mark.parametrize("loss", ["ldam", "bce"])
def test_a_loss_with_other_outputs_does_not_read_those_of_the_new_head(name, loss):
    changed, data = fitted_cell(f"[{loss},{name}]")
    model = net_of(changed)
    with torch.inference_mode():
        x = torch.tensor(transformed(changed.estimator_, data.X), dtype=torch.float32)
        expected = model.net_(x).double().softmax(1).numpy()
    np.testing.assert_allclose(changed.predict_proba(data.X), expected, atol=1e-6)


def test_tau_norm_on_a_head_that_is_not_linear_is_incompatible():
    with pytest.raises(Incompatible, match=r"^strategy=tau_norm .* a CosineHead of its own: .*\.$"):
        fitted_cell("[ldam,tau_norm]")


def test_the_generators_of_pytorch_are_given_back_as_they_were():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fitted_cell("crt")
    assert torch.equal(torch.rand(1), expected)


def test_a_net_without_a_pipeline_has_no_head_to_find_and_stays_as_it_is():
    data = make_data()
    net = TorchClassifier(epochs=2, device="cpu", random_state=0)
    scores = net.fit(data.X, data.y).predict_proba(data.X)
    fitted = TauNormalisation(TorchClassifier(epochs=2, device="cpu", random_state=0))
    np.testing.assert_array_equal(fitted.fit(data.X, data.y).predict_proba(data.X), scores)


@pytest.mark.parametrize("rule", [ClassifierRetraining, LearnableWeightScaling])
@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"n_steps": 0}, "n_steps must be an integer of at least 1, got 0."),
        ({"batch_size": 1.5}, "batch_size must be an integer of at least 1, got 1.5."),
        ({"lr": 0.0}, "lr must be a number above 0, got lr=0.0."),
        ({"weight_decay": -1.0}, "weight_decay must be a number of at least 0, got -1.0."),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_before_anything_runs(rule, value, sentence):
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        rule(None, **value).check_params()


@pytest.mark.parametrize("tau", [-0.1, 1.1, "a", True])
def test_a_tau_outside_of_zero_to_one_is_refused(tau):
    with pytest.raises(ValueError, match=r"^tau must lie in \[0, 1\] or be null, got tau="):
        TauNormalisation(None, tau=tau).check_params()
