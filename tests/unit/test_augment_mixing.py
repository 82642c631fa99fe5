"""Mixup, Remix, CutMix and Balanced-MixUp: shares, partners, labels and sample weights."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional as F

from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.objective import batch_loss
from imbench.models.nets.rows import Rows
from imbench.models.nets.training import train
from imbench.strategies.augment.balanced_mixup import BalancedMixup
from imbench.strategies.augment.chain import AugmentChain
from imbench.strategies.augment.cutmix import CutMix, random_boxes
from imbench.strategies.augment.mixing import symmetric_beta
from imbench.strategies.augment.mixup import Mixup
from imbench.strategies.augment.noise import Noise
from imbench.strategies.augment.remix import Remix, label_share
from imbench.strategies.loss.cross_entropy import cross_entropy

COUNTS = torch.tensor([900, 300, 30, 10])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make_batch(n=64, shape=(3,), seed=0):
    return torch.randn((n, *shape), generator=seeded(seed)), torch.arange(n) % 4


def numbered(n, size=(8, 8)):
    """Images that hold nothing but their own number."""
    return torch.arange(n, dtype=torch.float32).view(n, 1, 1, 1).expand(n, 2, *size).clone()


def apply(part, x, y, seed=0):
    return part.bind(COUNTS)(x, y, seeded(seed))


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 2.0, 8.0, 100.0])
def test_shares_follow_the_symmetric_beta_distribution(alpha):
    drawn = symmetric_beta(alpha, 20_000, seeded()).numpy()
    assert same_distribution(drawn, stats.beta(alpha, alpha), 1e-12, 1 - 1e-12)


@pytest.mark.parametrize(("alpha", "expected"), [(1e-6, (0, 1)), (1e15, (0.5,)), (1e300, (0.5,))])
def test_shares_of_an_extreme_alpha_are_finite_and_at_their_limit(alpha, expected):
    drawn = symmetric_beta(alpha, 1000, seeded())
    assert set(drawn.round(decimals=6).tolist()) == set(expected)


def test_the_extremes_of_the_uniform_numbers_give_shares_in_zero_to_one(monkeypatch):
    values = torch.tensor([0.0, 5e-324, 0.25, 0.5, 1 - 2**-53], dtype=torch.float64)
    u = torch.cartesian_prod(values, values).T
    monkeypatch.setattr(torch, "rand", lambda *args, **kwargs: u)
    for alpha in (1e-3, 1.0, 1e3):
        drawn = symmetric_beta(alpha, 25, seeded())
        assert ((drawn >= 0) & (drawn <= 1)).all()


def same_distribution(drawn, expected, low, high):
    """Compare between two limits: beyond them floating point cannot tell shares from 0 or 1."""
    inside = drawn[(drawn > low) & (drawn < high)]
    p = expected.cdf(high) - expected.cdf(low)
    assert abs(len(inside) - len(drawn) * p) <= 4 * math.sqrt(len(drawn) * p * (1 - p)) + 1
    test = stats.kstest(inside, lambda v: (expected.cdf(v) - expected.cdf(low)) / p)
    return test.pvalue > 0.01


def partners_of(targets):
    (labels, share, none), (other, rest, rows) = targets
    assert none is None
    torch.testing.assert_close(share + rest, torch.ones_like(share))
    assert labels.dtype == other.dtype == torch.int64
    return labels, share, other, rows


def test_mixup_is_the_formula_for_every_row():
    x, y = make_batch()
    mixed, targets = apply(Mixup(alpha=1.0), x, y)
    labels, share, other, partner = partners_of(targets)
    assert sorted(partner.tolist()) == list(range(64))
    assert torch.equal(labels, y)
    assert torch.equal(other, y[partner])
    expected = [
        lam * a + (1 - lam) * b
        for lam, a, b in zip(share.numpy(), x.numpy(), x[partner].numpy(), strict=True)
    ]
    np.testing.assert_allclose(mixed, expected, rtol=1e-6, atol=1e-7)
    assert share.unique().numel() == 64, "each row has a share of its own"


def test_the_loss_of_a_mixture_is_the_cross_entropy_with_its_soft_label():
    x, y = make_batch()
    _, targets = apply(Mixup(alpha=1.0), x, y)
    labels, share, other, _ = partners_of(targets)
    logits = torch.randn((64, 4), generator=seeded(1))
    one = torch.ones(64)
    found = batch_loss((logits,), targets, cross_entropy, [one, one])
    soft = share[:, None] * F.one_hot(labels, 4) + (1 - share[:, None]) * F.one_hot(other, 4)
    torch.testing.assert_close(found, F.cross_entropy(logits, soft))


def test_mixup_with_alpha_near_zero_leaves_rows_pure():
    x, y = make_batch()
    mixed, targets = apply(Mixup(alpha=1e-9), x, y)
    _, share, _, partner = partners_of(targets)
    assert set(share.tolist()) == {0.0, 1.0}
    assert torch.equal(mixed, torch.where(share[:, None] == 1, x, x[partner]))


def eq_10(lam, n_i, n_j, kappa, tau):
    if n_i / n_j >= kappa and lam < tau:
        return 0.0
    if n_i / n_j <= 1 / kappa and 1 - lam < tau:
        return 1.0
    return lam


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("kappa", [1.5, 3.0, 10.0])
def test_remix_gives_labels_by_equation_10_and_blends_as_mixup(kappa, tau):
    x, y = make_batch(500)
    mixed, targets = apply(Remix(kappa=kappa, tau=tau), x, y)
    as_mixup, plain = apply(Mixup(alpha=1.0), x, y)
    assert torch.equal(mixed, as_mixup)
    _, lam, _, partner = partners_of(plain)
    _, share, _, same_partner = partners_of(targets)
    assert torch.equal(partner, same_partner)
    counts = COUNTS.tolist()
    expected = [
        eq_10(v, counts[i], counts[j], kappa, tau)
        for v, i, j in zip(lam.tolist(), y.tolist(), y[partner].tolist(), strict=True)
    ]
    torch.testing.assert_close(share, torch.tensor(expected))
    assert (tau == 0) == torch.equal(share, lam)


def test_remix_counts_the_borders_as_the_paper_does():
    # A ratio of kappa itself is enough; lambda = tau is not.
    lam = torch.tensor([0.4, 0.5, 0.6, 0.5, 0.4])
    ratio = torch.tensor([3.0, 3.0, 1 / 3, 1 / 3, 2.9])
    assert label_share(lam, ratio, 3.0, 0.5).tolist() == pytest.approx([0, 0.5, 1, 0.5, 0.4])


@pytest.mark.parametrize("limit", [{"kappa": math.inf}, {"kappa": 1e9}, {"tau": 0.0}])
def test_remix_without_limit_is_mixup_to_the_bit(limit):
    x, y = make_batch()
    mixed, targets = apply(Remix(alpha=0.7, **limit), x, y)
    expected, plain = apply(Mixup(alpha=0.7), x, y)
    assert torch.equal(mixed, expected)
    for found, wanted in zip(partners_of(targets), partners_of(plain), strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("size", [(8, 8), (5, 11), (1, 9)])
def test_cutmix_pastes_the_partner_and_counts_its_pixels_exactly(size):
    x, y = numbered(200, size), torch.arange(200) % 4
    mixed, targets = apply(CutMix(probability=1.0), x, y)
    _, share, other, partner = partners_of(targets)
    assert torch.equal(other, y[partner])
    for i in range(200):
        if partner[i] != i:
            assert share[i] == pytest.approx((mixed[i] == i).float().mean().item())
            assert ((mixed[i] == i) | (mixed[i] == partner[i])).all()
        else:
            assert torch.equal(mixed[i], x[i])
    assert torch.equal(mixed[:, 0], mixed[:, 1]), "one box for all channels"


def test_a_box_is_that_of_the_authors_formula(monkeypatch):
    n, (height, width) = 300, (9, 14)
    share = torch.rand(n, generator=seeded(), dtype=torch.float64)
    u = torch.rand((2, n), generator=seeded(1), dtype=torch.float64)
    monkeypatch.setattr(torch, "rand", lambda *args, **kwargs: u)
    found = random_boxes(share, height, width, seeded()).numpy()
    for i in range(n):
        side = math.sqrt(1 - share[i])
        cut_h, cut_w = int(height * side), int(width * side)
        cy, cx = int(u[0, i] * height), int(u[1, i] * width)
        top, bottom = np.clip([cy - cut_h // 2, cy + cut_h // 2], 0, height)
        left, right = np.clip([cx - cut_w // 2, cx + cut_w // 2], 0, width)
        expected = np.zeros((height, width), bool)
        expected[top:bottom, left:right] = True
        np.testing.assert_array_equal(found[i], expected)


def test_cutmix_leaves_the_images_alone_that_are_not_chosen():
    x, y = numbered(400), torch.arange(400) % 4
    mixed, targets = apply(CutMix(probability=0.0), x, y)
    assert torch.equal(mixed, x)
    assert torch.equal(partners_of(targets)[1], torch.ones(400))
    mixed, targets = apply(CutMix(probability=0.5), x, y)
    untouched = partners_of(targets)[1] == 1
    assert torch.equal(mixed[untouched], x[untouched])
    assert 0.4 < untouched.float().mean() < 0.75  # half, and boxes of less than two pixels


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0])
def test_balanced_mixup_gives_the_partner_a_share_of_beta_alpha_1(alpha):
    x, y = make_batch(20_000)
    mixed, targets = apply(BalancedMixup(alpha=alpha), x, y)
    labels, share, other, partner = partners_of(targets)
    assert torch.equal(labels, y[:10_000])
    assert torch.equal(other, y[10_000:])
    assert partner.tolist() == list(range(10_000, 20_000))
    torch.testing.assert_close(
        mixed, share[:, None] * x[:10_000] + (1 - share[:, None]) * x[10_000:]
    )
    rest = (1 - share).double().numpy()
    assert rest.mean() == pytest.approx(alpha / (1 + alpha), abs=0.01)
    assert same_distribution(rest, stats.beta(alpha, 1), 1e-5, 1)


@pytest.mark.parametrize("part", [Mixup(), Remix(), BalancedMixup()], ids=repr)
@pytest.mark.parametrize("shape", [(3,), (2, 4, 5)])
def test_tables_and_images_are_mixed_alike(part, shape):
    x, y = make_batch(16, shape)
    mixed, _ = apply(part, x, y)
    flat, _ = apply(part, x.flatten(1), y)
    assert mixed.shape[1:] == shape
    assert torch.equal(mixed.flatten(1), flat)


@pytest.mark.parametrize("part", [Mixup, Remix, CutMix, BalancedMixup])
@pytest.mark.parametrize("alpha", [0.0, -1.0, math.nan, math.inf, "one"])
def test_an_alpha_that_is_no_number_above_zero_is_refused(part, alpha):
    with pytest.raises(ValueError, match=rf"^alpha must be .* above 0, got alpha={alpha!r}\.$"):
        part(alpha=alpha)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (Remix, "kappa", 1.0),
        (Remix, "kappa", math.nan),
        (Remix, "tau", 1.5),
        (CutMix, "probability", -0.1),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(part, name, value):
    with pytest.raises(ValueError, match=rf"^{name} must .*{value}\.$"):
        part(**{name: value})


# --- inside the trainer


def make_rows(n=50, weighted=True):
    y = torch.tensor([0] * (n - 8) + [1] * 5 + [2] * 3)
    x = torch.randn((n, 4), generator=seeded()) + y[:, None]
    weight = torch.rand(n, generator=seeded(1)) + 0.1 if weighted else None
    return Rows(x, y, weight)


def make_net():
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Identity(), nn.Linear(4, 3))


def run(net, rows, batch_size=50, epochs=1, **stages):
    settings = Settings(3, epochs, batch_size, "sgd", 0.1, 0.0, False)
    job = Job(net, rows, None, Stages(cross_entropy, **stages), settings, seeded(7))
    return train([job])[0]


class InOrder:
    def __call__(self, y, n_classes, batch_size, progress, generator):
        return torch.arange(len(y))


def test_a_partner_s_label_counts_by_the_partner_s_own_sample_weight():
    rows, net = make_rows(), make_net()
    w, b = (p.detach().clone().requires_grad_() for p in net[1].parameters())
    mixup = Mixup(alpha=1.0).bind(torch.bincount(rows.y))
    run(net, rows, batches=InOrder(), augment=mixup)
    mixed, targets = mixup(rows.x, rows.y, seeded(8))  # the trainer's second generator
    labels, share, other, partner = partners_of(targets)
    nll = -(mixed @ w.T + b).log_softmax(-1)
    own = share * rows.weight
    lent = (1 - share) * rows.weight[partner]
    i = torch.arange(50)
    ((own * nll[i, labels] + lent * nll[i, other]).sum() / (own + lent).sum()).backward()
    torch.testing.assert_close(net[1].weight.detach(), w.detach() - 0.1 * w.grad)
    torch.testing.assert_close(net[1].bias.detach(), b.detach() - 0.1 * b.grad)


def test_pairs_without_rows_count_by_the_sample_weight_of_the_same_row():
    def identity(x, y, generator):
        return x, [(y, torch.ones(len(y)))]

    nets = make_net(), make_net()
    run(nets[0], make_rows())
    run(nets[1], make_rows(), augment=identity)
    assert torch.equal(nets[0][1].weight, nets[1][1].weight)


def test_sample_weights_all_alike_are_as_good_as_none_for_mixtures():
    rows, nets = make_rows(weighted=False), (make_net(), make_net())
    mixup = Mixup(alpha=1.0).bind(torch.bincount(rows.y))
    run(nets[0], rows, augment=mixup, epochs=3)
    run(nets[1], Rows(rows.x, rows.y, torch.full((50,), 2.0)), augment=mixup, epochs=3)
    torch.testing.assert_close(nets[0][1].weight, nets[1][1].weight)


class Spy:
    """Takes the rows of the batch and drops the balanced ones."""

    uses_balanced_rows = True

    def __init__(self):
        self.x, self.y = [], []

    def bind(self, counts):
        def look(x, y, generator):
            self.x.append(x.clone())
            self.y.append(y.clone())
            n = len(x) // 2
            return x[:n], [(y[:n], torch.ones(n))]

        return look


def test_the_balanced_rows_are_training_rows_of_classes_that_come_equally_often():
    rows, spy = make_rows(500, weighted=False), Spy()
    found = run(
        make_net(), rows, 16, epochs=6, augment=spy.bind(None), augment_uses_balanced_rows=True
    )
    of_batch = torch.cat([y[: len(y) // 2] for y in spy.y])
    balanced = torch.cat([y[len(y) // 2 :] for y in spy.y])
    drawn = torch.cat([x[len(x) // 2 :] for x in spy.x])
    assert torch.bincount(of_batch).tolist() == [492 * 6, 5 * 6, 3 * 6]
    sigma = math.sqrt(3000 * 2 / 9)
    assert ((torch.bincount(balanced) - 1000).abs() < 4 * sigma).all()
    for k in range(3):
        of_class = {tuple(r) for r in rows.x[rows.y == k].tolist()}
        assert {tuple(r) for r in drawn[balanced == k].tolist()} <= of_class
    assert found.rows_seen.tolist() == [492, 5, 3], "the rows of the batches alone are counted"


def test_drawing_balanced_rows_changes_neither_the_batches_nor_the_training_without_them():
    rows, nets = make_rows(), (make_net(), make_net())
    first = run(nets[0], rows, 16, epochs=2)
    spy = Spy().bind(None)
    second = run(nets[1], rows, 16, epochs=2, augment=spy, augment_uses_balanced_rows=True)
    assert torch.equal(nets[0][1].weight, nets[1][1].weight)
    np.testing.assert_array_equal(first.history, second.history)


def test_balanced_rows_bring_their_own_sample_weight():
    rows = make_rows()
    rare = Rows(rows.x, rows.y, torch.where(rows.y == 0, 1.0, 0.0))

    def only_partners(x, y, generator):
        n = len(x) // 2
        partner = n + torch.arange(n)
        return x[:n], [(y[partner], torch.ones(n), partner)]

    net = make_net()
    run(net, rare, augment=only_partners, augment_uses_balanced_rows=True, batches=InOrder())
    # Rows of classes 1 and 2 count nothing, so the gradient is that of label 0 alone.
    before = make_net()
    drift = (net[1].bias - before[1].bias).detach()
    assert drift[0] > 0
    assert (drift[1:] < 0).all()


def test_a_chain_passes_balanced_rows_to_its_last_part():
    chain = AugmentChain([Noise(), BalancedMixup()])
    assert chain.uses_balanced_rows
    assert not AugmentChain([Noise(), Mixup()]).uses_balanced_rows
    x, y = make_batch(32)
    mixed, targets = chain.bind(COUNTS)(x, y, seeded())
    assert len(mixed) == len(targets[0][0]) == len(targets[1][0]) == 16


@pytest.mark.parametrize("part", [Mixup(), AugmentChain([Noise(), BalancedMixup()])], ids=repr)
def test_a_classifier_trains_with_mixtures_and_sample_weights(part):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [90, 10])
    X = rng.normal(size=(100, 4)).astype(np.float32) + 3 * y[:, None]
    net = TorchClassifier(augment=part, epochs=10, batch_size=16, lr=0.01, random_state=0)
    net.fit(X, y, sample_weight=rng.random(100))
    assert net.class_counts_.tolist() == [81, 9]
    assert (net.predict(X) == y).mean() > 0.9
