"""The net as a classifier: what `fit` promises beside what scikit-learn's own checks hold."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from imbench.models.nets.backbones.cnn import CNN
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.backbones.resnet18 import ResNet18
from imbench.models.nets.classifier import TorchClassifier, validation_rows
from imbench.strategies.augment.minority_augment import MinorityAugment
from imbench.strategies.batches.weighted_sampler import WeightedSampler
from imbench.strategies.loss.focal import FocalLoss
from imbench.strategies.nets.device import select_device
from imbench.strategies.weights.inverse_weights import InverseWeights


def make_rows(sizes=(60, 25, 12), d=5, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return (rng.normal(size=(len(y), d)) + 2 * y[:, None]).astype(np.float32), y


def make_images(n=24, shape=(1, 8, 8), seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return rng.integers(0, 200, (n, int(np.prod(shape))), dtype=np.uint8) + 50 * y[:, None].astype(
        np.uint8
    ), y


def make_net(**changes):
    values = {
        "backbone": MLP(hidden=(8,)),
        "epochs": 2,
        "batch_size": 16,
        "device": "cpu",
        "random_state": 0,
    }
    return TorchClassifier(**(values | changes))


def weights_of(fitted):
    return torch.cat([p.detach().flatten() for p in fitted.net_.parameters()])


STAGES = {
    "batches": WeightedSampler(),
    "weights": InverseWeights(),
    "loss": FocalLoss(),
}


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    X, y = make_rows()
    first = make_net(backbone=MLP((8,), dropout=0.3)).fit(X, y)
    torch.manual_seed(99)
    second = clone(first).fit(X, y)
    assert torch.equal(weights_of(first), weights_of(second))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_array_equal(first.history_, second.history_)
    other = clone(first).set_params(random_state=1).fit(X, y)
    assert not torch.equal(weights_of(first), weights_of(other))


def test_fitting_again_starts_anew():
    X, y = make_rows()
    net = make_net().fit(X, y)
    before = weights_of(net).clone()
    assert torch.equal(before, weights_of(net.fit(X, y)))


def test_pytorchs_and_numpys_global_generators_are_left_as_they_were():
    X, y = make_rows()
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002, the global generator is what is looked at
    expected = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    make_net(backbone=MLP((8,), dropout=0.3), **STAGES).fit(X, y).predict(X)
    assert torch.equal(torch.rand(3), expected[0])
    np.testing.assert_array_equal(np.random.rand(3), expected[1])  # noqa: NPY002


def test_every_stage_starts_from_the_same_initial_weights():
    X, y = make_rows()

    def almost_untrained(**stage):
        return weights_of(make_net(epochs=1, lr=1e-30, optimizer="sgd", **stage).fit(X, y))

    plain = almost_untrained()
    for name, stage in STAGES.items():
        torch.testing.assert_close(almost_untrained(**{name: stage}), plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_changes_the_fit(name):
    X, y = make_rows()
    plain, other = make_net().fit(X, y), make_net(**{name: STAGES[name]}).fit(X, y)
    assert not torch.equal(weights_of(plain), weights_of(other))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_it_learns_what_is_plain(optimizer):
    X, y = make_rows()
    net = make_net(optimizer=optimizer, epochs=60, lr=0.02, batch_size=32).fit(X, y)
    assert np.mean(net.predict(X) == y) > 0.85
    assert net.history_[-1, 0] < net.history_[0, 0]


def test_probabilities_are_a_softmax_in_the_order_of_classes():
    X, y = make_rows()
    net = make_net().fit(X, y)
    found = net.predict_proba(X)
    assert found.shape == (len(X), 3)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(1), 1)
    with torch.no_grad():
        logits = net.net_(torch.from_numpy(X)).double().numpy()
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(net.predict(X), found.argmax(1))


def test_mixed_precision_runs_on_a_cpu_and_gives_finite_probabilities():
    X, y = make_rows()
    net = make_net(amp=True, **STAGES).fit(X, y)
    found = net.predict_proba(X)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1)
    assert {p.dtype for p in net.net_.parameters()} == {torch.float32}
    assert not torch.equal(weights_of(net), weights_of(make_net(**STAGES).fit(X, y)))
    assert net.embed(X).dtype == np.float32


def test_pixels_and_the_same_numbers_as_floats_give_the_same_net():
    X, y = make_images()
    scaled = X.astype(np.float32) / np.float32(255)
    net = make_net(backbone=CNN((4,), 8), input_shape=(1, 8, 8))
    first, second = clone(net).fit(X, y), clone(net).fit(scaled, y)
    assert torch.equal(weights_of(first), weights_of(second))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(scaled))


@pytest.fixture
def _warn_always():
    """Have PyTorch repeat the warnings that it gives once a process."""
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


@pytest.mark.usefixtures("_warn_always")
def test_rows_that_cannot_be_written_to_are_predicted_without_a_warning():
    # What joblib hands to its workers, and what a Dataset holds, is read-only.
    X, y = make_images()
    net = make_net(input_shape=(1, 8, 8))
    for rows in (X, X.astype(np.float32)):
        rows.flags.writeable = False
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clone(net).fit(rows, y).predict_proba(rows)


def test_labels_may_be_words():
    X, y = make_rows()
    words = np.array(["cat", "ant", "bee"])[y]
    net = make_net(epochs=30, lr=0.02).fit(X, words)
    assert net.classes_.tolist() == ["ant", "bee", "cat"]
    assert np.mean(net.predict(X) == words) > 0.8
    assert net.class_counts_.tolist() == [23, 11, 54], "in the order of classes_"


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5])
def test_history_has_a_row_an_epoch_and_scores_where_rows_are_held_out(fraction):
    X, y = make_rows()
    history = make_net(epochs=3, validation_fraction=fraction).fit(X, y).history_
    assert history.shape == (3, 2)
    assert np.isfinite(history[:, 0]).all()
    assert np.isfinite(history[:, 1]).all() == (fraction > 0)


def test_validation_rows_are_a_share_of_each_class_and_a_small_class_keeps_its_rows():
    y = np.repeat([0, 1, 2], [100, 25, 9])
    chosen = validation_rows(y, 0.1, np.random.default_rng(0))
    assert chosen.dtype == bool
    assert np.bincount(y[chosen], minlength=3).tolist() == [10, 2, 0]
    again = validation_rows(y, 0.1, np.random.default_rng(0))
    np.testing.assert_array_equal(chosen, again)
    assert (chosen != validation_rows(y, 0.1, np.random.default_rng(1))).any()
    assert not validation_rows(y, 0.0, np.random.default_rng(0)).any()


def test_no_share_takes_the_last_row_of_a_class():
    y = np.repeat([0, 1, 2], [50, 2, 1])
    chosen = validation_rows(y, 0.99, np.random.default_rng(0))
    assert np.bincount(y[~chosen], minlength=3).min() >= 1


def test_validation_rows_are_scored_and_not_learnt_from():
    X, y = make_rows()
    held_out = validation_rows(y, 0.2, np.random.default_rng(0))
    net = make_net(validation_fraction=0.2)
    before = clone(net).fit(X, y)
    X[held_out] = 1e4
    after = clone(net).fit(X, y)
    assert torch.equal(weights_of(before), weights_of(after))
    assert before.class_counts_.sum() == np.count_nonzero(~held_out)


def test_rows_of_weight_zero_play_no_part_whatever_they_hold():
    X, y = make_rows()
    weight = (np.arange(len(y)) % 4 > 0).astype(float)
    other = X.copy()
    other[weight == 0] += 100
    net = make_net(validation_fraction=0.0)
    first, second = (clone(net).fit(rows, y, sample_weight=weight) for rows in (X, other))
    assert torch.equal(weights_of(first), weights_of(second))


def test_rows_of_weight_zero_may_as_well_be_left_out_in_full_batches():
    X, y = make_rows()
    kept = np.arange(len(y)) % 4 > 0
    net = make_net(validation_fraction=0.0, batch_size=200, optimizer="sgd", epochs=5)
    weighted = clone(net).fit(X, y, sample_weight=kept.astype(float))
    without = clone(net).fit(X[kept], y[kept])
    torch.testing.assert_close(weights_of(weighted), weights_of(without), rtol=1e-4, atol=1e-5)


def test_only_ratios_of_sample_weights_matter_and_integers_count_as_copies():
    X, y = make_rows()
    times = 1 + np.arange(len(y)) % 3
    net = make_net(validation_fraction=0.0, batch_size=1000, optimizer="sgd", epochs=5)
    weighted = weights_of(clone(net).fit(X, y, sample_weight=times))
    scaled = weights_of(clone(net).fit(X, y, sample_weight=1e3 * times))
    copied = weights_of(clone(net).fit(np.repeat(X, times, 0), np.repeat(y, times)))
    torch.testing.assert_close(weighted, scaled, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weighted, copied, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (np.ones(3), r"sample_weight must have shape \(97,\), got \(3,\)\."),
        (np.full(97, -1.0), "sample_weight must be at least 0 for every row"),
        (np.full(97, np.nan), "sample_weight must be at least 0 for every row"),
        (np.full(97, np.inf), "sample_weight must"),
        (np.zeros(97), "every sample_weight is zero"),
    ],
    ids=["shape", "negative", "nan", "inf", "zero"],
)
def test_sample_weights_that_make_no_sense_are_refused(weight, sentence):
    X, y = make_rows()
    with pytest.raises(ValueError, match=sentence):
        make_net().fit(X, y, sample_weight=weight)


def test_embeddings_are_what_the_head_gets():
    X, y = make_rows()
    net = make_net(backbone=MLP((7, 6))).fit(X, y)
    features = net.embed(X)
    assert features.shape == (len(X), 6)
    assert features.dtype == np.float32
    with torch.no_grad():
        logits = net.net_[1](torch.from_numpy(features)).double()
    np.testing.assert_allclose(net.predict_proba(X), logits.softmax(1), rtol=1e-5)


def test_an_input_shape_that_does_not_fit_the_columns_is_an_error_with_both_numbers():
    X, y = make_images()
    with pytest.raises(ValueError, match=r"^input_shape=\(1, 9, 9\) has 81 .* X has 64 columns\.$"):
        make_net(input_shape=(1, 9, 9)).fit(X, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "embed"])
def test_predicting_before_fit_is_not_fitted(method):
    with pytest.raises(NotFittedError):
        getattr(make_net(), method)(make_rows()[0])


@pytest.mark.parametrize(
    "value",
    [
        {"optimizer": "adagrad"},
        {"epochs": 0},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"lr": 0.0},
        {"lr": float("nan")},
        {"weight_decay": -1.0},
        {"weight_decay": float("nan")},
        {"weight_decay": float("inf")},
        {"validation_fraction": 1.0},
        {"validation_fraction": float("nan")},
        {"device": "gpu"},
        {"compile": True},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_by_name_before_anything_runs(value):
    ((name, got),) = value.items()
    with pytest.raises(ValueError, match=rf"^{name} must .*{got}.*\.$"):
        make_net(**value).check_params()


def test_a_learning_rate_of_single_precision_is_a_number():
    make_net(lr=np.float32(0.01), weight_decay=np.float32(0.01)).check_params()


def test_cuda_where_there_is_none_is_an_error_that_names_the_fix(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    X, y = make_rows()
    with pytest.raises(ValueError, match=r"^device=cuda, .*: set device=cpu or device=auto\.$"):
        make_net(device="cuda").fit(X, y)
    assert select_device("auto") == torch.device("cpu")


def test_fit_on_a_cpu_does_not_seed_the_generators_of_cuda(monkeypatch):
    # torch.manual_seed does so where a device is there, and fork_rng([]) gives back none of it.
    calls = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", calls.append)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: False)
    make_net(epochs=1).fit(*make_rows())
    assert calls == []


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_the_cnn_ends_in_as_many_features_as_it_says(shape):
    body, n_features = CNN((4, 8), 16).build(shape)
    assert n_features == 16
    assert body(torch.zeros((2, *shape))).shape == (2, 16)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_the_resnet_ends_in_512_features_and_takes_as_many_channels_as_images_have(shape):
    body, n_features = ResNet18().build(shape)
    body.eval()
    with torch.no_grad():
        found = body(torch.zeros((1, *shape)))
    assert n_features == 512
    assert found.shape == (1, 512)
    assert body.conv1.stride == (1, 1), "small images keep their size in the stem"


def test_the_mlp_on_mnist_is_784_256_10():
    body, n_features = MLP().build((1, 28, 28))
    sizes = [tuple(p.shape) for p in body.parameters()]
    assert sizes == [(256, 784), (256,)]
    assert n_features == 256


@pytest.mark.parametrize(
    ("backbone", "shape", "sentence"),
    [
        (CNN(), (10,), r"^cnn needs images"),
        (ResNet18(), (10,), r"^resnet18 needs images"),
        (CNN((4, 4, 4, 4)), (1, 8, 8), r"halves the image 4 times, but it is 8 x 8"),
    ],
)
def test_a_backbone_that_cannot_take_the_input_says_why(backbone, shape, sentence):
    with pytest.raises(ValueError, match=sentence):
        backbone.build(shape)


@pytest.mark.parametrize("make", [MLP, lambda hidden: CNN(hidden)])
@pytest.mark.parametrize("sizes", [(), (0,), (4, -1), (2.5,), 256, "ab"], ids=str)
def test_sizes_of_layers_that_make_no_sense_are_refused_in_one_sentence(make, sizes):
    with pytest.raises(ValueError, match=r"^(hidden|channels) must list .* at least 1, got .*\.$"):
        make(sizes)


def test_an_augmentation_meets_the_shape_of_the_images():
    X, y = make_images(shape=(2, 6, 5))
    seen = []

    class Spy(MinorityAugment):
        def bind(self, counts):
            inner = super().bind(counts)

            def spy(x, labels, generator):
                seen.append(tuple(x.shape[1:]))
                return inner(x, labels, generator)

            return spy

    make_net(augment=Spy(), input_shape=(2, 6, 5)).fit(X, y)
    assert set(seen) == {(2, 6, 5)}
