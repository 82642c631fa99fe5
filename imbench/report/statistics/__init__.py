"""Tests, posteriors and intervals: what can be said about differences of strategies.

- ``ttest``: the corrected resampled t-test, over pairs of rows, and Holm's adjustment;
- ``bayes``: posteriors with a region of practical equivalence, on one data set and over many;
- ``verdict``: what the table says about each strategy, and which cannot be told from the best;
- ``intervals``: Wilson's interval of a recall and the bootstrap of every metric;
- ``across``: ranks, Friedman, Nemenyi and Wilcoxon over data sets.

Nothing here knows files or cells; :mod:`imbench.report.tables` calls it with arrays.
"""

from imbench.report.statistics.bayes import Posterior, correlated_posterior, signed_rank_posteriors
from imbench.report.statistics.ttest import ALPHA, TTest, corrected_t_test, holm
from imbench.report.statistics.verdict import MIN_FOLDS, Comparison, Verdict, among_best, compare

__all__ = [
    "ALPHA",
    "MIN_FOLDS",
    "Comparison",
    "Posterior",
    "TTest",
    "Verdict",
    "among_best",
    "compare",
    "corrected_t_test",
    "correlated_posterior",
    "holm",
    "signed_rank_posteriors",
]
