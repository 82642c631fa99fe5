"""Over-sampling by a Wasserstein GAN with gradient penalty that is conditional on the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from imbench.strategies.resample.encoding import RowCodec
from imbench.strategies.resample.generative import (
    Examples,
    GenerativeSampler,
    check_count,
    is_number,
)

if TYPE_CHECKING:
    from torch import Generator, Tensor

TEMPERATURE = 0.2  # of the Gumbel softmax, as in CTGAN
AVERAGING = 0.98  # decay of the generator's average: adversarial training oscillates around it
SLOPE = 0.2  # of the critic's leaky ReLU


def gradient_penalty(critic: Callable[[Tensor], Tensor], mixed: Tensor) -> Tensor:
    """Return the mean squared distance of the critic's gradient norm from one.

    Parameters
    ----------
    critic : callable
        (B, width) -> (B, 1), row by row.
    mixed : Tensor of shape (B, width)
        Points on the lines between real and generated rows.

    Returns
    -------
    Tensor of shape ()
        Differentiable in the critic's parameters.
    """
    import torch

    mixed = mixed.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    return (gradient.norm(dim=1) - 1).square().mean()


def soft_rows(outputs: Tensor, codec: RowCodec, generator: Generator) -> Tensor:
    """Return differentiable encoded rows, shape (B, width).

    Pixels pass a sigmoid, categories a Gumbel softmax; numbers are unchanged.
    """
    import torch

    from imbench.strategies.resample.networks import blocks, gumbel

    numbers, logits = blocks(outputs, codec)
    soft = [
        ((scores + gumbel(scores.shape, generator)) / TEMPERATURE).softmax(1) for scores in logits
    ]
    return torch.cat([numbers.sigmoid() if codec.bounded else numbers, *soft], 1)


class GANSampler(GenerativeSampler):
    """Train a generator of rows, conditional on the class, against a Wasserstein critic.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        As in imbalanced-learn; ``auto`` brings every class up to the largest.
    latent_dim : int, default=16
        Number of random values that a row is generated from.
    hidden : sequence of int, default=(128, 128)
        Widths of the generator's hidden layers; the critic has them in reverse.
    n_steps : int, default=500
        Steps of the generator; independent of the number of rows.
    batch_size : int, default=128
    lr : float, default=2e-3
        Learning rate of Adam, with betas 0 and 0.9, for both networks.
    n_critic : int, default=5
        Steps of the critic for each step of the generator.
    gradient_penalty : float, default=10.0
        Weight lambda of the gradient penalty.
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
    One generator and one critic for all classes. The real and the generated rows of a batch have
    the same classes, so a mixed row has a class too; the penalty is on the gradient with respect to
    the row, not to its class. Deviations from Gulrajani et al.: perceptrons instead of
    convolutions, and fewer steps with a higher learning rate. Deviations from CTGAN: the class
    alone is the condition, numbers are scaled instead of modeled by mixtures, and rows are not
    packed. New rows come from a moving average of the generator's weights (Yazici et al. 2019,
    arXiv 1806.04498).

    References
    ----------
    Gulrajani et al. 2017, arXiv 1704.00028, algorithm 1; Mirza & Osindero 2014, arXiv 1411.1784,
    for the condition; Xu et al. 2019, arXiv 1907.00503, for tables with categories and for how
    often a class is drawn.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.random.default_rng(0).normal(size=(20, 2)), np.repeat([0, 1], [14, 6])
    >>> sampler = GANSampler(n_steps=5, device="cpu", random_state=0)
    >>> X_after, y_after = sampler.fit_resample(X, y)
    >>> np.bincount(y_after)
    array([14, 14])
    """

    def __init__(
        self,
        sampling_strategy: Any = "auto",
        latent_dim: int = 16,
        hidden: Sequence[int] = (128, 128),
        n_steps: int = 500,
        batch_size: int = 128,
        lr: float = 2e-3,
        n_critic: int = 5,
        gradient_penalty: float = 10.0,
        categorical_features: Sequence[int] = (),
        input_shape: tuple[int, int, int] | None = None,
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy, latent_dim, hidden, n_steps, batch_size, lr, categorical_features,
            input_shape, device, random_state,
        )  # fmt: skip
        self.n_critic = n_critic
        self.gradient_penalty = gradient_penalty

    def check_params(self) -> None:
        """Raise ValueError for a parameter out of range; called before anything runs."""
        super().check_params()
        check_count("n_critic", self.n_critic)
        if not is_number(self.gradient_penalty) or not 0 <= self.gradient_penalty < float("inf"):
            raise ValueError(
                f"gradient_penalty must be a number of at least 0, got {self.gradient_penalty!r}."
            )

    def learn(self, examples: Examples, generator: Generator) -> Callable[[Tensor], Tensor]:
        """Train generator and critic in turns for ``n_steps`` steps; see the base class."""
        import torch

        from imbench.strategies.nets.optimizer import Optimizer
        from imbench.strategies.resample.networks import given, normal, perceptron

        codec, width = examples.codec, examples.x.shape[1]
        n_classes = examples.condition.shape[1]
        maker = perceptron([self.latent_dim + n_classes, *self.hidden, width], generator)
        critic = perceptron(
            [width + n_classes, *list(self.hidden)[::-1], 1], generator, negative_slope=SLOPE
        )
        maker_step, critic_step = (
            Optimizer(net.parameters(), lr=self.lr, betas=(0.0, 0.9)) for net in (maker, critic)
        )

        def make(condition: Tensor) -> Tensor:
            code = normal((len(condition), self.latent_dim), generator)
            return soft_rows(maker(given(code, condition)), codec, generator)

        def judge(condition: Tensor, x: Tensor) -> Tensor:
            return critic(given(x, condition))

        averaged = [parameter.detach().clone() for parameter in maker.parameters()]
        for _ in range(self.n_steps):
            for _ in range(self.n_critic):
                rows = examples.draw()
                real, condition = examples.x[rows], examples.condition[rows]
                with torch.no_grad():
                    made = make(condition)
                share = torch.rand(len(rows), 1, generator=generator, device=real.device)
                mixed = share * real + (1 - share) * made
                penalty = gradient_penalty(partial(judge, condition), mixed)
                loss = judge(condition, made).mean() - judge(condition, real).mean()
                critic_step.minimise(loss + self.gradient_penalty * penalty)
            condition = examples.condition[examples.draw()]
            loss = -judge(condition, make(condition)).mean()
            maker_step.minimise(loss)
            for mean, parameter in zip(averaged, maker.parameters(), strict=True):
                mean.lerp_(parameter.detach(), 1 - AVERAGING)
        for mean, parameter in zip(averaged, maker.parameters(), strict=True):
            parameter.detach().copy_(mean)
        return make
