"""Losses for gradient boosting: first and second derivatives of a row's loss by its raw scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax

Floats = NDArray[np.float64]
SMALLEST = 1e-12  # share of a class whose rows weigh nothing; its logarithm stays finite
TOLERANCE, MAX_STEPS = 1e-9, 200  # of best_constant, in logarithms; up to 61 steps were seen


def kinds_of(loss: Any) -> tuple[str, ...]:
    """Return the kinds of models that an entry of the stage `loss` declares.

    Parameters
    ----------
    loss : object
        See :class:`imbench.strategies.protocols.Loss`.

    Returns
    -------
    tuple of str
        ``net`` if it has ``bind``, ``boosting`` if it has ``bind_boosting``.

    Examples
    --------
    >>> from imbench.strategies.loss.focal import FocalLoss
    >>> from imbench.strategies.loss.ldam import LDAMLoss
    >>> kinds_of(FocalLoss()), kinds_of(LDAMLoss())
    (('net', 'boosting'), ('net',))
    """
    methods = {"net": "bind", "boosting": "bind_boosting"}
    return tuple(kind for kind, method in methods.items() if hasattr(loss, method))


def focal_terms(log_p: Floats, gamma: float) -> tuple[Floats, Floats]:
    """Return the two factors that the derivatives of the focal loss are made of.

    Parameters
    ----------
    log_p : array
        Logarithm of p, the probability of the true class.
    gamma : float
        At least 0.

    Returns
    -------
    a : array of the same shape
        (1 - p)^gamma (gamma p L / (1 - p) + 1) with L = -log p. The gradient of the focal loss is
        a times that of the cross-entropy.
    c : array of the same shape
        gamma p (1 - p)^(gamma + 1) ((gamma - 1) p L / (1 - p) - L + 2), what the second derivative
        has beside a times that of the cross-entropy. It is negative where a row is badly
        misclassified: the focal loss is not convex.

    Examples
    --------
    >>> a, c = focal_terms(np.log([0.5]), gamma=0.0)
    >>> a.tolist(), c.tolist()  # cross-entropy
    ([1.0], [0.0])
    """
    p, miss, ce = np.exp(log_p), -np.expm1(log_p), -log_p
    ratio = np.divide(ce, miss, out=np.ones_like(ce), where=miss > 0)  # one in the limit of p = 1
    a = miss**gamma * (gamma * p * ratio + 1)
    c = gamma * p * miss ** (gamma + 1) * ((gamma - 1) * p * ratio - ce + 2)
    return a, c


def best_constant(shares: Floats, gamma: float) -> Floats:
    """Return the log-probabilities that minimise the focal loss if all rows have the same.

    They solve p_k proportional to shares_k a(p_k), see :func:`focal_terms`, by damped iteration.

    Parameters
    ----------
    shares : array of shape (K,)
        Shares of the classes, above 0; they sum to 1.
    gamma : float

    Returns
    -------
    array of shape (K,)
        The log shares if gamma is 0. A larger gamma draws the classes together.

    Examples
    --------
    >>> np.exp(best_constant(np.array([0.98, 0.02]), gamma=2.0)).round(2).tolist()
    [0.81, 0.19]
    """
    log_p = np.log(shares)
    for _ in range(MAX_STEPS):
        a, _ = focal_terms(log_p, gamma)
        step = (log_softmax(np.log(shares) + np.log(a)) - log_p) / (1 + gamma)
        log_p = log_softmax(log_p + step)
        if np.abs(step).max() < TOLERANCE:
            break
    return np.asarray(log_p, np.float64)


@dataclass(frozen=True, eq=False)
class BoostedFocal:
    """Focal loss of raw scores, with its derivatives: what boosting needs to know of a loss.

    Two classes have one raw score, the logit of the second class. K > 2 classes have one each.

    Parameters
    ----------
    gamma : float
        Focusing parameter, at least 0. At 0 the loss is cross-entropy.
    class_weights : ndarray of shape (K,) or None
        Factor of the loss of the rows of a class.
    one_vs_rest : bool, default=False
        For K > 2: a sigmoid and a binary loss for each class, which are summed, instead of a
        softmax. Two classes have one sigmoid either way, and its loss is counted once.

    Notes
    -----
    The second derivative is that by the same score, without the mixed ones. The part that may
    be negative (see :func:`focal_terms`) is left out where it is: what remains is positive, and
    the Newton step of such a row is that of the cross-entropy.

    References
    ----------
    Lin et al. 2017, "Focal Loss for Dense Object Detection", arXiv 1708.02002, eq. 4.
    Wang et al. 2020, "Imbalance-XGBoost", arXiv 1908.01672, has it for two classes.

    Examples
    --------
    >>> loss = BoostedFocal(gamma=2.0)
    >>> gradient, hessian = loss.derivatives(np.array([[-2.0], [2.0]]), np.array([1, 1]))
    >>> gradient.round(3).tolist(), hessian.round(3).tolist()
    ([[-1.077], [-0.005]], [[0.155], [0.013]])
    >>> loss.probabilities(np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    """

    gamma: float
    class_weights: Floats | None = None
    one_vs_rest: bool = False

    def start(self, shares: Floats) -> Floats:
        """Return raw scores to begin with, shape (1,) or (K,), for class shares (K,) that sum to 1.

        They minimise the loss if all rows have the same, as those that the libraries begin with
        minimise the log loss. From the log prior XGBoost found no split with gamma=2 and 100 rare
        rows of 5,000: their second derivatives sum up to 2 there, and it wants 1 in each leaf.
        """
        weighted = shares if self.class_weights is None else shares * self.class_weights
        prior = np.clip(weighted / weighted.sum(), SMALLEST, 1 - SMALLEST)
        if len(prior) > 2 and not self.one_vs_rest:
            return best_constant(prior, self.gamma)
        each = prior[1:] if len(prior) == 2 else prior
        pairs = [best_constant(np.array([1 - share, share]), self.gamma) for share in each]
        return np.array([pair[1] - pair[0] for pair in pairs])

    def derivatives(self, scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return first and second derivatives of each row's loss.

        Parameters
        ----------
        scores : array of shape (n, 1) or (n, K)
        y : array of shape (n,)
            0..K-1.

        Returns
        -------
        gradient, hessian : arrays of the shape of ``scores``
        """
        by_softmax = scores.shape[1] > 1 and not self.one_vs_rest
        first, second = (self._softmax if by_softmax else self._sigmoid)(scores, y)
        if self.class_weights is not None:
            weight = self.class_weights[y][:, None]
            return weight * first, weight * second
        return first, second

    def probabilities(self, scores: Floats) -> Floats:
        """Return probabilities (n, K) of raw scores (n, 1) or (n, K)."""
        if scores.shape[1] == 1:
            return np.hstack([expit(-scores), expit(scores)])
        logits = log_expit(scores) if self.one_vs_rest else scores
        return np.asarray(softmax(logits, axis=1), np.float64)

    def _sigmoid(self, scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return derivatives of one binary focal loss for each output."""
        first_class = 1 if scores.shape[1] == 1 else 0
        is_true = y[:, None] == first_class + np.arange(scores.shape[1])
        sign = np.where(is_true, 1.0, -1.0)
        log_p = log_expit(sign * scores)
        a, c = focal_terms(log_p, self.gamma)
        p, miss = np.exp(log_p), -np.expm1(log_p)
        return -sign * a * miss, a * p * miss + np.maximum(c, 0)

    def _softmax(self, scores: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return derivatives of the focal loss of a softmax."""
        log_p = log_softmax(scores, axis=1)
        p, is_true = np.exp(log_p), y[:, None] == np.arange(scores.shape[1])
        a, c = focal_terms(log_p[is_true][:, None], self.gamma)
        rest = np.where(is_true, 0.0, p).sum(1, keepdims=True)  # 1 - p without cancellation
        error = np.where(is_true, -rest, p)
        share = np.divide(error, rest, out=np.zeros_like(error), where=rest > 0)
        spread = np.where(is_true, p * rest, p * (1 - p))
        return a * error, a * spread + np.maximum(c, 0) * share**2
