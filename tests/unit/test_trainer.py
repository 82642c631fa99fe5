"""The training loop: batches, weighted means, randomness; against PyTorch's own functions."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.objective import batch_loss
from imbench.models.nets.rows import Rows, slices, to_input
from imbench.models.nets.training import forward, train
from imbench.strategies.loss.cross_entropy import cross_entropy

K = 3


def make_rows(n=50, d=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(K), [n - 15, 10, 5])
    x = rng.normal(size=(n, d)) + y[:, None]
    return Rows(torch.tensor(x, dtype=torch.float32), torch.tensor(y))


def make_net(d=4, seed=0):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Identity(), nn.Linear(d, K))


def settings(**changes):
    values = {
        "n_classes": K,
        "epochs": 2,
        "batch_size": 16,
        "optimizer": "sgd",
        "lr": 0.1,
        "weight_decay": 0.0,
        "amp": False,
    }
    return Settings(**(values | changes))


def run(net, rows, stages=None, validation=None, seed=0, **changes):
    generator = torch.Generator().manual_seed(seed)
    stages = stages or Stages(loss=cross_entropy)
    return train([Job(net, rows, validation, stages, settings(**changes), generator)])[0]


class Recorder:
    """A random order of rows, and what it was called with."""

    def __init__(self):
        self.orders, self.progress = [], []

    def __call__(self, y, n_classes, batch_size, progress, generator):
        assert (n_classes, batch_size) == (K, 16)
        self.progress.append(progress)
        self.orders.append(torch.randperm(len(y), generator=generator))
        return self.orders[-1]


@pytest.mark.parametrize("batch_size", [2, 3, 16, 64])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 16, 17, 33, 48, 49, 65, 128, 129])
def test_batches_cover_every_row_once_and_none_has_a_single_row(n_rows, batch_size):
    parts = list(slices(n_rows, batch_size))
    rows = np.concatenate([np.arange(n_rows)[part] for part in parts])
    np.testing.assert_array_equal(rows, np.arange(n_rows))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) <= batch_size + 1
    assert n_rows == 1 or min(sizes) > 1


@pytest.mark.parametrize("leading", [(), (3,)])
def test_the_weighted_mean_is_pytorchs_weighted_cross_entropy(leading):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((*leading, 20, K), generator=generator, dtype=torch.float64)
    y = torch.randint(K, (*leading, 20), generator=generator)
    w = torch.tensor([0.1, 1.0, 7.0], dtype=torch.float64)
    found = batch_loss((logits,), [(y, torch.ones_like(y))], cross_entropy, [w[y]])
    assert found.shape == leading
    for z, labels, value in zip(
        logits.view(-1, 20, K), y.view(-1, 20), found.view(-1), strict=True
    ):
        torch.testing.assert_close(value, F.cross_entropy(z, labels, weight=w))


def test_mixed_labels_are_the_cross_entropy_with_a_soft_target():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((20, K), generator=generator, dtype=torch.float64)
    first, second = torch.randint(K, (2, 20), generator=generator)
    share = torch.rand(20, generator=generator, dtype=torch.float64)
    targets = [(first, share), (second, 1 - share)]
    one = torch.ones(20, dtype=torch.float64)
    found = batch_loss((logits,), targets, cross_entropy, [one, one])
    soft = share[:, None] * F.one_hot(first, K) + (1 - share)[:, None] * F.one_hot(second, K)
    torch.testing.assert_close(found, F.cross_entropy(logits, soft))


def test_a_batch_of_rows_without_weight_has_loss_zero_and_a_finite_gradient():
    logits = torch.randn((4, K), requires_grad=True)
    y = torch.zeros(4, dtype=torch.int64)
    value = batch_loss((logits,), [(y, torch.ones(4))], cross_entropy, [torch.zeros(4)])
    value.backward()
    assert value.item() == 0
    assert logits.grad.isfinite().all()


def test_one_step_of_sgd_is_the_step_worked_out_with_autograd():
    rows, net = make_rows(), make_net()
    before = [p.detach().clone().requires_grad_() for p in net.parameters()]
    w = torch.tensor([0.2, 1.0, 3.0])
    stages = Stages(loss=cross_entropy, weights=lambda counts, progress: w.numpy())
    run(net, rows, stages, epochs=1, batch_size=50)
    F.cross_entropy(rows.x @ before[0].T + before[1], rows.y, weight=w).backward()
    for now, p in zip(net.parameters(), before, strict=True):
        torch.testing.assert_close(now.detach(), p.detach() - 0.1 * p.grad)


def test_the_recorded_loss_of_an_epoch_in_one_batch_is_the_loss_before_its_step():
    rows, net = make_rows(), make_net()
    expected = F.cross_entropy(net(rows.x), rows.y).item()
    assert run(net, rows, epochs=1, batch_size=64).history[0, 0] == pytest.approx(expected)


def test_history_has_a_row_an_epoch_and_a_score_only_with_validation_rows():
    alone = run(make_net(), make_rows(), epochs=3).history
    assert alone.shape == (3, 2)
    assert np.isfinite(alone[:, 0]).all()
    assert np.isnan(alone[:, 1]).all()
    scored = run(make_net(), make_rows(), validation=make_rows(seed=1), epochs=3).history
    np.testing.assert_array_equal(scored[:, 0], alone[:, 0])
    assert ((scored[:, 1] >= 0) & (scored[:, 1] <= 1)).all()


def test_the_validation_score_is_scikit_learns_balanced_accuracy():
    from sklearn.metrics import balanced_accuracy_score

    net, validation = make_net(), make_rows(seed=1)
    history = run(net, make_rows(), validation=validation, epochs=1).history
    predicted = net(validation.x).argmax(1)
    assert history[0, 1] == pytest.approx(balanced_accuracy_score(validation.y, predicted))


def test_stages_are_told_how_far_the_training_is():
    seen = []

    def weights(counts, progress):
        np.testing.assert_array_equal(counts, [35, 10, 5])
        seen.append(progress)
        return np.ones(K)

    batches = Recorder()
    run(make_net(), make_rows(), Stages(cross_entropy, batches, None, weights), epochs=4)
    assert batches.progress == seen == [0, 0.25, 0.5, 0.75]


def test_rows_seen_are_the_rows_that_an_epoch_drew_on_average():
    def first_rare_then_large(y, n_classes, batch_size, progress, generator):
        return torch.full((20,), 49 if progress < 0.5 else 0)

    found = run(make_net(), make_rows(), Stages(cross_entropy, first_rare_then_large), epochs=2)
    np.testing.assert_array_equal(found.rows_seen, [10, 0, 10])
    np.testing.assert_array_equal(run(make_net(), make_rows()).rows_seen, [35, 10, 5])


def test_an_augmentation_does_not_change_the_order_of_the_batches():
    # Pairing: two strategies differ in nothing but what they do, see imbench.components.seeding.
    def augment(x, y, generator):
        torch.rand(len(x), generator=generator)
        return x, [(y, torch.ones(len(y)))]

    plain, augmented = Recorder(), Recorder()
    run(make_net(), make_rows(), Stages(cross_entropy, plain), epochs=3)
    run(make_net(), make_rows(), Stages(cross_entropy, augmented, augment), epochs=3)
    for first, second in zip(plain.orders, augmented.orders, strict=True):
        assert torch.equal(first, second)


def test_an_augmentation_sees_pixels_in_zero_to_one():
    seen = []

    def augment(x, y, generator):
        seen.append(x.clone())
        return x, [(y, torch.ones(len(y)))]

    rows = make_rows()
    pixels = torch.arange(200, dtype=torch.uint8).view(50, 4)
    run(make_net(), Rows(pixels, rows.y), Stages(cross_entropy, augment=augment), epochs=1)
    values = torch.cat(seen).flatten().sort().values
    torch.testing.assert_close(values, torch.arange(200) / 255)


def test_pixels_and_the_same_numbers_as_floats_train_the_same_net():
    rows = make_rows()
    pixels = (rows.x * 20 + 100).to(torch.uint8)
    nets = make_net(), make_net()
    run(nets[0], Rows(pixels, rows.y))
    run(nets[1], Rows(torch.from_numpy(pixels.numpy().astype(np.float32) / 255), rows.y))
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_floats_pass_as_they_are_and_pixels_are_not_changed_in_place():
    x = torch.tensor([[0.0, 300.0]])
    assert to_input(x) is x
    pixels = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    torch.testing.assert_close(to_input(pixels), torch.tensor([[0, 0.2, 1]]))
    assert pixels.tolist() == [[0, 51, 255]]


def test_forward_in_parts_is_forward_at_once_and_needs_no_gradient():
    net, x = nn.Sequential(nn.Linear(4, K), nn.Dropout(0.5)), make_rows().x
    net.train()
    parts = forward(net, x, amp=False, batch_size=7)
    torch.testing.assert_close(parts, net[0](x).detach())
    assert not parts.requires_grad


def test_rows_of_weight_zero_play_no_part_whatever_they_hold():
    rows = make_rows()
    weight = (torch.arange(50) % 3 > 0).float()
    other = rows.x.clone()
    other[weight == 0] = 1e3
    labels = torch.where(weight == 0, (rows.y + 1) % K, rows.y)
    nets = make_net(), make_net()
    run(nets[0], Rows(rows.x, rows.y, weight))
    run(nets[1], Rows(other, labels, weight))
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b)
