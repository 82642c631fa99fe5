"""Each loss against its formula in plain Python, the identities, and published tables."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imbench.strategies.loss.asymmetric import AsymmetricLoss
from imbench.strategies.loss.auc_margin import AUCMarginLoss
from imbench.strategies.loss.balanced_softmax import BalancedSoftmaxLoss
from imbench.strategies.loss.bce import BCELoss
from imbench.strategies.loss.class_balanced_focal import ClassBalancedFocalLoss
from imbench.strategies.loss.class_dependent_temperature import ClassDependentTemperatureLoss
from imbench.strategies.loss.cross_entropy import CrossEntropyLoss
from imbench.strategies.loss.equalization import EqualizationLoss
from imbench.strategies.loss.focal import FocalLoss
from imbench.strategies.loss.focal_sigmoid import FocalSigmoidLoss
from imbench.strategies.loss.generalized_ce import GeneralizedCELoss
from imbench.strategies.loss.influence_balanced import InfluenceBalancedLoss
from imbench.strategies.loss.label_aware_smoothing import LabelAwareSmoothingLoss, smoothing
from imbench.strategies.loss.ldam import LDAMLoss
from imbench.strategies.loss.logit_adjusted import LogitAdjustedLoss
from imbench.strategies.loss.poly1 import Poly1Loss
from imbench.strategies.loss.soft_f1 import SoftF1Loss
from imbench.strategies.loss.vector_scaling import VectorScalingLoss

COUNTS = [50, 10, 5, 1]
N, K = sum(COUNTS), len(COUNTS)
CIFAR_LT = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
CIFAR_LT_MARGINS = [
    0.1581, 0.1797, 0.2042, 0.2321, 0.2638, 0.2998, 0.3407, 0.3872, 0.4405, 0.5,
]  # fmt: skip
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 3, (40, K))
LABELS = np.concatenate([np.arange(K), RNG.integers(0, K, 36)])
FEATURES = RNG.normal(0, 1, (40, 6))


def by_row(formula):
    """Return a formula of (logits of a row, its label) over all rows."""
    pairs = zip(LOGITS.tolist(), LABELS.tolist(), strict=True)
    return np.array([formula(z, y) for z, y in pairs])


def evaluate(loss, counts=COUNTS, *more, **keywords):
    found = loss.bind(torch.tensor(counts))(
        torch.tensor(LOGITS), torch.tensor(LABELS), *more, **keywords
    )
    return found.numpy()


def softmax(z):
    exps = [math.exp(v - max(z)) for v in z]
    return [e / math.fsum(exps) for e in exps]


def ce(z, y):
    return -math.log(softmax(z)[y])


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


def bce(z, y, pos_weight):
    return math.fsum(
        -w * math.log(sigmoid(v)) if k == y else -math.log(1 - sigmoid(v))
        for k, (v, w) in enumerate(zip(z, pos_weight, strict=True))
    )


def focal_sigmoid(z, y, gamma, alpha=None):
    total = 0.0
    for k, v in enumerate(z):
        p_t = sigmoid(v) if k == y else 1 - sigmoid(v)
        share = 1.0 if alpha is None else alpha if k == y else 1 - alpha
        total -= share * (1 - p_t) ** gamma * math.log(p_t)
    return total


def asymmetric(z, y, gamma_pos, gamma_neg, clip):
    total = 0.0
    for k, v in enumerate(z):
        p = sigmoid(v)
        p_m = max(p - clip, 0)
        if k == y:
            total -= (1 - p) ** gamma_pos * math.log(p)
        else:
            total -= p_m**gamma_neg * math.log(1 - p_m)
    return total


def effective_number_weights(beta):
    raw = [(1 - beta) / (1 - beta**n) for n in COUNTS]
    return [w * K / sum(raw) for w in raw]


def ldam(z, y, max_m, s):
    largest = max(n**-0.25 for n in COUNTS)
    shifted = [s * v for v in z]
    shifted[y] -= s * max_m * COUNTS[y] ** -0.25 / largest
    return ce(shifted, y)


def vector_scaling(z, y, gamma, tau):
    pairs = zip(z, COUNTS, strict=True)
    return ce([v * (n / max(COUNTS)) ** gamma + tau * math.log(n / N) for v, n in pairs], y)


def label_aware(z, y, head, tail, rule):
    place = (COUNTS[y] - 1) / 49
    if rule == "concave":
        e = tail + (head - tail) * math.sin(math.pi / 2 * place)
    elif rule == "linear":
        e = tail + (head - tail) * place
    else:  # the paper's form
        e = head + (head - tail) * math.sin(1.5 * math.pi + math.pi / 2 * place)
    target = [1 - e if k == y else e / (K - 1) for k in range(K)]
    return -math.fsum(t * math.log(p) for t, p in zip(target, softmax(z), strict=True))


def equalization(z, y, gamma, threshold):
    def with_b(b):
        total = 0.0
        for k, v in enumerate(z):
            is_rare = COUNTS[k] / N < threshold / K
            total += (1 - b * is_rare * (k != y)) * math.exp(v)
        return -math.log(math.exp(z[y]) / total)

    return gamma * with_b(1) + (1 - gamma) * with_b(0)


def generalized_ce(z, y, q):
    return (1 - softmax(z)[y] ** q) / q


def poly1(z, y, epsilon, gamma):
    p_t = softmax(z)[y]
    return -((1 - p_t) ** gamma) * math.log(p_t) + epsilon * (1 - p_t) ** (gamma + 1)


NEGATIVES_PER_POSITIVE = [(N - n) / n for n in COUNTS]
CASES = [
    (BCELoss(), partial(bce, pos_weight=NEGATIVES_PER_POSITIVE)),
    (BCELoss(3.0), partial(bce, pos_weight=[3.0] * K)),
    (BCELoss([1, 2, 3, 4]), partial(bce, pos_weight=[1, 2, 3, 4])),
    (FocalSigmoidLoss(), partial(focal_sigmoid, gamma=2.0)),
    (FocalSigmoidLoss(0.5, 0.25), partial(focal_sigmoid, gamma=0.5, alpha=0.25)),
    (
        ClassBalancedFocalLoss(0.5, 0.999),
        lambda z, y: effective_number_weights(0.999)[y] * focal_sigmoid(z, y, 0.5),
    ),
    (LDAMLoss(), partial(ldam, max_m=0.5, s=30)),
    (LDAMLoss(0.3, 2.0), partial(ldam, max_m=0.3, s=2)),
    (
        BalancedSoftmaxLoss(),
        lambda z, y: -math.log(
            COUNTS[y] * math.exp(z[y])
            / math.fsum(n * math.exp(v) for n, v in zip(COUNTS, z, strict=True))
        ),
    ),
    (LogitAdjustedLoss(1.5), partial(vector_scaling, gamma=0, tau=1.5)),
    (VectorScalingLoss(0.3, 0.7), partial(vector_scaling, gamma=0.3, tau=0.7)),
    (
        ClassDependentTemperatureLoss(0.2),
        lambda z, y: ce([v / (50 / n) ** 0.2 for v, n in zip(z, COUNTS, strict=True)], y),
    ),
    (AsymmetricLoss(), partial(asymmetric, gamma_pos=1, gamma_neg=4, clip=0.05)),
    (AsymmetricLoss(0.5, 0.3, 0.2), partial(asymmetric, gamma_pos=0.5, gamma_neg=0.3, clip=0.2)),
    (AsymmetricLoss(2, 3, 0), partial(asymmetric, gamma_pos=2, gamma_neg=3, clip=0)),
    (Poly1Loss(), partial(poly1, epsilon=1, gamma=0)),
    (Poly1Loss(-0.5, 2), partial(poly1, epsilon=-0.5, gamma=2)),
    *(
        (LabelAwareSmoothingLoss(0.4, 0.1, r), partial(label_aware, head=0.4, tail=0.1, rule=r))
        for r in ("concave", "linear", "convex")
    ),
    (EqualizationLoss(), partial(equalization, gamma=0.9, threshold=0.5)),
    (EqualizationLoss(0.4, 1.0), partial(equalization, gamma=0.4, threshold=1.0)),
    (GeneralizedCELoss(), partial(generalized_ce, q=0.7)),
    (GeneralizedCELoss(1.0), partial(generalized_ce, q=1.0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "formula"), CASES, ids=lambda v: str(v) if "Loss" in str(v) else ""
)
def test_a_loss_of_rows_is_its_formula(loss, formula):
    np.testing.assert_allclose(evaluate(loss), by_row(formula), rtol=1e-9)


@pytest.mark.parametrize("alpha", [1.0, 1000.0])
def test_the_influence_balanced_loss_is_its_formula_with_the_weights_of_the_classes(alpha):
    found = evaluate(
        InfluenceBalancedLoss(alpha, 1e-3, 0.5), COUNTS, torch.tensor(FEATURES), progress=0.5
    )
    inverse = [1 / n for n in COUNTS]
    expected = []
    for z, y, h in zip(LOGITS.tolist(), LABELS.tolist(), FEATURES.tolist(), strict=True):
        gradient = math.fsum(abs(p - (k == y)) for k, p in enumerate(softmax(z)))
        weight = alpha * K * inverse[y] / sum(inverse)
        size = math.fsum(map(abs, h))
        expected.append(weight * ce(z, y) / (gradient * size + 1e-3))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_influence_balanced_loss_is_cross_entropy_until_its_start():
    before = evaluate(InfluenceBalancedLoss(), COUNTS, torch.tensor(FEATURES), progress=0.49)
    np.testing.assert_allclose(before, by_row(ce), rtol=1e-9)


def soft_f1(z, y):
    scores = []
    for k in set(y.tolist()):
        p = [softmax(row)[k] for row in z.tolist()]
        tp = math.fsum(v for v, label in zip(p, y, strict=True) if label == k)
        fp = math.fsum(v for v, label in zip(p, y, strict=True) if label != k)
        fn = math.fsum(1 - v for v, label in zip(p, y, strict=True) if label == k)
        scores.append(2 * tp / (2 * tp + fp + fn))
    return 1 - np.mean(scores)


def test_soft_f1_is_one_minus_the_mean_f1_of_the_classes_in_the_batch():
    np.testing.assert_allclose(evaluate(SoftF1Loss()), soft_f1(LOGITS, LABELS), rtol=1e-12)
    part = LABELS < 3
    found = SoftF1Loss().bind(torch.tensor(COUNTS))(
        torch.tensor(LOGITS[part]), torch.tensor(LABELS[part])
    )
    np.testing.assert_allclose(found, soft_f1(LOGITS[part], LABELS[part]), rtol=1e-12)


def test_soft_f1_of_certain_outputs_is_scikit_learns_f1():
    metrics = pytest.importorskip("sklearn.metrics")
    predicted = LOGITS.argmax(1)
    found = SoftF1Loss().bind(torch.tensor(COUNTS))(
        torch.tensor(1e4 * np.eye(K)[predicted]), torch.tensor(LABELS)
    )
    expected = 1 - metrics.f1_score(LABELS, predicted, average="macro", zero_division=0)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def auc_margin(z, y, margin, classes):
    """Mean over classes of the minimum over a and b and the maximum over alpha, by search."""
    from scipy.optimize import minimize_scalar

    found = []
    for k in classes:
        h = 1 / (1 + np.exp(-z[:, k]))
        of_class, rest = h[y == k], h[y != k]
        gap = margin - of_class.mean() + rest.mean()
        least = [
            minimize_scalar(lambda c, s=s: np.mean((s - c) ** 2), tol=1e-12).fun
            for s in (of_class, rest)
        ]
        most = -minimize_scalar(
            lambda a, gap=gap: a**2 - 2 * a * gap, bounds=(0, 10), method="bounded",
            options={"xatol": 1e-10},
        ).fun  # fmt: skip
        found.append(least[0] + least[1] + most)
    return np.mean(found)


@pytest.mark.parametrize("margin", [1.0, 0.2])
def test_auc_margin_solves_the_papers_min_max_problem_for_the_batch(margin):
    expected = auc_margin(LOGITS, LABELS, margin, range(K))
    np.testing.assert_allclose(evaluate(AUCMarginLoss(margin)), expected, rtol=1e-7)


def test_auc_margin_leaves_out_classes_that_the_batch_does_not_hold():
    part = LABELS < 2
    found = AUCMarginLoss().bind(torch.tensor(COUNTS))(
        torch.tensor(LOGITS[part]), torch.tensor(LABELS[part])
    )
    expected = auc_margin(LOGITS[part], LABELS[part], 1.0, range(2))
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_auc_margin_of_a_batch_with_one_class_is_zero_without_a_gradient():
    logits = torch.tensor(LOGITS[:5], requires_grad=True)
    loss = AUCMarginLoss().bind(torch.tensor(COUNTS))(logits, torch.zeros(5, dtype=torch.int64))
    loss.sum().backward()
    assert (loss == 0).all()
    assert (logits.grad == 0).all()


@pytest.mark.parametrize(
    "loss",
    [
        FocalLoss(0.0),
        Poly1Loss(0.0),
        LogitAdjustedLoss(0.0),
        VectorScalingLoss(0.0, 0.0),
        ClassDependentTemperatureLoss(0.0),
        LabelAwareSmoothingLoss(0.0, 0.0),
        EqualizationLoss(0.0),
        EqualizationLoss(1.0, 1e-9),
        LDAMLoss(0.0, 1.0),
        GeneralizedCELoss(1e-9),
    ],
    ids=str,
)
def test_a_loss_whose_parameter_is_switched_off_is_cross_entropy(loss):
    np.testing.assert_allclose(evaluate(loss), evaluate(CrossEntropyLoss()), rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "same"),
    [
        (LogitAdjustedLoss(1.0), BalancedSoftmaxLoss()),
        (VectorScalingLoss(0.0, 1.3), LogitAdjustedLoss(1.3)),
        (VectorScalingLoss(0.3, 0.0), ClassDependentTemperatureLoss(0.3)),
        (Poly1Loss(0.0, 2.0), FocalLoss(2.0)),
        (FocalSigmoidLoss(0.0), BCELoss(1.0)),
        (AsymmetricLoss(0.0, 0.0, 0.0), BCELoss(1.0)),
        (AsymmetricLoss(2.0, 2.0, 0.0), FocalSigmoidLoss(2.0)),
        (ClassBalancedFocalLoss(2.0, 0.0), FocalSigmoidLoss(2.0)),
    ],
    ids=str,
)
def test_two_losses_that_should_be_one_are(loss, same):
    np.testing.assert_allclose(evaluate(loss), evaluate(same), rtol=1e-9)


def test_ldam_without_margins_is_cross_entropy_of_scaled_logits():
    expected = F.cross_entropy(30 * torch.tensor(LOGITS), torch.tensor(LABELS), reduction="none")
    np.testing.assert_allclose(evaluate(LDAMLoss(0.0)), expected, rtol=1e-9)


def test_ldam_has_the_published_margins():
    # Of two logits 0 and 0, the first of them true, the loss is log(1 + exp(s m)).
    counts = torch.tensor(CIFAR_LT)
    loss = LDAMLoss(0.5, 1.0).bind(counts)
    logits = torch.full((10, 10), -1e4, dtype=torch.float64)
    rows = torch.arange(10)
    logits[rows, rows] = 0
    logits[rows, (rows + 1) % 10] = 0
    margins = torch.log(torch.expm1(loss(logits, rows)))
    np.testing.assert_array_equal(margins.numpy().round(4), CIFAR_LT_MARGINS)


def test_class_balanced_focal_has_the_published_weights():
    published = [
        0.1812, 0.1894, 0.2157, 0.2729, 0.3785, 0.5606, 0.8688, 1.3862, 2.2584, 3.6883,
    ]  # fmt: skip
    y, logits = torch.arange(10), torch.zeros((10, 10), dtype=torch.float64)
    counts = torch.tensor(CIFAR_LT)
    weighted = ClassBalancedFocalLoss(0.5, 0.999).bind(counts)(logits, y)
    plain = FocalSigmoidLoss(0.5).bind(counts)(logits, y)
    np.testing.assert_array_equal((weighted / plain).numpy().round(4), published)


def test_bce_is_pytorchs_with_its_parameter_pos_weight():
    target = F.one_hot(torch.tensor(LABELS), K).double()
    expected = F.binary_cross_entropy_with_logits(
        torch.tensor(LOGITS), target, pos_weight=torch.tensor([1.0, 2, 3, 4]), reduction="none"
    ).sum(1)
    np.testing.assert_allclose(evaluate(BCELoss([1.0, 2.0, 3.0, 4.0])), expected, rtol=1e-9)


def test_by_default_positives_and_negatives_of_an_output_weigh_the_same():
    # At logits of zero each row costs an output log 2 times its weight.
    counts = torch.tensor([90, 10])
    rows = torch.arange(2).repeat_interleave(counts)
    z = torch.zeros((100, 2), dtype=torch.float64, requires_grad=True)
    BCELoss().bind(counts)(z, rows).sum().backward()
    torch.testing.assert_close(z.grad.sum(0), torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize("rule", ["concave", "linear", "convex"])
def test_smoothing_goes_from_tail_to_head(rule):
    found = smoothing(torch.tensor(CIFAR_LT), 0.4, 0.1, rule)
    assert found[0].item() == pytest.approx(0.4)
    assert found[-1].item() == pytest.approx(0.1)
    assert (found.diff() < 0).all()


def test_a_concave_rule_smooths_more_than_a_linear_one_and_a_convex_one_less():
    concave, linear, convex = (
        smoothing(torch.tensor(CIFAR_LT), 0.4, 0.1, rule)[1:-1]
        for rule in ("concave", "linear", "convex")
    )
    assert (concave > linear).all()
    assert (linear > convex).all()


def test_classes_of_one_size_are_smoothed_as_the_tail():
    assert smoothing(torch.tensor([7, 7]), 0.4, 0.1, "concave").tolist() == [0.1, 0.1]


def test_equalization_is_the_mean_over_many_draws_of_the_papers_variable():
    rng = np.random.default_rng(0)
    is_rare = np.array(COUNTS) / N < 0.5 / K
    draws = rng.random(20_000) < 0.9
    for z, y, found in zip(LOGITS[:5], LABELS[:5], evaluate(EqualizationLoss())[:5], strict=True):
        w = 1 - draws[:, None] * (is_rare & (np.arange(K) != y))  # (draws, K)
        sampled = np.log((w * np.exp(z)).sum(1)) - z[y]
        spread = 4 * sampled.std() / math.sqrt(len(draws)) + 1e-12
        assert abs(sampled.mean() - found) < spread


def test_a_rare_class_is_pushed_down_less_by_rows_of_other_classes():
    logits = torch.zeros((1, K), dtype=torch.float64, requires_grad=True)
    EqualizationLoss(1.0).bind(torch.tensor(COUNTS))(logits, torch.tensor([0])).backward()
    assert logits.grad[0, 3] == 0
    assert logits.grad[0, 1] > 0


def test_no_class_is_rare_where_all_are_equally_large():
    loss = EqualizationLoss(1.0, 1.0)
    np.testing.assert_allclose(evaluate(loss, [7] * K), evaluate(CrossEntropyLoss()), rtol=1e-9)
