"""Detect outliers with an autoencoder: rows that it reconstructs badly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Generator, Tensor, nn

from imbench.models.nets.rows import slices
from imbench.strategies.nets.device import select_device
from imbench.strategies.nets.optimizer import Optimizer
from imbench.strategies.nets.randomness import seeded


def mirrored(n_features: int, hidden: Sequence[int]) -> nn.Sequential:
    """Return a net of widths d, *hidden, *reversed(hidden[:-1]), d with ReLU between."""
    widths = [n_features, *hidden, *list(hidden)[-2::-1], n_features]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Autoencoder(OutlierMixin, BaseEstimator):
    """Reconstruct rows through a narrow layer; the score is minus the mean squared error.

    Parameters
    ----------
    hidden : sequence of int, default=(64, 8)
        Widths of the encoder; the decoder mirrors them.
    epochs : int, default=100
    batch_size : int, default=64
    lr : float, default=1e-3
        Of Adam.
    device : {"auto", "cpu", "cuda"}, default="auto"
    random_state : int or None
        Initial weights and order of batches.

    Attributes
    ----------
    net_ : torch.nn.Sequential
    threshold_ : float
        Largest error on the training rows; what exceeds it is an outlier for :meth:`predict`.
    device_ : str

    References
    ----------
    Hawkins et al. 2002, "Outlier Detection Using Replicator Neural Networks", DOI
    10.1007/3-540-46145-0_17.

    Examples
    --------
    >>> X = np.tile([[0.0, 1.0], [1.0, 0.0]], (10, 1))
    >>> detector = Autoencoder(hidden=(4,), epochs=5, device="cpu", random_state=0).fit(X)
    >>> detector.predict([[0.0, 1.0], [50.0, 50.0]]).tolist()
    [1, -1]
    """

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 8),
        epochs: int = 100,
        batch_size: int = 64,
        lr: float = 1e-3,
        device: str = "auto",
        random_state: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.device = device
        self.random_state = random_state

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
        if not self.hidden or not all(isinstance(w, int) and w > 0 for w in self.hidden):
            raise ValueError(f"hidden must be a list of widths above 0, got {self.hidden!r}.")
        if not isinstance(self.lr, int | float) or not 0 < self.lr < float("inf"):
            raise ValueError(f"lr must be a number above 0, got lr={self.lr!r}.")
        select_device(self.device)

    def fit(self, X: NDArray[Any], y: None = None) -> Self:
        """Train on rows of shape (n, d)."""
        self.check_params()
        device = select_device(self.device)
        x = torch.tensor(np.asarray(X), dtype=torch.float32, device=device)
        seed = int(np.random.default_rng(self.random_state).integers(2**31))
        generator = Generator(device).manual_seed(seed)
        with seeded(seed, device):
            self.net_ = mirrored(x.shape[1], self.hidden).to(device)
        optimizer = Optimizer(self.net_.parameters(), lr=self.lr)
        for _ in range(self.epochs):
            order = torch.randperm(len(x), generator=generator, device=device)
            for part in slices(len(x), self.batch_size):
                optimizer.minimise(self._errors(x[order[part]]).mean())
        self.device_ = str(device)
        self.threshold_ = float(-self.decision_function(X).min())
        return self

    def _errors(self, x: Tensor) -> Tensor:
        return (self.net_(x) - x).square().mean(1)

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return how normal rows are, shape (n,): minus the mean squared error of a row."""
        check_is_fitted(self)
        x = torch.tensor(np.asarray(X), dtype=torch.float32, device=self.device_)
        with torch.inference_mode():
            return -self._errors(x).double().cpu().numpy()

    def predict(self, X: NDArray[Any]) -> NDArray[np.int64]:
        """Return 1 for errors up to the largest one in training and -1 for others, shape (n,)."""
        return np.where(-self.decision_function(X) > self.threshold_, -1, 1)
