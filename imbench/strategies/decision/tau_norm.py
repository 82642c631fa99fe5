"""tau-normalised classifier."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from imbench.strategies.decision.heads import HeadRule, linear_head


def tau_normalised(weight: Tensor, tau: float) -> Tensor:
    """Return w_c / ||w_c||^tau for a head's weights of shape (K, F)."""
    return weight / weight.norm(dim=1, keepdim=True).clamp_min(1e-12) ** tau


class TauNormalisation(HeadRule):
    """Divide the head's weights of a class by their norm to the power tau, and drop the bias.

    Heads learn longer weights for larger classes; tau takes that back.

    Parameters
    ----------
    estimator : estimator
        A net with a linear head, or an ensemble of them.
    tau : float, default=0.7
        In [0, 1]. At 0 only the bias goes, at 1 all classes have weights of one length.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`; ``estimator_`` holds the
        new heads.

    Raises
    ------
    Incompatible
        In ``fit``, if the loss brought a head that is not linear.

    Notes
    -----
    The paper chooses tau on validation data; here it is a parameter, for the tuning to choose.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, eq. 4.
    """

    name: ClassVar[str] = "tau_norm"
    is_softmax: ClassVar[bool] = False

    def __init__(self, estimator: Any, *, tau: float = 0.7) -> None:
        super().__init__(estimator)
        self.tau = tau

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if not isinstance(self.tau, int | float) or not 0 <= self.tau <= 1:
            raise ValueError(f"tau must lie in [0, 1], got tau={self.tau!r}.")

    def _new_head(self, model: Any, features: Tensor, y: Tensor, generator: Generator) -> nn.Module:
        old = linear_head(model.net_, self.name)
        head = nn.Linear(old.in_features, old.out_features, bias=False)
        with torch.no_grad():
            head.weight.copy_(tau_normalised(old.weight, self.tau))
        return head
