"""Numerics of the shipped losses beyond the contract of every loss, and their parameters."""

import math
from functools import partial

import pytest
import torch
from sklearn.base import clone

from imbench.models.nets.classifier import TorchClassifier
from imbench.strategies.loss.asymmetric import AsymmetricLoss
from imbench.strategies.loss.auc_margin import AUCMarginLoss
from imbench.strategies.loss.bce import BCELoss
from imbench.strategies.loss.class_balanced_focal import ClassBalancedFocalLoss
from imbench.strategies.loss.class_dependent_temperature import ClassDependentTemperatureLoss
from imbench.strategies.loss.equalization import EqualizationLoss
from imbench.strategies.loss.focal_sigmoid import FocalSigmoidLoss
from imbench.strategies.loss.generalized_ce import GeneralizedCELoss
from imbench.strategies.loss.influence_balanced import InfluenceBalancedLoss
from imbench.strategies.loss.label_aware_smoothing import LabelAwareSmoothingLoss
from imbench.strategies.loss.ldam import LDAMLoss
from imbench.strategies.loss.logit_adjusted import LogitAdjustedLoss
from imbench.strategies.loss.poly1 import Poly1Loss
from imbench.strategies.loss.soft_f1 import SoftF1Loss
from imbench.strategies.loss.vector_scaling import VectorScalingLoss
from tests.losses import LOSSES

COUNTS = torch.tensor([50, 10, 5, 1])
BATCH_LEVEL = (SoftF1Loss, AUCMarginLoss)
# Sigmoids look at each logit, not at differences; these two also scale logits by class.
SHIFT_MATTERS = (
    BCELoss,
    FocalSigmoidLoss,
    ClassBalancedFocalLoss,
    AsymmetricLoss,
    AUCMarginLoss,
    VectorScalingLoss,
    ClassDependentTemperatureLoss,
)


def bound(loss, counts=COUNTS, leading=(), n_rows=64, dtype=torch.float32):
    """Return the row loss as a function of logits and labels alone."""
    row_loss = loss.bind(counts)
    if getattr(loss, "uses_progress", False):
        row_loss = partial(row_loss, progress=0.9)
    if not getattr(loss, "uses_features", False):
        return row_loss
    generator = torch.Generator().manual_seed(1)
    features = torch.randn((*leading, n_rows, 6), generator=generator, dtype=torch.float64)
    return lambda z, y: row_loss(z, y, features.to(dtype))


