"""Losses, noise and encodings of the generative samplers, against independent formulas."""

import numpy as np
import pytest
import torch
from scipy.stats import gumbel_r, kstest, multivariate_normal, norm, rankdata, zscore
from torch.distributions import Bernoulli, Categorical, Normal
from torch.distributions import kl_divergence as torch_kl

from imbench.strategies.resample.encoding import ImageCodec, NumberScale, TableCodec
from imbench.strategies.resample.gan import TEMPERATURE, gradient_penalty, soft_rows
from imbench.strategies.resample.networks import blocks, given, gumbel, normal, perceptron
from imbench.strategies.resample.vae import kl_divergence, log_likelihood


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def table_codec(n_numbers=2, sizes=(3, 2), n=60):
    """A codec of a table with numeric columns first, and the table."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(n, n_numbers))
    codes = [rng.permutation(np.arange(n) % size)[:, None] for size in sizes]
    X = np.concatenate([numbers, *codes], 1)
    return TableCodec.fit(X, range(n_numbers, X.shape[1])), X


class TestBound:
    def test_kl_is_the_divergence_of_two_normal_distributions_summed_over_the_code(self):
        mean, log_variance = torch.randn(2, 7, 3, generator=seeded(), dtype=torch.float64)
        expected = torch_kl(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
        torch.testing.assert_close(kl_divergence(mean, log_variance), expected)

    def test_likelihood_of_a_mixed_row_is_the_product_of_its_columns(self):
        codec, X = table_codec()
        x = torch.tensor(codec.encode(X)).double()
        outputs = torch.randn(x.shape, generator=seeded(), dtype=torch.float64)
        log_scale = torch.tensor([-0.5, 0.7], dtype=torch.float64)
        expected = (
            Normal(outputs[:, :2], log_scale.exp()).log_prob(x[:, :2]).sum(1)
            + Categorical(logits=outputs[:, 2:5]).log_prob(x[:, 2:5].argmax(1))
            + Categorical(logits=outputs[:, 5:]).log_prob(x[:, 5:].argmax(1))
        )
        torch.testing.assert_close(log_likelihood(outputs, x, log_scale, codec), expected)

    def test_likelihood_of_black_and_white_pixels_is_bernoulli(self):
        codec = ImageCodec(0.0, 1.0, 6)
        x = (torch.rand(5, 6, generator=seeded()) > 0.5).double()
        outputs = torch.randn(5, 6, generator=seeded(1), dtype=torch.float64)
        expected = Bernoulli(logits=outputs).log_prob(x).sum(1)
        found = log_likelihood(outputs, x, torch.zeros(6), codec)
        torch.testing.assert_close(found, expected)

    def test_bound_of_the_exact_posterior_is_the_log_likelihood_of_the_row(self):
        # p(z) = N(0, 1), p(x|z) = N(W z + b, s^2): then p(x) and p(z|x) are normal and known.
        W, b, s = np.array([[1.5], [-0.7]]), np.array([0.3, 1.0]), np.array([0.5, 0.8])
        x = np.array([1.1, -0.4])
        evidence = multivariate_normal(b, W @ W.T + np.diag(s**2)).logpdf(x)
        variance = 1 / (1 + (W[:, 0] ** 2 / s**2).sum())
        mean = variance * (W[:, 0] * (x - b) / s**2).sum()
        codec, _ = table_codec(2, ())
        noise = torch.randn(100_000, 1, generator=seeded(), dtype=torch.float64)

        def bound(mean, variance):
            z = mean + variance**0.5 * noise
            outputs = z @ torch.tensor(W.T) + torch.tensor(b)
            row, log_scale = torch.tensor(x).expand(len(z), 2), torch.tensor(s).log()
            code = torch.tensor([[mean, np.log(variance)]])
            likelihood = log_likelihood(outputs, row, log_scale, codec).mean()
            return float(likelihood - kl_divergence(*code.split(1, 1)))

        assert bound(mean, variance) == pytest.approx(evidence, abs=0.02)
        assert bound(mean + 0.5, variance) < evidence - 0.05
        assert bound(mean, 4 * variance) < evidence - 0.05


class TestPenalty:
    def test_of_a_linear_critic_is_the_distance_of_its_weights_norm_from_one(self):
        weights = torch.tensor([[3.0], [0.0], [4.0]])
        mixed = torch.randn(9, 3, generator=seeded())
        assert gradient_penalty(lambda x: x @ weights + 7, mixed).item() == pytest.approx(16)
        assert gradient_penalty(lambda x: x @ weights / 5, mixed).item() == pytest.approx(0)

    def test_is_a_mean_over_rows_of_each_rows_own_gradient(self):
        mixed = torch.randn(9, 3, generator=seeded())
        expected = (mixed.norm(dim=1) - 1).square().mean()  # the gradient of |x|^2 / 2 is x
        found = gradient_penalty(lambda x: x.square().sum(1, keepdim=True) / 2, mixed)
        assert found.item() == pytest.approx(expected.item())

    def test_teaches_the_critic_and_not_what_made_the_rows(self):
        weights = torch.tensor([[3.0], [4.0]], requires_grad=True)
        mixed = torch.randn(5, 2, generator=seeded()).requires_grad_()
        gradient_penalty(lambda x: x @ weights, mixed).backward()
        # d (|w| - 1)^2 / dw = 2 (|w| - 1) w / |w|
        torch.testing.assert_close(weights.grad, torch.tensor([[4.8], [6.4]]))
        assert mixed.grad is None


class TestDraws:
    def test_gumbel_numbers_have_their_distribution(self):
        found = gumbel((20_000,), seeded()).numpy()
        assert np.isfinite(found).all()
        assert kstest(found, gumbel_r.cdf).pvalue > 1e-3

    def test_largest_of_logits_and_noise_is_a_draw_of_the_softmax(self):
        logits = torch.tensor([0.0, 1.0, -1.0])
        drawn = (logits + gumbel((50_000, 3), seeded())).argmax(1)
        shares = torch.bincount(drawn, minlength=3) / len(drawn)
        torch.testing.assert_close(shares, logits.softmax(0), atol=0.01, rtol=0)

    def test_soft_rows_hold_unchanged_numbers_and_category_probabilities(self):
        codec, X = table_codec()
        outputs = torch.randn(len(X), 7, generator=seeded())
        rows = soft_rows(outputs, codec, seeded(1))
        torch.testing.assert_close(rows[:, :2], outputs[:, :2])
        torch.testing.assert_close(rows[:, 2:5].sum(1), torch.ones(len(X)))
        torch.testing.assert_close(rows[:, 5:].sum(1), torch.ones(len(X)))
        noise = gumbel((len(X), 3), seeded(1))
        expected = ((outputs[:, 2:5] + noise) / TEMPERATURE).softmax(1)
        torch.testing.assert_close(rows[:, 2:5], expected)

    def test_soft_pixels_lie_between_zero_and_one(self):
        rows = soft_rows(torch.tensor([[-50.0, 0.0, 50.0]]), ImageCodec(0, 255, 3), seeded())
        torch.testing.assert_close(rows, torch.tensor([[0.0, 0.5, 1.0]]))

    def test_weights_and_noise_come_from_the_given_generator_only(self):
        before = torch.get_rng_state()
        nets = [perceptron([3, 5, 2], seeded(seed)) for seed in (0, 0, 1)]
        weights = [torch.cat([p.flatten() for p in net.parameters()]) for net in nets]
        normal((4, 2), seeded())
        gumbel((4, 2), seeded())
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])
        assert torch.equal(torch.get_rng_state(), before)
        assert weights[0].abs().max() <= 3**-0.5
        assert weights[0].unique().numel() == weights[0].numel() == 3 * 5 + 5 + 5 * 2 + 2

    def test_the_condition_is_scaled_to_the_size_of_the_row(self):
        inputs = given(torch.ones(2, 9), torch.eye(2))
        torch.testing.assert_close(inputs[:, :9], torch.ones(2, 9))
        torch.testing.assert_close(inputs[:, 9:], 3 * torch.eye(2))
        torch.testing.assert_close(*(part.norm(dim=1) for part in inputs.split([9, 2], 1)))

    def test_the_last_layer_has_no_activation(self):
        assert [type(layer).__name__ for layer in perceptron([3, 5, 2], seeded())] == [
            "Linear", "LeakyReLU", "Linear",
        ]  # fmt: skip


class TestNumberScale:
    def test_scores_combine_standardized_values_and_normal_scores(self):
        column = np.random.default_rng(0).exponential(size=2_000) ** 3
        ranks = norm.ppf((rankdata(column) - 0.5) / len(column))
        expected = zscore(zscore(column) + zscore(ranks))
        found = NumberScale.fit(column).encode(column)
        np.testing.assert_allclose(found, expected, atol=1e-9)

    def test_a_gap_between_clusters_is_kept_and_a_long_tail_is_shortened(self):
        rng = np.random.default_rng(0)
        two = np.concatenate([rng.normal(size=90), rng.normal(size=10) + 50])
        scores = NumberScale.fit(two).encode(np.sort(two))
        assert np.diff(scores).argmax() == 89
        assert np.diff(scores).max() > 1
        skewed = rng.exponential(size=1_000) ** 3
        assert NumberScale.fit(skewed).encode(skewed).max() < 0.8 * zscore(skewed).max()

    @pytest.mark.parametrize("values", [[0.0, 1.0], [3.0], [1.0, 2.0, 2.5, 9.0]])
    def test_repeated_values_are_decoded_to_training_values(self, values):
        column = np.random.default_rng(0).permutation(np.resize(values, 50))
        scale = NumberScale.fit(column)
        scores = scale.encode(column)
        np.testing.assert_array_equal(scale.decode(scores), column)
        assert set(scale.decode(np.linspace(-9, 9, 99))) == set(values)
        assert scores.mean() == pytest.approx(0, abs=1e-12)
        assert scores.std() == pytest.approx(float(len(values) > 1))

    def test_distinct_values_are_decoded_by_interpolation(self):
        column = np.random.default_rng(0).normal(size=30)
        scale = NumberScale.fit(column)
        np.testing.assert_allclose(scale.decode(scale.encode(column)), column)
        between = scale.decode((scale.scores[1:] + scale.scores[:-1]) / 2)
        np.testing.assert_allclose(between, (scale.values[1:] + scale.values[:-1]) / 2)

    def test_decoded_values_stay_in_the_training_range(self):
        column = np.random.default_rng(0).normal(size=30)
        made = NumberScale.fit(column).decode(np.array([-99.0, 99.0]))
        np.testing.assert_array_equal(made, [column.min(), column.max()])


class TestCodecs:
    def test_a_table_is_decoded_with_its_columns_in_place(self):
        codec, X = table_codec()
        moved = X[:, [3, 0, 2, 1]]
        found = TableCodec.fit(moved, [0, 2])
        np.testing.assert_allclose(found.decode(found.encode(moved)), moved, atol=1e-5)
        assert found.sizes == (2, 3)
        assert codec.sizes == (3, 2)
        assert (codec.n_numbers, codec.encode(X).shape[1]) == (2, 7)

    def test_codes_may_be_any_numbers(self):
        X = np.array([[-1.0], [7.0], [7.0], [2.5]])
        codec = TableCodec.fit(X, [0])
        np.testing.assert_array_equal(codec.encode(X).sum(0), [1, 1, 2])
        np.testing.assert_array_equal(codec.decode(np.eye(3, dtype=np.float32))[:, 0], [-1, 2.5, 7])

    def test_blocks_are_the_numbers_and_the_categories_of_a_column_each(self):
        codec, X = table_codec()
        numbers, categories = blocks(torch.tensor(codec.encode(X)), codec)
        assert numbers.shape == (60, 2)
        assert [tuple(c.shape) for c in categories] == [(60, 3), (60, 2)]
        np.testing.assert_array_equal(categories[1].argmax(1), X[:, 3])

    def test_an_unknown_column_is_an_error(self):
        with pytest.raises(ValueError, match=r"must be columns 0\.\.1, got \[2\]\."):
            TableCodec.fit(np.zeros((4, 2)), [2])

    @pytest.mark.parametrize("scale", [1.0, 255.0])
    def test_pixels_come_back_and_stay_in_their_range(self, scale):
        X = np.linspace(0, scale, 12).reshape(3, 4)
        codec = ImageCodec.fit(X)
        encoded = codec.encode(X)
        assert (encoded.min(), encoded.max()) == (0, 1)
        np.testing.assert_allclose(codec.decode(encoded), X, atol=1e-6 * scale)
        outside = codec.decode(np.array([[-0.5, 1.5]], np.float32))
        np.testing.assert_array_equal(outside, [[0, scale]])

    def test_images_of_one_grey_stay_in_that_grey(self):
        codec = ImageCodec.fit(np.full((3, 4), 0.3))
        np.testing.assert_array_equal(codec.decode(codec.encode(np.full((1, 4), 0.3))), 0.3)
