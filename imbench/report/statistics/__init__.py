"""Statistics of differences between strategies. They take arrays and can be used on their own.

- ``contributions``: what each test row contributes to the error of a metric;
- ``evidence``: the metric of all strategies, by fold and by row;
- ``joint``: all differences of a table from one joint distribution; ``draws``: its tails;
- ``verdict``: intervals, p-values and verdicts against a baseline, and the group of the best;
- ``intervals``: intervals of metrics, and Wilson's of recalls;
- ``across``, ``random_effects``: ranks, rank tests and mean gains over data sets;
- ``bayes``, ``ttest``: the signed-rank posterior, and the corrected resampled t-test.
"""
