"""Learnable weight scaling (LWS)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from imbench.strategies.decision.heads import RetrainedHeadRule


class ScaledHead(nn.Module):
    """A head whose logits are multiplied by one learnable number a class; its own weights stay.

    Parameters
    ----------
    head : Module
    n_classes : int
    probabilities : callable or None
        Of a loss whose outputs are no logits of a softmax: the logarithms of what it returns
        are scaled then.
    """

    def __init__(
        self, head: nn.Module, n_classes: int, probabilities: Callable[[Tensor], Tensor] | None
    ) -> None:
        super().__init__()
        self.head = head.requires_grad_(False)
        self.probabilities = probabilities
        self.scale = nn.Parameter(torch.ones(n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Map features (B, F) to logits (B, K)."""
        outputs = self.head(x)
        if self.probabilities is not None:
            outputs = self.probabilities(outputs).clamp_min(1e-12).log()
        return outputs * self.scale


class LearnableWeightScaling(RetrainedHeadRule):
    """Learn one scale for the logit of each class on class-balanced batches.

    Parameters
    ----------
    estimator : estimator
        A net, or an ensemble of nets.
    n_steps : int, default=1000
        Batches.
    lr : float, default=0.01
        Falls to 0 along half a cosine.
    batch_size : int, default=64
    weight_decay : float, default=5e-4
        Pulls the scales to 0.
    random_state : int or None
        Batches.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`; ``estimator_`` holds the
        new heads.

    Notes
    -----
    Scales start at one. They multiply the whole logit, bias included.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, section 4.2, eq. 5.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.datasets import make_classification
    >>> from imbench.data.dataset import DatasetInfo
    >>> from imbench.models.base import Model
    >>> from imbench.models.nets.classifier import TorchClassifier
    >>> from imbench.pipeline.build import build
    >>> from imbench.strategies.base import Strategy
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> info = DatasetInfo("example", 20, ("common", "rare"), minority=1)
    >>> net = Model("mlp", TorchClassifier(epochs=1, device="cpu"))
    >>> rule = partial(LearnableWeightScaling, n_steps=20)
    >>> strategy = Strategy(decision={"lws": rule})
    >>> fitted = build(net, strategy, info, seed=0).fit(X, y)
    >>> fitted.estimator_[-1].net_[1].scale.shape
    torch.Size([2])
    """

    name: ClassVar[str] = "lws"

    def _untrained_head(self, model: Any, n_features: int, n_classes: int) -> nn.Module:
        probabilities = getattr(model.loss, "probabilities", None)
        return ScaledHead(model.net_[1], n_classes, probabilities)
