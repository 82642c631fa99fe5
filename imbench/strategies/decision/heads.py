"""Base classes of the two-stage methods: replace the head of a trained net."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Generator, Tensor, nn

from imbench.errors import Incompatible
from imbench.strategies.batches.draw import draw_rows, power_shares, rows_by_class
from imbench.strategies.decision.base import DecisionRule
from imbench.strategies.facts import fitted_models
from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.nets.optimizer import Optimizer, cosine
from imbench.strategies.nets.randomness import seeded
from imbench.strategies.rows import TrainingRows


def transformed(pipeline: Any, X: ArrayLike) -> Any:
    """Return rows after the steps in front of the model; resamplers leave them unchanged."""
    for _, step in pipeline.steps[:-1]:
        X = step.transform(X)
    return X


def train_on_features(
    head: nn.Module,
    features: Tensor,
    y: Tensor,
    *,
    n_steps: int,
    lr: float,
    batch_size: int,
    weight_decay: float,
    generator: Generator,
) -> None:
    """Train a head in place by cross-entropy on batches in which every class is as frequent.

    Parameters
    ----------
    head : Module
        (B, F) to logits (B, K).
    features : Tensor of shape (n, F)
    y : Tensor of shape (n,)
    n_steps, batch_size : int
    lr, weight_decay : float
        Of Adam; the learning rate falls to 0 along half a cosine, as in the paper.
    generator : torch.Generator
        Of the same device.
    """
    counts = torch.bincount(y)
    drawn = draw_rows(
        rows_by_class(y, len(counts)), power_shares(counts, 0.0), n_steps * batch_size, generator
    )
    batches = drawn.view(n_steps, batch_size)
    trained = [p for p in head.parameters() if p.requires_grad]
    optimizer = Optimizer(trained, lr=lr, weight_decay=weight_decay)
    for step, rows in enumerate(batches):
        loss = cross_entropy(head(features[rows]), y[rows]).mean()
        optimizer.minimise(loss, cosine(step, n_steps))


def linear_head(net: nn.Sequential, name: str) -> nn.Linear:
    """Return the head of a net.

    Raises
    ------
    Incompatible
        If it is not linear.
    """
    head = net[1]
    if not isinstance(head, nn.Linear):
        raise Incompatible(
            f"strategy={name} changes the weights of a linear head, but the loss brings a "
            f"{type(head).__name__} of its own: leave one of the two out."
        )
    return head


class HeadRule(DecisionRule):
    """Fit a net, then replace its head.

    A subclass makes the new head in ``_new_head`` from the features of the training rows.
    Around an ensemble the head of each member is replaced; the members' votes keep their weight.
    The softmax of the new head's outputs are the scores, whatever the loss was, unless a
    subclass sets ``is_softmax = False``.

    Parameters
    ----------
    estimator : estimator
    random_state : int or None
        Initial weights and batches of the new head.
    """

    name: ClassVar[str] = "head"
    learns_from_scores: ClassVar[bool] = False
    is_softmax: ClassVar[bool] = True

    def __init__(self, estimator: Any, *, random_state: int | None = None) -> None:
        super().__init__(estimator)
        self.random_state = random_state

    def _learn(self, rows: TrainingRows) -> None:
        seed = int(np.random.default_rng(self.random_state).integers(2**31))
        labels = self._labels[rows.labels]
        for pipeline in fitted_models(self.estimator_):
            model = pipeline.named_steps["model"]
            known = np.isin(labels, model.classes_)  # a member may have met fewer classes
            self._replace_head(
                model,
                transformed(pipeline, rows.X[known]),
                np.searchsorted(model.classes_, labels[known]),
                seed,
            )

    def _replace_head(self, model: Any, X: Any, y: NDArray[np.int64], seed: int) -> None:
        device = next(model.net_.parameters()).device
        features = torch.as_tensor(model.embed(X)).to(device)
        generator = Generator(device).manual_seed(seed)
        with seeded(seed, device):
            head = self._new_head(model, features, torch.as_tensor(y).to(device), generator)
        model.net_[1] = head.to(device).requires_grad_(False)
        if self.is_softmax:
            model.loss = None  # otherwise its ``probabilities`` would read the outputs

    def _new_head(self, model: Any, features: Tensor, y: Tensor, generator: Generator) -> nn.Module:
        """Return a head from features (n, F) to logits (n, K), on the device of the features.

        Parameters
        ----------
        model : TorchClassifier
            Fitted.
        features : Tensor of shape (n, F)
            Of the training rows.
        y : Tensor of shape (n,)
            Their labels, 0..K-1.
        generator : torch.Generator
        """
        raise NotImplementedError


class RetrainedHeadRule(HeadRule):
    """A head that is trained a second time, on class-balanced batches.

    A subclass makes it in ``_untrained_head``; parameters that need no gradient stay.

    Parameters
    ----------
    estimator : estimator
    n_steps : int, default=1000
        Batches.
    lr : float, default=0.01
    batch_size : int, default=64
    weight_decay : float, default=5e-4
    random_state : int or None
    """

    def __init__(
        self,
        estimator: Any,
        *,
        n_steps: int = 1000,
        lr: float = 0.01,
        batch_size: int = 64,
        weight_decay: float = 5e-4,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, random_state=random_state)
        self.n_steps = n_steps
        self.lr = lr
        self.batch_size = batch_size
        self.weight_decay = weight_decay

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        for name, value in {"n_steps": self.n_steps, "batch_size": self.batch_size}.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
        if not 0 < self.lr < float("inf"):
            raise ValueError(f"lr must be a number above 0, got lr={self.lr!r}.")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(
                f"weight_decay must be a number of at least 0, got {self.weight_decay!r}."
            )

    def _new_head(self, model: Any, features: Tensor, y: Tensor, generator: Generator) -> nn.Module:
        head = self._untrained_head(model, features.shape[1], int(y.max()) + 1)
        head.to(features.device)
        train_on_features(
            head,
            features,
            y,
            n_steps=self.n_steps,
            lr=self.lr,
            batch_size=self.batch_size,
            weight_decay=self.weight_decay,
            generator=generator,
        )
        return head

    def _untrained_head(self, model: Any, n_features: int, n_classes: int) -> nn.Module:
        """Return a head from features (n, n_features) to logits (n, n_classes).

        Parameters
        ----------
        model : TorchClassifier
            Fitted.
        n_features, n_classes : int
        """
        raise NotImplementedError
