"""Draws from the joint distribution of differences, and their tails as normal values."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from imbench.report.statistics.joint import Floats, of_pairs

N_DRAWS = 20_000
N_DRAWS_OF_PAIRS = 4_000  # where there are more than a few dozen strategies
MANY = 30
LARGE_DF = 1e9  # degrees of freedom from which Student's t is taken for normal


@lru_cache(maxsize=4)
def _standard_normal(n: int, m: int, seed: int) -> Floats:
    """Draw independent normal variables, the same ones for every metric of a table."""
    drawn = np.random.default_rng(seed).standard_normal((n, m))
    drawn.flags.writeable = False
    return drawn


def largest(covariance: Floats, seed: int = 0) -> Floats:
    """Draw the largest absolute value of correlated normal variables.

    Parameters
    ----------
    covariance : ndarray of shape (m, m)
        A variable without variance is independent of the others.
    seed : int, default=0

    Returns
    -------
    ndarray of shape (20000,)
        Descending.

    Examples
    --------
    >>> drawn = largest(np.eye(2))
    >>> round(float(np.quantile(drawn, 0.95)), 1)
    2.2
    """
    root = _root(covariance)
    drawn = _standard_normal(N_DRAWS, len(root), seed) @ root
    return np.sort(np.abs(drawn).max(axis=1))[::-1]


def largest_of_pairs(covariance: Floats, seed: int = 0) -> Floats:
    """Draw the largest absolute standardised difference over all pairs of variables, descending."""
    n = N_DRAWS if len(covariance) <= MANY else N_DRAWS_OF_PAIRS
    scale = np.sqrt(of_pairs(covariance))
    scale[scale == 0] = np.inf
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    drawn = _standard_normal(n, len(root), seed) @ root
    found = np.zeros(n)
    for i in range(len(root) - 1):
        gaps = np.abs(drawn[:, i, None] - drawn[:, i + 1 :]) / scale[i, i + 1 :]
        np.maximum(found, gaps.max(axis=1), out=found)
    return np.sort(found)[::-1]


def _root(covariance: Floats) -> Floats:
    """Return a matrix that turns independent normal variables into correlated ones."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))  # rounding may leave less than zero
    varies = scale > 0
    correlation = covariance / np.outer(*[np.where(varies, scale, 1.0)] * 2)
    correlation[~varies] = correlation[:, ~varies] = 0.0
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))  # after clipping, variances of one
    return np.asarray(root.T)


def as_normal(t: Floats, df: Floats) -> Floats:
    """Return the absolute normal value whose tail is that of Student's t.

    Examples
    --------
    >>> as_normal(np.array([2.571]), np.array([5.0])).round(2)
    array([1.96])
    """
    from scipy.special import ndtri, stdtr

    return np.asarray(-ndtri(stdtr(np.minimum(df, LARGE_DF), -np.abs(t))))


def as_student(z: float, df: Floats) -> Floats:
    """Return the inverse of :func:`as_normal`."""
    from scipy.special import ndtr, stdtrit

    return np.asarray(-stdtrit(np.minimum(df, LARGE_DF), ndtr(-z)))


def critical_value(drawn: Floats, alpha: float) -> float:
    """Return the value that the largest of `drawn` exceeds with probability `alpha`.

    Parameters
    ----------
    drawn : ndarray
        Descending.
    alpha : float

    Examples
    --------
    >>> critical_value(np.arange(100.0)[::-1], alpha=0.05)
    95.0
    """
    return float(drawn[max(int(np.ceil(alpha * len(drawn))) - 1, 0)])
