"""Nets trained together end as they would have ended alone; the optimiser is PyTorch's own."""

import numpy as np
import pytest
import torch
from torch import nn

from imbench.models.nets.backbones.cnn import CNN
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.rows import EpochPlan, slices
from imbench.models.nets.schedule import groups
from imbench.models.nets.stack import Alone, Stack, can_stack
from imbench.models.nets.together import train_together
from imbench.strategies.augment.balanced_mixup import BalancedMixup
from imbench.strategies.augment.mixup import Mixup
from imbench.strategies.augment.noise import Noise
from imbench.strategies.batches.curriculum import Curriculum
from imbench.strategies.batches.weighted_sampler import WeightedSampler
from imbench.strategies.ensemble.bagging import Bagging
from imbench.strategies.loss.auc_margin import AUCMarginLoss
from imbench.strategies.loss.balanced_softmax import BalancedSoftmaxLoss
from imbench.strategies.loss.bce import BCELoss
from imbench.strategies.loss.class_balanced_focal import ClassBalancedFocalLoss
from imbench.strategies.loss.equalization import EqualizationLoss
from imbench.strategies.loss.focal import FocalLoss
from imbench.strategies.loss.influence_balanced import InfluenceBalancedLoss
from imbench.strategies.loss.label_aware_smoothing import LabelAwareSmoothingLoss
from imbench.strategies.loss.ldam import LDAMLoss
from imbench.strategies.loss.soft_f1 import SoftF1Loss
from imbench.strategies.loss.vector_scaling import VectorScalingLoss
from imbench.strategies.weights.effective_number import EffectiveNumberWeights

# Numbers of rows that make batches of different sizes, last batches of one row, and fewer steps.
SIZES = (200, 193, 177, 200, 150)


def table(n, seed, n_classes=3):
    rng = np.random.default_rng(seed)
    y = np.sort(rng.choice(n_classes, n, p=[0.8, 0.15, 0.05]))
    X = rng.normal(size=(n, 5)) + y[:, None]
    return X.astype(np.float32), y


def fits(**parameters):
    """Return nets, and for each the rows that it is to be fitted to."""
    options = {"backbone": MLP([16]), "epochs": 3, "batch_size": 16, "device": "cpu"}
    nets = [TorchClassifier(**(options | parameters), random_state=i) for i in range(len(SIZES))]
    return nets, [table(n, i) for i, n in enumerate(SIZES)]


def fit_alone(nets, tables):
    for net, rows in zip(nets, tables, strict=True):
        net.fit(*rows)


def fit_together(nets, tables):
    fittings = [net.fitting(*rows) for net, rows in zip(nets, tables, strict=True)]
    assert train_together(fittings) == nets


