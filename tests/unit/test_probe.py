"""What a loss does is found out by calling it, whatever it declares."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification

from imbench.errors import Incompatible
from imbench.models.base import Model
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.probe import LossFacts, probe_loss
from imbench.models.nets.together import train_together
from imbench.pipeline.build import build
from imbench.strategies.augment.chain import AugmentChain
from imbench.strategies.augment.mixup import Mixup
from imbench.strategies.augment.noise import Noise
from imbench.strategies.base import Strategy
from imbench.strategies.weights.inverse_weights import InverseWeights
from imbench.testing.data import CASES
from tests.losses import SHIPPED
from tests.own_losses import (
    BatchCountsLoss,
    DroppingLoss,
    FirstNetLoss,
    FloatLoss,
    HardestHalfLoss,
    LateMeanLoss,
    LearnedLoss,
    MeanLoss,
    NoStackLoss,
    OutputLoss,
    PlainLoss,
    RememberingLoss,
    ScalarLoss,
    SharedDifficultyLoss,
    SortedLoss,
)

COUNTS = [
    [90, 10],
    [50, 50],
    [7, 7, 7],
    [100, 20, 4],
    [500, 1, 40, 0],
    *(list(range(5, 5 + k)) for k in (5, 6, 10)),
    list(range(1, 1001)),
]
INDEPENDENT = [PlainLoss, LearnedLoss, DroppingLoss, SortedLoss, FirstNetLoss]
DEPENDENT = [MeanLoss, HardestHalfLoss, BatchCountsLoss, LateMeanLoss]
MIXES_NETS = [FirstNetLoss, SharedDifficultyLoss, NoStackLoss]


def make_rows():
    return make_classification(
        200, 5, n_informative=4, n_redundant=0, weights=[0.9], random_state=0
    )


def net(**parameters):
    return TorchClassifier(epochs=3, device="cpu", random_state=0, **parameters)


@pytest.mark.parametrize("counts", COUNTS, ids=len)
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_losses_do_what_they_declare(name, counts):
    loss = SHIPPED[name]
    expected = LossFacts(getattr(loss, "batch_level", False), loss.stacks)
    assert probe_loss(loss, torch.tensor(counts)) == expected


@pytest.mark.parametrize("counts", COUNTS, ids=len)
@pytest.mark.parametrize("kind", INDEPENDENT)
def test_independent_rows_are_not_called_dependent(kind, counts):
    assert not probe_loss(kind(), torch.tensor(counts)).batch_level


@pytest.mark.parametrize("counts", COUNTS, ids=len)
@pytest.mark.parametrize("kind", DEPENDENT)
def test_rows_that_depend_on_each_other_are_found(kind, counts):
    assert probe_loss(kind(), torch.tensor(counts)).batch_level


@pytest.mark.parametrize("counts", COUNTS, ids=len)
@pytest.mark.parametrize("kind", MIXES_NETS)
def test_a_stacked_form_that_mixes_nets_or_fails_is_found(kind, counts):
    assert kind.stacks
    assert not probe_loss(kind(), torch.tensor(counts)).stacks


def test_a_stacked_form_that_is_right_is_used_only_if_declared():
    counts = torch.tensor([9, 3, 1])
    assert probe_loss(LearnedLoss(), counts).stacks
    assert not probe_loss(PlainLoss(), counts).stacks


@pytest.mark.parametrize(
    ("loss", "what"),
    [
        (ScalarLoss(), r"ScalarLoss returns shape \(\) "),
        (FloatLoss(), "FloatLoss returns float "),
        (OutputLoss(), r"OutputLoss returns shape \(8, 2\) "),
    ],
)
def test_what_is_not_one_loss_a_row_is_one_sentence(loss, what):
    sentence = (
        rf"^the loss {what}for a batch of 8 rows, but one loss a row is needed, shape \(8,\): "
        r"use reduction='none' and leave the mean to the trainer\.$"
    )
    with pytest.raises(ValueError, match=sentence):
        probe_loss(loss, torch.tensor([9, 1]))
    with pytest.raises(ValueError, match=sentence):
        net(loss=loss).fit(*make_rows())


@pytest.mark.parametrize("loss", [DroppingLoss(), SortedLoss(), LearnedLoss()])
def test_no_generator_is_advanced_and_the_loss_is_left_alone(loss):
    before, attributes = torch.get_rng_state(), copy.deepcopy(vars(loss))
    probe_loss(loss, torch.tensor([9, 1]))
    assert torch.equal(torch.get_rng_state(), before)
    assert str(vars(loss)) == str(attributes)


def test_a_loss_that_remembers_its_counts_is_bound_as_without_the_probe():
    loss = RememberingLoss()
    probe_loss(loss, torch.tensor([9, 1]))
    assert loss.bound == ()


def test_counts_are_left_alone():
    counts = torch.tensor([9, 1])
    probe_loss(FirstNetLoss(), counts)
    assert counts.tolist() == [9, 1]


@pytest.mark.parametrize("kind", [PlainLoss, LearnedLoss, DroppingLoss, SortedLoss])
def test_sound_losses_of_users_train_a_net(kind):
    X, y = make_rows()
    fitted = net(loss=kind(), weights=InverseWeights()).fit(X, y)
    assert np.isfinite(fitted.history_[:, 0]).all()


@pytest.mark.parametrize(
    ("name", "parameters", "fit"),
    [
        ("weights", {"weights": InverseWeights()}, {}),
        ("augment", {"augment": Mixup()}, {}),
        ("augment", {"augment": AugmentChain([Noise(), Mixup()])}, {}),
        ("sample_weight", {}, {"sample_weight": np.linspace(1, 2, 200)}),
    ],
)
def test_a_mean_loss_beside_row_weights_is_refused_by_the_net(name, parameters, fit):
    sentence = rf"^the loss MeanLoss of a row depends .* so {name} cannot weight rows: .*\.$"
    with pytest.raises(ValueError, match=sentence):
        net(loss=MeanLoss(), **parameters).fit(*make_rows(), **fit)
    net(loss=PlainLoss(), **parameters).fit(*make_rows(), **fit)


def test_a_mean_loss_without_row_weights_trains_as_cross_entropy_does():
    X, y = make_rows()
    mean, rows = (net(loss=loss).fit(X, y).predict_proba(X) for loss in (MeanLoss(), PlainLoss()))
    np.testing.assert_allclose(mean, rows, atol=1e-4)


def test_a_mean_loss_beside_row_weights_is_incompatible():
    data = CASES["three_classes"]()
    model = Model("mlp", net())
    for stage, entry in (("weights", InverseWeights()), ("augment", Mixup())):
        strategy = Strategy(loss={"own": MeanLoss()}, **{stage: {"other": entry}})
        with pytest.raises(Incompatible, match=r"^strategy=own computes .* strategy=other has no "):
            build(model, strategy, data.info, seed=0)
    build(model, Strategy(loss={"own": MeanLoss()}), data.info, seed=0)
    build(
        model,
        Strategy(loss={"own": PlainLoss()}, weights={"other": InverseWeights()}),
        data.info,
        seed=0,
    )


@pytest.mark.parametrize("wrong", [FirstNetLoss, SharedDifficultyLoss])
def test_a_wrong_stacked_form_changes_no_net(wrong, stack_sizes):
    class Alone(wrong):
        stacks = False

    X, y = make_rows()
    # Of one size, so that they share a stack, with different class sizes.
    folds = [(X[:150], y[:150]), (X[25:175], 1 - y[25:175]), (X[50:], y[50:])]
    found = {}
    for loss in (wrong(), Alone()):
        nets = train_together(net(loss=loss).fitting(*fold) for fold in folds)
        found[loss] = [fitted.predict_proba(X) for fitted in nets]
    assert stack_sizes == [3, 3]
    np.testing.assert_array_equal(*found.values())
