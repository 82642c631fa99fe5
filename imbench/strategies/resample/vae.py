"""Over-sampling by a variational autoencoder that is conditional on the class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from imbench.strategies.resample.encoding import RowCodec
from imbench.strategies.resample.generative import Examples, GenerativeSampler

if TYPE_CHECKING:
    from torch import Generator, Tensor

MIN_LOG_SCALE = math.log(0.01)  # a constant column would have none


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)) of each row, (B, L) -> (B,)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)


def log_likelihood(outputs: Tensor, x: Tensor, log_scale: Tensor, codec: RowCodec) -> Tensor:
    """Return log p(x | z) of each row.

    Numbers are normal around the outputs, pixels are Bernoulli (with the pixel as target
    probability where it is neither 0 nor 1), categories are a softmax.

    Parameters
    ----------
    outputs : Tensor of shape (B, width)
        Outputs of the decoder: means, or logits.
    x : Tensor of shape (B, width)
        Encoded rows.
    log_scale : Tensor of shape (n_numbers,)
        Logarithms of the standard deviations; not used for pixels.
    codec : RowCodec

    Returns
    -------
    Tensor of shape (B,)
    """
    from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

    from imbench.strategies.resample.networks import blocks

    means, logits = blocks(outputs, codec)
    values, chosen = blocks(x, codec)
    if codec.bounded:
        total = -binary_cross_entropy_with_logits(means, values, reduction="none").sum(1)
    else:
        squares = ((values - means) / log_scale.exp()).square()
        total = -(0.5 * squares + log_scale + 0.5 * math.log(2 * math.pi)).sum(1)
    for scores, codes in zip(logits, chosen, strict=True):
        total = total + (codes * log_softmax(scores, 1)).sum(1)
    return total


class VAESampler(GenerativeSampler):
    """Train a variational autoencoder, and decode random codes of the classes that grow.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    latent_dim : int, default=8
        Number of dimensions of a code.
    hidden : sequence of int, default=(128,)
        Widths of the encoder's hidden layers; the decoder has them in reverse.
    n_steps : int, default=2000
        Steps of the optimizer, one batch each; independent of the number of rows.
    batch_size : int, default=128
    lr : float, default=2e-3
        Learning rate of Adam.
    categorical_features : sequence of int, default=()
        Columns that hold category codes; imbench sets them from the data set.
    input_shape : tuple of int or None
        ``(channels, height, width)`` of images; imbench sets it from the data set.
    device : {"auto", "cpu", "cuda"}, default="auto"
    random_state : int or None

    Attributes
    ----------
    sampling_strategy_ : dict of label to int
        Number of new rows of each class.
    picture_ : Picture or None
    device_ : str

    Notes
    -----
    One network for all classes. Numeric columns are scaled (see
    :class:`imbench.strategies.resample.encoding.NumberScale`) and have one learned standard
    deviation each. New rows are drawn: numbers with these deviations, categories from the softmax.
    The pixels of new images are expected values.

    References
    ----------
    Kingma & Welling 2014, arXiv 1312.6114, eq. 10 and appendix B; Sohn, Lee & Yan 2015,
    "Learning Structured Output Representation using Deep Conditional Generative Models", for
    the condition; Xu et al. 2019, arXiv 1907.00503, for tables with categories and for how
    often a class is drawn.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.random.default_rng(0).normal(size=(20, 2)), np.repeat([0, 1], [14, 6])
    >>> sampler = VAESampler(n_steps=20, device="cpu", random_state=0)
    >>> X_after, y_after = sampler.fit_resample(X, y)
    >>> np.bincount(y_after)
    array([14, 14])
    """

    def __init__(
        self,
        sampling_strategy: Any = "auto",
        latent_dim: int = 8,
        hidden: Sequence[int] = (128,),
        n_steps: int = 2000,
        batch_size: int = 128,
        lr: float = 2e-3,
        categorical_features: Sequence[int] = (),
        input_shape: tuple[int, int, int] | None = None,
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy, latent_dim, hidden, n_steps, batch_size, lr, categorical_features,
            input_shape, device, random_state,
        )  # fmt: skip

    def learn(self, examples: Examples, generator: Generator) -> Callable[[Tensor], Tensor]:
        """Maximize the evidence lower bound; see the base class."""
        import torch

        from imbench.strategies.nets.optimizer import Optimizer
        from imbench.strategies.resample.networks import blocks, given, gumbel, normal, perceptron

        codec, width = examples.codec, examples.x.shape[1]
        n_classes = examples.condition.shape[1]
        encoder = perceptron([width + n_classes, *self.hidden, 2 * self.latent_dim], generator)
        decoder = perceptron(
            [self.latent_dim + n_classes, *list(self.hidden)[::-1], width], generator
        )
        log_scale = torch.zeros(codec.n_numbers, device=generator.device, requires_grad=True)
        parameters = [*encoder.parameters(), *decoder.parameters(), log_scale]
        optimizer = Optimizer(parameters, lr=self.lr)
        for _ in range(self.n_steps):
            rows = examples.draw()
            x, condition = examples.x[rows], examples.condition[rows]
            mean, log_variance = encoder(given(x, condition)).chunk(2, 1)
            code = mean + (0.5 * log_variance).exp() * normal(mean.shape, generator)
            outputs = decoder(given(code, condition))
            scale = log_scale.clamp(min=MIN_LOG_SCALE)
            bound = log_likelihood(outputs, x, scale, codec) - kl_divergence(mean, log_variance)
            optimizer.minimise(-bound.mean())

        def sample(condition: Tensor) -> Tensor:
            code = normal((len(condition), self.latent_dim), generator)
            means, logits = blocks(decoder(given(code, condition)), codec)
            if codec.bounded:
                return means.sigmoid()
            noise = normal(means.shape, generator) * log_scale.clamp(min=MIN_LOG_SCALE).exp()
            drawn = [scores + gumbel(scores.shape, generator) for scores in logits]
            return torch.cat([means + noise, *drawn], 1)

        return sample
