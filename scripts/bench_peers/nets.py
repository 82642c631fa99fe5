"""The net of the peers, as skorch is meant to be used where only the fit counts.

No validation split, no printing and predictions in large batches, each of which makes it faster;
the callbacks are skorch's own.
"""

from __future__ import annotations

import torch
from shared import Job
from skorch import NeuralNetClassifier
from torch import Tensor, nn


class MLP(nn.Module):
    """One hidden layer with ReLU.

    Parameters
    ----------
    n_features, hidden, n_classes : int
    """

    def __init__(self, n_features: int, hidden: int, n_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, n_features) to logits (B, n_classes)."""
        return self.layers(x)


def net_of(job: Job, n_features: int, n_classes: int) -> NeuralNetClassifier:
    """Return the net of a job, not fitted."""
    return NeuralNetClassifier(
        MLP,
        module__n_features=n_features,
        module__hidden=job["hidden"],
        module__n_classes=n_classes,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=job["lr"],
        max_epochs=job["epochs"],
        batch_size=job["batch_size"],
        iterator_train__shuffle=True,
        iterator_valid__batch_size=4096,
        train_split=None,
        verbose=0,
        device=job["device"],
    )
