"""Statistics of differences between strategies. They take arrays and can be used on their own.

- ``ttest``: the corrected resampled t-test and Holm's adjustment;
- ``bayes``: posteriors with a region of practical equivalence, on one or several data sets;
- ``verdict``: verdicts against a baseline, and strategies that cannot be told from the best;
- ``intervals``: Wilson's interval of recalls and bootstrap intervals of all metrics;
- ``across``: average ranks, Friedman's, Nemenyi's and Wilcoxon's tests over data sets.
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
