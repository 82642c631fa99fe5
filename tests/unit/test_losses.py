"""Cross-entropy and focal loss against plain formulas in numpy and PyTorch's own functions."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imbench.models.nets.objective import batch_loss
from imbench.strategies.loss.cross_entropy import CrossEntropyLoss
from imbench.strategies.loss.focal import FocalLoss

GAMMAS = (0.5, 1.0, 2.0, 5.0)
COUNTS = torch.tensor([50, 10, 5, 1])
LOSSES = [CrossEntropyLoss(), *(FocalLoss(gamma) for gamma in (0.0, *GAMMAS))]


def make_batch(n_rows=64, scale=3.0, dtype=torch.float64, leading=()):
    generator = torch.Generator().manual_seed(0)
    shape = (*leading, n_rows, len(COUNTS))
    logits = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    y = torch.randint(len(COUNTS), shape[:-1], generator=generator)
    return logits.to(dtype), y


def focal_by_the_formula(logits, y, gamma):
    """-(1 - p_t)^gamma log p_t, one row at a time, in Python floats."""
    losses = []
    for row, label in zip(logits.tolist(), y.tolist(), strict=True):
        exps = [math.exp(z - max(row)) for z in row]
        p_t = exps[label] / math.fsum(exps)
        losses.append(-((1 - p_t) ** gamma) * math.log(p_t))
    return np.array(losses)


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), FocalLoss(0.0), FocalLoss(0)])
def test_cross_entropy_and_focal_at_gamma_zero_are_pytorchs_cross_entropy(loss):
    logits, y = make_batch()
    expected = F.cross_entropy(logits, y, reduction="none")
    torch.testing.assert_close(loss.bind(COUNTS)(logits, y), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_focal_is_the_formula_of_the_paper(gamma):
    logits, y = make_batch()
    found = FocalLoss(gamma).bind(COUNTS)(logits, y).numpy()
    np.testing.assert_allclose(found, focal_by_the_formula(logits, y, gamma), rtol=1e-10)


def test_focal_has_the_values_that_can_be_worked_out_by_hand():
    logits = torch.tensor([[0.9, 0.1], [0.5, 0.5]], dtype=torch.float64).log()
    found = FocalLoss(2.0).bind(COUNTS[:2])(logits, torch.tensor([0, 1]))
    expected = [0.01 * -math.log(0.9), 0.25 * math.log(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, *GAMMAS])
def test_focal_of_a_well_classified_row_keeps_its_precision(gamma):
    # 1 - p_t is 2e-13 here: computed as 1 - exp(-ce) it would have three digits.
    margin = 29.25
    logits = torch.tensor([[margin, 0.0]], dtype=torch.float64)
    found = FocalLoss(gamma).bind(COUNTS[:2])(logits, torch.tensor([0])).item()
    miss = math.exp(-margin) / (1 + math.exp(-margin))
    assert found == pytest.approx(miss**gamma * -math.log1p(-miss), rel=1e-9 if gamma == 0 else 0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("loss", LOSSES)
def test_extreme_logits_give_the_limit_of_the_loss(loss, dtype):
    logits = torch.tensor([[1e4, -1e4, 0, 0], [-1e4, 1e4, 0, 0]], dtype=dtype)
    found = loss.bind(COUNTS)(logits, torch.zeros(2, dtype=torch.int64))
    assert found[0].item() == 0
    assert found[1].item() == pytest.approx(2e4, rel=0.01)


def test_weights_multiply_the_focal_loss_and_never_enter_its_probability():
    logits, y = make_batch()
    per_class = torch.tensor([0.1, 1.0, 2.0, 30.0], dtype=torch.float64)
    w = per_class[y].numpy()
    rows = focal_by_the_formula(logits, y, 2.0)
    targets = [(y, torch.ones(len(y), dtype=torch.float64))]
    found = batch_loss((logits,), targets, FocalLoss(2.0).bind(COUNTS), [per_class[y]])
    assert found.item() == pytest.approx((w * rows).sum() / w.sum(), rel=1e-10)


@pytest.mark.parametrize("gamma", [-0.5, math.nan, math.inf, "2", None])
def test_a_gamma_that_is_no_number_of_at_least_zero_is_refused(gamma):
    with pytest.raises(ValueError, match=r"^gamma must be a number of at least 0, got gamma=.*\.$"):
        FocalLoss(gamma)
