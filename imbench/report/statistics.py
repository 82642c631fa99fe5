"""Is a difference real? Paired tests of every strategy against doing nothing, on equal folds.

Called by :mod:`imbench.report.tables` for each block of strategies that met the same data set
and model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["better", "worse", "cannot be told"]
ALPHA = 0.05


@dataclass(frozen=True)
class TTest:
    """Corrected resampled t-test of paired differences.

    Parameters
    ----------
    n : int
        Pairs.
    mean : float
        NaN without a pair.
    low, high : float
        Limits of the 95 % interval, NaN where there is none.
    p_value : float
        Two-sided; NaN where it cannot be computed.
    """

    n: int
    mean: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """What can be said about one strategy against the baseline of its block.

    Parameters
    ----------
    test : TTest
        Of the gains, turned so that above 0 is better, whatever the metric's direction. Its
        interval stands for this strategy alone.
    p_holm : float
        The p-value after Holm's correction for the strategies of the block.
    verdict : {"better", "worse", "cannot be told"}
        From `p_holm` at 5 %.
    note : str
        Why there is no interval, or empty.
    """

    test: TTest
    p_holm: float
    verdict: Verdict
    note: str = ""


def corrected_t_test(
    differences: ArrayLike, test_train_ratio: float, confidence: float = 1 - ALPHA
) -> TTest:
    """Test whether the mean of paired fold differences is zero.

    Training parts of a cross-validation share rows, so fold differences are correlated and the
    plain t-test finds far too much. The variance of the mean is inflated to
    ``(1/n + n_test/n_train) * var(differences)``.

    Parameters
    ----------
    differences : array of shape (n,)
    test_train_ratio : float
        Rows of a test part over rows of a training part.
    confidence : float, default=0.95

    Notes
    -----
    All differences zero: difference 0, p = 1. All equal but not zero: p = 0 from three pairs
    on; two pairs are no evidence, because coarse metrics on small folds coincide by chance.

    References
    ----------
    Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52,
    doi:10.1023/A:1024068626366, section 3 (corrected resampled t-test).
    """
    from scipy import stats

    d: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    nan = float("nan")
    n = len(d)
    mean = float(d.mean()) if n else nan
    if n < 2:
        return TTest(n, mean, nan, nan, nan)
    sd = float(d.std(ddof=1))
    if sd <= 1e-12 * float(np.abs(d).max()):  # equal up to rounding; covers all zero
        if not d.any():
            return TTest(n, 0.0, 0.0, 0.0, 1.0)
        return TTest(n, mean, mean, mean, 0.0) if n > 2 else TTest(n, mean, nan, nan, nan)
    error = sd * float(np.sqrt(1 / n + test_train_ratio))
    p_value = 2 * float(stats.t.sf(abs(mean) / error, df=n - 1))
    reach = float(stats.t.ppf((1 + confidence) / 2, df=n - 1)) * error
    return TTest(n, mean, mean - reach, mean + reach, p_value)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that any false alarm among them is as rare as one is meant to be.

    Parameters
    ----------
    p_values : array of shape (m,)
        NaN values are no tests: they stay NaN and are not counted.

    References
    ----------
    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 6, 65-70.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def compare(gains: Mapping[str, Sequence[float]], test_train_ratio: float) -> dict[str, Comparison]:
    """Compare the strategies of one block with its baseline.

    Parameters
    ----------
    gains : mapping of str to sequence of float
        For each strategy its paired differences to the baseline on the folds that both have,
        above 0 where the strategy is better.
    test_train_ratio : float
    """
    tests = {name: corrected_t_test(d, test_train_ratio) for name, d in gains.items()}
    adjusted = holm([test.p_value for test in tests.values()])
    return {
        name: Comparison(test, float(p), _verdict(test, float(p)), _note(test))
        for (name, test), p in zip(tests.items(), adjusted, strict=True)
    }


def _verdict(test: TTest, p_holm: float) -> Verdict:
    if not p_holm < ALPHA:  # NaN as well
        return "cannot be told"
    return "better" if test.mean > 0 else "worse"


def _note(test: TTest) -> str:
    if test.n == 0:
        return "no fold shared with none"
    if test.n == 1:
        return "one fold: no interval"
    return "two equal differences: no interval" if np.isnan(test.p_value) else ""
