"""Nearest class mean in the features of a net."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from imbench.strategies.decision.heads import HeadRule


class MeanHead(nn.Module):
    """Logits are minus the squared distances to class means.

    Parameters
    ----------
    means : Tensor of shape (K, F)
    """

    means: Tensor

    def __init__(self, means: Tensor) -> None:
        super().__init__()
        self.register_buffer("means", means)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (B, F) to logits (B, K)."""
        return -torch.cdist(x.float(), self.means).square()


class NearestClassMean(HeadRule):
    """Label a row by the nearest mean of the features of a class; every class counts the same.

    Scores are the softmax of minus the squared Euclidean distances.

    Parameters
    ----------
    estimator : estimator
        A net, or an ensemble of nets.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`; ``estimator_`` holds the
        new heads.

    Notes
    -----
    The paper compares L2-normalised means or cosine similarities; the features are taken as they
    are here. The scores are those of normal distributions with variance 1/2 around the means:
    their order within a row is meant, their size is not calibrated.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, section 4.2 (NCM).

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbench.data.dataset import DatasetInfo
    >>> from imbench.models.base import Model
    >>> from imbench.models.nets.classifier import TorchClassifier
    >>> from imbench.pipeline.build import build
    >>> from imbench.strategies.base import Strategy
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> info = DatasetInfo("example", 20, ("common", "rare"), minority=1)
    >>> net = Model("mlp", TorchClassifier(epochs=1, device="cpu"))
    >>> strategy = Strategy(decision={"nearest_class_mean": NearestClassMean})
    >>> fitted = build(net, strategy, info, seed=0).fit(X, y)
    >>> fitted.estimator_[-1].net_[1].means.shape
    torch.Size([2, 256])
    """

    name: ClassVar[str] = "nearest_class_mean"

    def __init__(self, estimator: Any) -> None:
        super().__init__(estimator)

    def _new_head(self, model: Any, features: Tensor, y: Tensor, generator: Generator) -> nn.Module:
        means = [features[y == k].mean(0) for k in range(int(y.max()) + 1)]
        return MeanHead(torch.stack(means))
