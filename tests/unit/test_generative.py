"""The generative samplers: new rows, seeds, errors, pictures."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

from imbench.config import identity as config_identity
from imbench.config.compose import Composer
from imbench.errors import DataError
from imbench.pipeline.build import build
from imbench.pipeline.steps import CheckedSampler
from imbench.strategies.facts import facts_of
from imbench.strategies.resample.base import TooFewRows
from imbench.strategies.resample.encoding import ImageCodec, TableCodec
from imbench.strategies.resample.gan import GANSampler
from imbench.strategies.resample.generative import _examples
from imbench.strategies.resample.picture import N_IMAGES, N_OTHERS, N_POINTS, picture
from imbench.strategies.resample.vae import VAESampler
from imbench.testing import cells
from imbench.testing.data import CASES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLERS = {"vae": VAESampler, "gan": GANSampler}
SMALL = {"n_steps": 20, "batch_size": 16, "hidden": (8,), "device": "cpu", "random_state": 0}
# Enough to learn blobs, in about a second.
TRAINED = {
    "vae": {"n_steps": 400, "hidden": (32,), "device": "cpu", "random_state": 0},
    "gan": {"n_steps": 250, "device": "cpu", "random_state": 0},
}
CENTRES = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])

every = pytest.mark.parametrize("name", SAMPLERS)


def small(name, **changes):
    return SAMPLERS[name](**{**SMALL, **changes})


def blobs(sizes=(120, 30, 12), seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return rng.normal(size=(len(y), 2)) + CENTRES[y], y


def mixed(sizes=(90, 30), seed=0):
    """Numbers, and two columns of categories that tell the classes apart."""
    X, y = blobs(sizes, seed)
    rng = np.random.default_rng(seed)
    codes = np.where(rng.random(len(y)) < 0.9, y, 1 - y) * 5 - 1.0  # -1 and 4
    return np.column_stack([codes, X, rng.integers(3, size=len(y))]), y


@every
class TestRows:
    def test_every_class_becomes_exactly_as_large_as_the_largest(self, name):
        X, y = blobs()
        rows, labels = small(name).fit_resample(X, y)
        assert np.bincount(labels).tolist() == [120, 120, 120]
        np.testing.assert_array_equal(rows[: len(X)], X)
        np.testing.assert_array_equal(labels[: len(y)], y)

    def test_classes_outside_sampling_strategy_do_not_grow(self, name):
        X, y = blobs()
        sampler = small(name, sampling_strategy={1: 50})
        _, labels = sampler.fit_resample(X, y)
        assert np.bincount(labels).tolist() == [120, 50, 12]
        assert set(sampler.picture_.y[sampler.picture_.made]) == {1}

    def test_classes_that_are_large_enough_train_no_net(self, name, monkeypatch):
        monkeypatch.setattr(SAMPLERS[name], "learn", lambda *a: pytest.fail("a net was trained"))
        X, y = blobs((20, 20))
        sampler = small(name)
        rows, _ = sampler.fit_resample(X, y)
        assert len(rows) == 40
        assert sampler.picture_ is None

    def test_the_same_seed_gives_the_same_rows_and_another_seed_others(self, name):
        X, y = blobs()
        first, again, other = (
            small(name, random_state=seed).fit_resample(X, y)[0] for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_the_global_generator_is_not_used(self, name):
        """Neither what others drew changes the rows, nor do others notice."""
        X, y = blobs()
        torch.manual_seed(1)
        first, _ = small(name).fit_resample(X, y)
        torch.manual_seed(2)
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        second, _ = small(name).fit_resample(X, y)
        np.testing.assert_array_equal(first, second)
        assert torch.equal(torch.get_rng_state(), before[0])
        np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002

    def test_inputs_are_not_changed_and_may_be_read_only(self, name):
        X, y = mixed()
        kept = X.copy(), y.copy()
        X.flags.writeable = y.flags.writeable = False
        small(name, categorical_features=[0, 3]).fit_resample(X, y)
        np.testing.assert_array_equal(X, kept[0])
        np.testing.assert_array_equal(y, kept[1])

    def test_float32_stays_float32_and_labels_may_be_strings(self, name):
        X, y = blobs()
        words = np.array(["a", "b", "c"])[y]
        rows, labels = small(name).fit_resample(X.astype(np.float32), words)
        assert rows.dtype == np.float32
        assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {
            "a": 120, "b": 120, "c": 120,
        }  # fmt: skip

    def test_generated_rows_are_nearer_to_their_own_class(self, name):
        X, y = blobs()
        rows, labels = SAMPLERS[name](**TRAINED[name]).fit_resample(X, y)
        made, own = rows[len(X) :], labels[len(X) :]
        nearest = ((made[:, None] - CENTRES) ** 2).sum(2).argmin(1)
        for k in (1, 2):
            assert (nearest[own == k] == k).mean() > 0.85, k
        assert made[own == 1].std(0).min() > 0.2, "not one row again and again"

    def test_numbers_stay_in_the_range_of_the_training_rows(self, name):
        X, y = blobs()
        X[0] = 40
        rows, _ = small(name).fit_resample(X, y)
        assert (rows >= X.min(0)).all()
        assert (rows <= X.max(0)).all()

    def test_categories_are_codes_of_the_training_rows(self, name):
        X, y = mixed()
        rows, _ = small(name, categorical_features=[0, 3]).fit_resample(X, y)
        made = rows[len(X) :]
        assert set(made[:, 0]) <= {-1, 4}
        assert set(made[:, 3]) == {0, 1, 2}
        assert not set(made[:, 1]) <= set(X[:, 1]), "numbers are new ones"

    def test_categories_keep_their_shares_within_the_class(self, name):
        X, y = mixed((200, 80))
        sampler = SAMPLERS[name](**TRAINED[name], categorical_features=[0, 3])
        rows, labels = sampler.fit_resample(X, y)
        made = rows[len(X) :]
        assert (labels[len(X) :] == 1).all()
        assert (made[:, 0] == 4).mean() == pytest.approx((X[y == 1, 0] == 4).mean(), abs=0.15)
        shares = [np.bincount(r[:, 3].astype(int)) / len(r) for r in (made, X[y == 1])]
        np.testing.assert_allclose(*shares, atol=0.2)

    @pytest.mark.parametrize("scale", [1.0, 255.0])
    def test_images_stay_in_their_range_and_do_not_turn_black_and_white(self, name, scale):
        data = CASES["images"]()
        X = data.X / 255 * scale
        sampler = small(name, n_steps=60, input_shape=(1, 8, 8))
        rows, _ = sampler.fit_resample(X, data.y)
        made = rows[len(X) :]
        assert made.min() >= 0
        assert made.max() <= scale
        assert ((made > 0.05 * scale) & (made < 0.95 * scale)).any()

    def test_a_constant_column_stays_constant(self, name):
        X, y = blobs()
        X = np.column_stack([X, np.full(len(X), 7.5)])
        rows, _ = small(name).fit_resample(X, y)
        np.testing.assert_array_equal(rows[:, 2], 7.5)

    def test_whole_numbers_that_repeat_stay_whole(self, name):
        X, y = blobs()
        rows, _ = small(name).fit_resample(np.column_stack([X, np.rint(X[:, 0])]), y)
        assert set(rows[len(X) :, 2]) <= set(rows[: len(X), 2])
        assert len(set(rows[len(X) :, 2])) > 1

    def test_only_the_given_rows_are_trained_on(self, name):
        """Rows of the same count that differ in one value give other rows."""
        X, y = blobs()
        other = X.copy()
        other[0, 0] += 3
        assert not np.array_equal(
            small(name).fit_resample(X, y)[0][len(X) :],
            small(name).fit_resample(other, y)[0][len(X) :],
        )


@every
class TestRefusals:
    @pytest.mark.parametrize("n_rows", [1, 2, 3])
    def test_three_rows_are_too_few_to_learn_from(self, name, n_rows):
        X, y = blobs((60, 20, n_rows))
        checked = CheckedSampler(small(name), "strategy.resample.x", ("many", "some", "few"))
        with pytest.raises(DataError) as caught:
            checked.fit_resample(X, y)
        assert str(caught.value) == (
            f"strategy.resample.x needs 4 rows of a class, but class 'few' has {n_rows} in this "
            "training part: use random_over."
        )
        assert isinstance(caught.value.__cause__, TooFewRows)

    def test_four_rows_are_enough_and_a_class_that_does_not_grow_may_have_one(self, name):
        X, y = blobs((60, 20, 4))
        assert len(small(name).fit_resample(X, y)[0]) == 180
        X, y = blobs((60, 20, 1))
        rows, _ = small(name, sampling_strategy={1: 60}).fit_resample(X, y)
        assert len(rows) == 121

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"latent_dim": 0}, "latent_dim must be an integer of at least 1, got 0."),
            ({"n_steps": 2.5}, "n_steps must be an integer of at least 1, got 2.5."),
            ({"batch_size": True}, "batch_size must be an integer of at least 1, got True."),
            ({"hidden": ()}, "hidden must be a list of widths above 0, got ()."),
            ({"hidden": (8, 0)}, "hidden must be a list of widths above 0, got (8, 0)."),
            ({"lr": 0.0}, "lr must be a number above 0, got 0.0."),
            ({"lr": float("nan")}, "lr must be a number above 0, got nan."),
            ({"device": "tpu"}, "device must be auto, cpu or cuda, got device=tpu."),
        ],
    )
    def test_a_value_out_of_its_range_is_named(self, name, changes, words):
        with pytest.raises(ValueError, match=re.escape(words)):
            small(name, **changes).check_params()

    def test_diverged_training_is_one_sentence(self, name):
        X, y = blobs()
        checked = CheckedSampler(small(name, lr=1e30), "strategy.resample.x", ("a", "b", "c"))
        with pytest.raises(DataError) as caught:
            checked.fit_resample(X, y)
        assert str(caught.value) == (
            "strategy.resample.x: training diverged with lr=1e+30: set a lower lr."
        )

    def test_an_input_shape_of_another_size_is_refused(self, name):
        X, y = blobs()
        with pytest.raises(ValueError, match=r"input_shape=\(1, 2, 2\) has 4 pixels, but the rows"):
            small(name, input_shape=(1, 2, 2)).fit_resample(X, y)

    def test_missing_values_are_refused(self, name):
        X, y = blobs()
        X[3, 0] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            small(name).fit_resample(X, y)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_critic": 0}, "n_critic must be an integer of at least 1, got 0."),
        ({"gradient_penalty": -1.0}, "gradient_penalty must be a number of at least 0, got -1.0."),
        ({"gradient_penalty": True}, "gradient_penalty must be a number of at least 0, got True."),
    ],
)
def test_parameters_of_the_gan_are_checked(changes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        small("gan", **changes).check_params()


def test_a_gradient_penalty_of_zero_gives_other_rows():
    X, y = blobs()
    free, bound = (
        small("gan", gradient_penalty=g, n_steps=30).fit_resample(X, y)[0] for g in (0.0, 10.0)
    )
    assert not np.array_equal(free, bound)


def test_a_class_is_drawn_in_proportion_to_the_logarithm_of_its_size():
    codes = np.repeat([0, 1, 2], [300, 30, 3])
    X = np.arange(333.0)[:, None]
    codec = TableCodec.fit(X)
    examples = _examples(codec.encode(X), codes, 3, codec, 60_000, torch.Generator().manual_seed(0))
    drawn = examples.draw().numpy()
    expected = np.log1p([300, 30, 3]) / np.log1p([300, 30, 3]).sum()
    np.testing.assert_allclose(np.bincount(codes[drawn]) / len(drawn), expected, atol=0.01)
    assert np.unique(drawn[codes[drawn] == 2]).size == 3
    np.testing.assert_array_equal(examples.condition.argmax(1), codes)


@pytest.mark.process
def test_importing_the_samplers_loads_no_torch():
    code = (
        "import sys, imbench.strategies.resample.gan, imbench.strategies.resample.vae;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


class TestComposed:
    @every
    def test_images_and_categories_of_a_data_set_reach_the_sampler(self, name):
        for case, shape, categorical in (
            ("images", (1, 8, 8), ()),
            ("mixed_table", None, [7]),
            ("only_categories", None, list(range(8))),
        ):
            model, strategy = cells.parts("logistic_regression", name)
            pipeline = build(model, strategy, CASES[case]().info, seed=3)
            sampler = pipeline[name].sampler
            assert sampler.input_shape == shape
            assert list(sampler.categorical_features) == list(categorical)
            assert sampler.random_state == 3
            assert strategy.resample[name].input_shape is None, "the strategy is left as it was"

    @every
    def test_codes_of_a_mixed_table_stay_codes_where_a_category_is_missing(self, name):
        data = CASES["mixed_table"]()
        model, strategy = cells.parts("logistic_regression", name)
        pipeline = build(model, strategy, data.info, seed=0).fit(data.X, data.y)
        before = pipeline["clean"].transform(data.X)
        rows, labels = pipeline[name].fit_resample(before, data.y)
        assert np.bincount(labels).tolist() == [300, 300]
        assert -1 in before[:, 7]
        assert set(rows[:, 7]) <= set(before[:, 7])
        assert np.isfinite(rows).all()

    @every
    def test_the_device_does_not_change_the_run_id(self, name):
        def identity(device):
            words = ["dataset=synthetic", f"strategy={name}", f"device={device}"]
            (config,) = Composer(None).cells(words, multirun=False)
            assert config["strategy"]["resample"][name]["device"] == device
            return config_identity.identity_of(config)

        assert identity("cpu") == identity("auto")
        assert "device" not in identity("cpu")["strategy"]["resample"][name]


class TestPicture:
    def test_of_a_table_is_points_of_both_kinds_with_the_classes_that_grew(self):
        X, y = blobs((300, 80, 12))
        sampler = small("vae")
        sampler.fit_resample(X, y)
        found = sampler.picture_
        assert found.rows.shape == (N_OTHERS + N_POINTS + 12 + 2 * N_POINTS, 2)
        assert found.rows.dtype == np.float32
        counted = {
            (int(k), bool(made)): int(((found.y == k) & (found.made == made)).sum())
            for k in range(3)
            for made in (False, True)
        }
        assert counted == {
            (0, False): N_OTHERS, (0, True): 0, (1, False): N_POINTS, (1, True): N_POINTS,
            (2, False): 12, (2, True): N_POINTS,
        }  # fmt: skip

    def test_points_are_the_principal_components_of_the_training_rows(self):
        from sklearn.decomposition import PCA

        rng = np.random.default_rng(0)
        X = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
        y = np.repeat([0, 1], [44, 6])
        codec = TableCodec.fit(X)
        encoded = codec.encode(X)
        made = X[:3] + 0.1
        found = picture(encoded, y, {1: made}, codec, None, np.random.RandomState(0))
        pca = PCA(2).fit(encoded.astype(np.float64))
        real, new = found.rows[~found.made], found.rows[found.made]
        expected = pca.transform(np.concatenate([encoded[y == 1], encoded[y == 0]]))
        np.testing.assert_allclose(np.abs(real), np.abs(expected), atol=1e-4)
        np.testing.assert_allclose(
            np.abs(new), np.abs(pca.transform(codec.encode(made))), atol=1e-4
        )

    def test_a_table_of_one_column_has_a_second_component_of_zero(self):
        X, y = blobs((60, 20))
        sampler = small("gan")
        sampler.fit_resample(X[:, :1], y)
        assert (sampler.picture_.rows[:, 1] == 0).all()
        assert np.unique(sampler.picture_.rows[:, 0]).size > 20

    def test_of_images_is_images_of_eight_bits_of_at_most_ten_classes(self):
        rng = np.random.default_rng(0)
        y = np.repeat(np.arange(13), [30, *[10] * 11, 5])
        X = rng.random((len(y), 12))
        codec = ImageCodec.fit(X)
        made = {k: np.full((30 - n, 12), X.max()) for k, n in enumerate(np.bincount(y)) if k}
        found = picture(codec.encode(X), y, made, codec, (3, 2, 2), np.random.RandomState(0))
        assert found.rows.dtype == np.uint8
        assert found.rows.shape[1:] == (3, 2, 2)
        assert len(set(found.y)) == 10
        assert 12 in found.y, "the class with the most new rows is among them"
        assert np.bincount(found.y[found.made]).max() == N_IMAGES
        assert ((found.y == 12) & ~found.made).sum() == 5
        assert (found.rows[found.made] == 255).all()

    @pytest.mark.parametrize("strategy", ["vae", "[vae,threshold]", "[vae,bagging]"])
    def test_is_found_inside_wrappers_and_ensembles(self, strategy):
        data = CASES["three_classes" if strategy == "vae" else "binary_five_percent"]()
        model, found = cells.parts("logistic_regression", strategy)
        fitted = build(model, found, data.info, seed=0).fit(data.X, data.y)
        shown = facts_of(fitted).picture.arrays()
        assert shown.keys() == {"picture", "picture_y", "picture_made"}
        assert len(shown["picture"]) == len(shown["picture_y"]) == len(shown["picture_made"]) > 0

    def test_is_absent_where_nothing_was_generated(self):
        data = CASES["binary_five_percent"]()
        model, found = cells.parts("logistic_regression", "random_over")
        fitted = build(model, found, data.info, seed=0).fit(data.X, data.y)
        assert facts_of(fitted).picture is None

    def test_cloning_a_sampler_leaves_its_picture_behind(self):
        X, y = blobs()
        sampler = small("vae")
        sampler.fit_resample(X, y)
        assert not hasattr(clone(sampler), "picture_")
