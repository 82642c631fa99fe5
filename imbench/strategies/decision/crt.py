"""Classifier re-training (cRT)."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from imbench.strategies.decision.heads import RetrainedHeadRule


class ClassifierRetraining(RetrainedHeadRule):
    """Train the head anew on class-balanced batches, with the features as they are.

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
    random_state : int or None
        Initial weights and batches of the new head.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`; ``estimator_`` holds the
        new heads.

    Notes
    -----
    The paper re-trains for 10 epochs by SGD; a fixed number of steps and Adam serve small and
    large data sets alike. The new head is linear and learns by cross-entropy, whatever the loss
    of the first stage was. It sees the rows of the training part, not those that a resampler made.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, section 4.2.

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
    >>> rule = partial(ClassifierRetraining, n_steps=20)
    >>> strategy = Strategy(decision={"crt": rule})
    >>> fitted = build(net, strategy, info, seed=0).fit(X, y)
    >>> fitted.predict_proba(X).shape
    (200, 2)
    """

    name: ClassVar[str] = "crt"

    def _untrained_head(self, model: Any, n_features: int, n_classes: int) -> nn.Module:
        return nn.Linear(n_features, n_classes)