def same_nets(first, second, atol=1e-5):
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one.net_.parameters(), other.net_.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=atol)
        np.testing.assert_allclose(one.history_, other.history_, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(one.class_counts_, other.class_counts_)


CASES = {
    "plain": {},
    "sgd": {"optimizer": "sgd", "lr": 0.05},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "dropout": {"backbone": MLP([16, 8], dropout=0.4)},
    "weights": {"weights": EffectiveNumberWeights(0.9)},
    "weighted_sampler": {"batches": WeightedSampler()},
    "curriculum": {"batches": Curriculum()},
    "mixup": {"augment": Mixup(), "weights": EffectiveNumberWeights(0.9)},
    "noise": {"augment": Noise()},
    "balanced_mixup": {"augment": BalancedMixup()},
    "no_validation": {"validation_fraction": 0.0},
    "amp": {"amp": True},
    **{
        type(loss).__name__: {"loss": loss}
        for loss in (
            AUCMarginLoss(),
            BCELoss(),
            BalancedSoftmaxLoss(),
            ClassBalancedFocalLoss(),
            EqualizationLoss(),
            FocalLoss(),
            InfluenceBalancedLoss(),
            LDAMLoss(),
            LabelAwareSmoothingLoss(),
            SoftF1Loss(),
            VectorScalingLoss(),
        )
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_nets_trained_together_end_as_they_end_alone(case, stack_sizes):
    sizes = stack_sizes
    alone, tables = fits(**CASES[case])
    fit_alone(alone, tables)
    assert sizes == [1] * 5
    stacked, tables = fits(**CASES[case])
    sizes.clear()
    fit_together(stacked, tables)
    assert sizes == [4, 1], "one net has too few rows to be worth the wait of the others"
    same_nets(alone, stacked, atol=5e-3 if case == "amp" else 1e-5)


def test_learning_rates_may_differ_inside_a_stack():
    alone, tables = fits()
    stacked, _ = fits()
    for i, (one, other) in enumerate(zip(alone, stacked, strict=True)):
        one.lr = other.lr = 0.01 / (i + 1)
    fit_alone(alone, tables)
    fit_together(stacked, tables)
    same_nets(alone, stacked)


DIFFERING = {
    "weight_decay": [{"weight_decay": d} for d in (0.0, 0.01, 0.0, 0.1, 0.01)],
    "focal": [{"loss": FocalLoss(g)} for g in (0.0, 0.5, 2.0, 2.0, 5.0)],
    "ldam": [{"loss": LDAMLoss(0.5, s)} for s in (10.0, 20.0, 30.0, 40.0, 60.0)],
    "mixup": [{"augment": Mixup(a)} for a in (0.1, 0.2, 0.4, 0.8, 2.0)],
    "weights": [{"weights": EffectiveNumberWeights(b)} for b in (0.0, 0.9, 0.99, 0.999, 0.5)],
    "batches": [{"batches": WeightedSampler(q=q)} for q in (0.0, 0.2, 0.5, 0.9, 1.0)],
    "curriculum": [{"batches": Curriculum(start=s)} for s in (0.1, 0.2, 0.3, 0.4, 0.5)],
}


@pytest.mark.parametrize("case", DIFFERING)
def test_numbers_of_stages_may_differ_inside_a_stack(case, stack_sizes):
    sizes = stack_sizes
    results = []
    for _ in range(2):
        nets, tables = fits()
        for net, parameters in zip(nets, DIFFERING[case], strict=True):
            net.set_params(**parameters)
        results.append((nets, tables))
    fit_alone(*results[0])
    sizes.clear()
    fit_together(*results[1])
    assert sizes == [4, 1]
    same_nets(results[0][0], results[1][0])


def test_a_loss_that_cannot_be_stacked_is_called_for_each_net():
    class Plain:
        def __repr__(self):
            return "Plain()"

        def bind(self, counts):
            assert counts.ndim == 1

            def loss(logits, y):
                assert logits.ndim == 2
                return nn.functional.cross_entropy(logits, y, reduction="none")

            return loss

    alone, tables = fits()
    fit_alone(alone, tables)
    stacked, tables = fits(loss=Plain())
    fit_together(stacked, tables)
    same_nets(alone, stacked)


def test_convolutions_are_trained_one_by_one_with_the_same_result():
    assert not can_stack(CNN().build((1, 8, 8))[0])
    X = np.random.default_rng(0).integers(0, 255, (60, 64), dtype=np.uint8)
    y = np.arange(60) % 2

    def nets():
        backbone = CNN([4], hidden=8)
        return [
            TorchClassifier(backbone, input_shape=(1, 8, 8), epochs=2, random_state=i)
            for i in range(2)
        ]

    alone = [net.fit(X, y) for net in nets()]
    together = nets()
    train_together(net.fitting(X, y) for net in together)
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one.net_.parameters(), other.net_.parameters(), strict=True):
            assert torch.equal(a, b)


def test_a_net_alone_sees_no_padding():
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append((self.training, len(x)))
            return x

    class Backbone:
        def build(self, input_shape):
            return Spy(), 5

    X, y = table(50, 0)
    TorchClassifier(Backbone(), epochs=1, batch_size=16, validation_fraction=0.0).fit(X, y)
    trial = (False, 2)  # whether the body returns what `build` says
    assert seen == [trial] + [(True, 16)] * 3 + [(True, 2)]


def test_an_error_is_the_answer_of_its_own_call_only():
    nets, tables = fits()

    def fails():
        raise ValueError("no rows")
        yield

    class Broken:
        def __repr__(self):
            return "Broken()"

        def bind(self, counts):
            def loss(logits, y):
                raise RuntimeError("broken in training")

            return loss

    bad = TorchClassifier(MLP([16]), loss=Broken(), epochs=1, device="cpu")
    fittings = [net.fitting(*rows) for net, rows in zip(nets, tables, strict=True)]
    answers = train_together([fittings[0], fails(), bad.fitting(*table(200, 9)), fittings[3]])
    assert answers[0] is nets[0]
    assert answers[3] is nets[3]
    assert str(answers[1]) == "no rows"
    assert str(answers[2]) == "broken in training"


def test_an_epoch_plan_holds_every_batch_of_every_net():
    n_draws, orders = [50, 33, 7], []
    for n in n_draws:
        orders.append(torch.randperm(n))
    first = np.array([0, 100, 200])
    plan = EpochPlan(n_draws, 16, first, torch.device("cpu"))
    rows, mask = plan.rows(orders), plan.mask
    assert rows.shape == mask.shape == (4, 3, 17)
    for m, n in enumerate(n_draws):
        parts = list(slices(n, 16))
        assert plan.n_steps[m] == len(parts)
        for s in range(4):
            own = rows[s, m][mask[s, m] == 1]
            expected = orders[m][parts[s]] + first[m] if s < len(parts) else orders[m][:0]
            assert torch.equal(own, expected)
            assert plan.sizes[s, m] == len(expected)
            padding = rows[s, m][mask[s, m] == 0]
            assert ((padding >= first[m]) & (padding < first[m] + n)).all()


def make_job(n, lr=0.1, kind=None, hidden=4):
    net = nn.Sequential(*[nn.Linear(3, hidden), nn.Linear(hidden, 2)])
    from imbench.models.nets.rows import Rows

    settings = Settings(2, 1, 16, "adam", lr, 0.0, False)
    rows = Rows(torch.zeros(n, 3), torch.zeros(n, dtype=torch.int64))
    return Job(net, rows, None, Stages(None), settings, torch.Generator(), kind)


def test_nets_are_grouped_by_kind_shape_and_size():
    jobs = [
        make_job(100),
        make_job(30),
        make_job(95, lr=0.2),
        make_job(100, kind="focal"),
        make_job(100, hidden=8),
        make_job(29),
    ]
    assert sorted(map(sorted, groups(jobs))) == [[0, 2], [1, 5], [3], [4]]


def test_a_stack_of_one_net_of_any_kind_shares_its_parameters():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    stack = Stack([net])
    assert isinstance(stack.body, Alone)
    assert {id(p) for p in stack.parameters()} == {id(p) for p in net.parameters()}
    with pytest.raises(ValueError, match=r"^a net of Conv2d cannot be stacked\.$"):
        Stack([net, net])


def test_the_same_calls_end_in_the_same_bits_whatever_the_threads_do():
    X, y = table(200, 0)

    def scores():
        ensembles = [
            Bagging(
                TorchClassifier(MLP([16]), epochs=2, device="cpu", loss=FocalLoss()),
                n_estimators=n,
                random_state=n,
            )
            for n in (3, 5, 4)
        ]
        train_together(e.fitting(X, y) for e in ensembles)
        return [e.predict_proba(X) for e in ensembles]

    first = scores()
    for _ in range(3):
        np.testing.assert_array_equal(scores(), first)


def test_members_of_a_single_fold_are_trained_as_one_stack(tmp_path, stack_sizes):
    from imbench.run.cell import Runner
    from tests.cells import cell_of

    sizes = stack_sizes
    words = ["dataset=synthetic", "dataset.n_rows=100", "splits=holdout", "device=cpu"]
    words += ["strategy=bagging", "model.estimator.epochs=1"]
    assert Runner(tmp_path).run(cell_of(*words)).status == "ok"
    assert sum(sizes) == 10
    assert len(sizes) <= 3, "bags differ in size, and so in steps, by a little"