def make_batch(n_rows=64, scale=3.0, dtype=torch.float64, leading=()):
    generator = torch.Generator().manual_seed(0)
    shape = (*leading, n_rows, len(COUNTS))
    logits = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    y = torch.randint(len(COUNTS), shape[:-1], generator=generator)
    return logits.to(dtype), y


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_losses_are_not_below_zero(loss):
    logits, y = make_batch()
    assert (bound(loss, dtype=torch.float64)(logits, y) >= 0).all()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_half_precision_logits_give_what_the_same_numbers_give_in_single_precision(loss):
    logits, y = make_batch(dtype=torch.bfloat16)
    row_loss = bound(loss, dtype=torch.bfloat16)
    found = row_loss(logits, y)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, row_loss(logits.float(), y))


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_single_and_double_precision_agree(loss):
    logits, y = make_batch(dtype=torch.float32)
    single, double = bound(loss)(logits, y), bound(loss)(logits.double(), y)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_leading_axes_give_what_single_calls_give(loss):
    logits, y = make_batch(n_rows=7, leading=(3, 2))
    row_loss = loss.bind(COUNTS)
    if getattr(loss, "uses_progress", False):
        row_loss = partial(row_loss, progress=0.9)
    more = []
    if getattr(loss, "uses_features", False):
        more = [torch.randn((3, 2, 7, 5), dtype=torch.float64, generator=torch.Generator())]
    together = row_loss(logits, y, *more)
    assert together.shape == (3, 2, 7)
    for i in range(3):
        for j in range(2):
            alone = row_loss(logits[i, j], y[i, j], *(m[i, j] for m in more))
            torch.testing.assert_close(together[i, j], alone, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", [SoftF1Loss(), AUCMarginLoss()], ids=str)
def test_batch_level_losses_return_the_same_value_for_every_row(loss):
    assert loss.batch_level, "`build` refuses weights beside it"
    logits, y = make_batch(n_rows=8, leading=(3,))
    found = loss.bind(COUNTS)(logits, y)
    assert found.shape == (3, 8)
    assert (found == found[:, :1]).all()
    assert found[0, 0] != found[1, 0]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_only_softmax_losses_are_invariant_to_a_constant_added_to_all_logits(loss):
    logits, y = make_batch()
    row_loss = bound(loss, dtype=torch.float64)
    same = torch.allclose(row_loss(logits + 7.5, y), row_loss(logits, y), rtol=1e-9)
    assert same == (not isinstance(loss, SHIFT_MATTERS))


@pytest.mark.parametrize(
    "loss", [one for one in LOSSES if not isinstance(one, BATCH_LEVEL)], ids=str
)
def test_the_loss_decreases_with_the_logit_of_the_true_class(loss):
    z = torch.linspace(-8, 8, 65, dtype=torch.float64)
    logits = torch.stack([z, *3 * [torch.zeros_like(z)]], 1)
    found = bound(loss, n_rows=65, dtype=torch.float64)
    features = torch.ones((65, 6), dtype=torch.float64)
    if getattr(loss, "uses_features", False):
        found = partial(loss.bind(COUNTS), features=features, progress=0.9)
    values = found(logits, torch.zeros(65, dtype=torch.int64))
    if isinstance(loss, LabelAwareSmoothingLoss):
        values = values[z <= math.log(3 * 0.6 / 0.4)]  # past its target the smoothed loss rises
    assert (values.diff() <= 1e-12).all()


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_losses_are_cloned_with_the_net(loss):
    assert clone(TorchClassifier(loss=loss)).loss == loss


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: BCELoss(0.0), "pos_weight must be a number above 0, got pos_weight=0.0."),
        (lambda: BCELoss([1, -1]), "pos_weight[1] must be a number above 0, got pos_weight[1]=-1."),
        (lambda: BCELoss("2"), "pos_weight must be a number above 0, got pos_weight='2'."),
        (lambda: FocalSigmoidLoss(-1), "gamma must be a number of at least 0, got gamma=-1."),
        (lambda: FocalSigmoidLoss(2, 1), "alpha must be a number in (0, 1), got alpha=1."),
        (
            lambda: ClassBalancedFocalLoss(math.nan),
            "gamma must be a number of at least 0, got gamma=nan.",
        ),
        (
            lambda: ClassBalancedFocalLoss(0.5, 1.0),
            "beta must be a number in [0, 1), got beta=1.0.",
        ),
        (lambda: LDAMLoss(max_m=-0.1), "max_m must be a number of at least 0, got max_m=-0.1."),
        (lambda: LDAMLoss(s=0), "s must be a number above 0, got s=0."),
        (lambda: LogitAdjustedLoss(math.inf), "tau must be a number of at least 0, got tau=inf."),
        (lambda: VectorScalingLoss(-1), "gamma must be a number of at least 0, got gamma=-1."),
        (lambda: VectorScalingLoss(tau=True), "tau must be a number of at least 0, got tau=True."),
        (
            lambda: ClassDependentTemperatureLoss(None),
            "gamma must be a number of at least 0, got gamma=None.",
        ),
        (lambda: AsymmetricLoss(clip=1), "clip must be a number in [0, 1), got clip=1."),
        (
            lambda: AsymmetricLoss(gamma_neg=-4),
            "gamma_neg must be a number of at least 0, got gamma_neg=-4.",
        ),
        (lambda: AsymmetricLoss(-1), "gamma_pos must be a number of at least 0, got gamma_pos=-1."),
        (lambda: Poly1Loss(-1.5), "epsilon must be a number of at least -1, got epsilon=-1.5."),
        (lambda: Poly1Loss(gamma=-1), "gamma must be a number of at least 0, got gamma=-1."),
        (lambda: LabelAwareSmoothingLoss(1.0), "head must be a number in [0, 1), got head=1.0."),
        (
            lambda: LabelAwareSmoothingLoss(0.1, 0.4),
            "tail must be at most head, got tail=0.4 and head=0.1.",
        ),
        (
            lambda: LabelAwareSmoothingLoss(rule="exp"),
            "rule must be concave, linear or convex, got rule='exp'.",
        ),
        (lambda: EqualizationLoss(1.1), "gamma must be a number in [0, 1], got gamma=1.1."),
        (
            lambda: EqualizationLoss(threshold=0),
            "threshold must be a number in (0, 1], got threshold=0.",
        ),
        (lambda: InfluenceBalancedLoss(0), "alpha must be a number above 0, got alpha=0."),
        (
            lambda: InfluenceBalancedLoss(epsilon=0),
            "epsilon must be a number above 0, got epsilon=0.",
        ),
        (lambda: InfluenceBalancedLoss(start=1), "start must be a number in [0, 1), got start=1."),
        (lambda: AUCMarginLoss(0), "margin must be a number in (0, 1], got margin=0."),
        (lambda: GeneralizedCELoss(0), "q must be a number in (0, 1], got q=0."),
        (lambda: GeneralizedCELoss(1.2), "q must be a number in (0, 1], got q=1.2."),
        (
            lambda: BCELoss([1.0, 2.0]).bind(COUNTS),
            "strategy.loss.bce.pos_weight has 2 values, but this training part has 4 classes: "
            "give one a class, or one number for all.",
        ),
    ],
)
def test_invalid_values_raise_one_sentence_with_the_parameter(make, sentence):
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == sentence
