"""Softmax equalization loss: rows of other classes do not lower the logits of rare classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from imbench.strategies.loss.cross_entropy import cross_entropy
from imbench.strategies.loss.outputs import at_least_float32, by_output, is_true_class
from imbench.strategies.protocols import RowLoss
from imbench.strategies.weights.checks import check_number


@dataclass(frozen=True)
class EqualizationLoss:
    """Softmax equalization: -log(e^z_y / sum_k w_k e^z_k), w_k = 1 - b T(n_k) (1 - y_k).

    T is one for rare classes and zero for the others; b is one with probability gamma, else zero.

    Parameters
    ----------
    gamma : float, default=0.9
        Probability of leaving rare classes out of a row's softmax, in [0, 1]. At 0 the loss is
        cross-entropy.
    threshold : float, default=0.5
        Classes with a share of the rows below ``threshold / K`` are rare; in (0, 1], so that
        the largest class never is.

    Raises
    ------
    ValueError
        If a parameter lies outside of its range.

    Notes
    -----
    The paper draws b at random; here the loss is the expectation, gamma L(b=1) + (1 - gamma)
    L(b=0) with one b a row, which is deterministic and has less variance. The threshold is in
    units of the mean share 1 / K, so that one default works for any number of classes; the
    paper's lambda = 4.3e-4 for the 1,000 classes of ImageNet-LT is a threshold of 0.43. If no
    class is below the threshold, the loss is cross-entropy.

    References
    ----------
    Tan et al. 2020, "Equalization Loss for Long-Tailed Object Recognition", arXiv 2003.05176
    (the softmax form, for image classification).

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    >>> y = torch.tensor([0, 1])  # the second row is misclassified
    >>> loss = EqualizationLoss(gamma=0.9, threshold=0.5).bind(torch.tensor([90, 10]))
    >>> loss(logits, y)
    tensor([0.0127, 2.1269])
    """

    stacks: ClassVar[bool] = True

    gamma: float = 0.9
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, low=0.0, high=1.0)
        check_number("threshold", self.threshold, low=0.0, high=1.0, above=True)

    def bind(self, counts: Tensor) -> RowLoss:
        """Return the loss for training counts of shape (..., K)."""
        sizes = counts.double()
        is_rare = sizes * counts.shape[-1] < self.threshold * sizes.sum(-1, True)  # (..., K)
        is_rare = by_output(is_rare)

        def equalization(logits: Tensor, y: Tensor) -> Tensor:
            z = at_least_float32(logits)  # (..., B, K)
            without = z.masked_fill(is_rare & ~is_true_class(z, y), -float("inf"))
            return self.gamma * cross_entropy(without, y) + (1 - self.gamma) * cross_entropy(z, y)

        return equalization
