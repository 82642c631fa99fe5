"""Write docs/verdict.md; used by verdict_check.py."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
from verdict_coverage import GAIN, RARE_ROWS
from verdict_rates import ALLOWED, POWER, WRONG

from imbench.report.statistics.draws import N_DRAWS
from imbench.report.statistics.joint import CAUTION
from imbench.report.statistics.verdict import FEW_ROWS, LEVELS, PROBABLE, REPEATS_OF_FEW_ROWS

EFFECT_HEADS = ("data sets", "sd between them", "mean gain", "gain on a further data set")

METHOD = f"""## What the verdict says

Each strategy of a table is compared with a baseline, `none` unless `baseline` names another one.

| verdict | when |
| --- | --- |
| `better`, `worse` | the simultaneous 95 % interval of the gain leaves out 0 |
| `equal` | the interval lies inside the region of practical equivalence, `metrics.rope` |
| `probably better` (`worse`) | P(better) is at least {PROBABLE} (at most {1 - PROBABLE:.1f}) |
| `open` | else |

Interval, adjusted p-value, verdict and the group of the best come from one joint distribution, so
that they cannot contradict one another: the interval leaves out 0 exactly where the adjusted
p-value is below 0.05. `better` and `worse` are meant to hold for all strategies of a table at once:
in at most 5 % of tables without any difference there is one. `probably` has no such guarantee.

## Two targets

- **This table.** The mean gain on new rows of the same population, of models that are fitted on as
  many rows of this table, over seeds and splits. This is what someone with one table asks, and what
  the verdict is about.
- **The algorithm.** The same gain over new samples of the population. No method that sees one table
  can guarantee it, because how strategies differ from sample to sample does not show in one
  sample. The section on real populations counts how often a verdict about the table is wrong about
  the algorithm. Claims over several data sets are what the rankings of a report are for.

With a single fit on a hold-out the verdict is about the fitted models only. `splits.n_seeds=5`
refits them and puts the variance of training in.

## Method

D(r, f) is the metric of a strategy minus that of the baseline in fold f of repeat r; there are k
folds, R repeats, and every metric can be computed without a row.

1. A row's contribution is what the metric of its fold changes without it, relative to the mean of
   its class in the fold: h_ir = (m - m_without_i - mean) * sqrt((n_c - 1) / n_c) / k with n_c rows
   of the class in the fold (delete-one jackknife, stratified; Efron and Stein 1981). Rows of a
   group are added up, and a row of weight w counts as w rows.
2. A row counts once, however often it is tested: h_i is the mean over repeats. The variance by rows
   is V = sum h_i^2, and the covariance of strategies is the sum of products.
3. What D varies between folds beyond the sum of h_ir^2 is the variance by fits. Its ratio to the
   latter is drawn half way to the mean of the table, is at least 0, and counts 1 / R.
4. The sum of both times {CAUTION} is the variance of the mean gain; the factor is for training
   parts that share rows. The variance by rows is at least 2 * (gain / n)^2 with n rows of the
   rarest class.
5. Degrees of freedom are Satterthwaite's (1946): 2 V^2 / (sum h_i^4 - V^2 / n) for the rows,
   2 (k - 1) R for the fits.
6. Gain over error, as a normal value of the same tail, is compared with the largest absolute value
   of normal variables of the strategies' correlation ({N_DRAWS:,} draws; Hothorn, Bretz and
   Westfall 2008). The group of the best takes all pairs (Tukey).
7. P(better) takes gains as normal of mean 0, with the variance that the gains of the table have
   beyond their errors.

Strategies of equal values are not tested. Below {FEW_ROWS} rare rows a fold a verdict needs
{REPEATS_OF_FEW_ROWS} repeats. With `splits.n_repeats=auto` a table is looked at after
{", ".join(map(str, LEVELS))} repeats, at levels of {", ".join(map(str, LEVELS.values()))}.
The old test is the corrected resampled t-test (Nadeau and Bengio 2003) of D with Holm's adjustment,
on at least five folds.
"""


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    table = [list(heads), ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in table)


LIMITS = """## Limits

- Rates are known as well as their exact intervals say, not better.
- Few rare rows make tests careful rather than wrong: with 3 rare rows a fold intervals are wide.
- The group of the best compares all pairs, far in the tails. Where few rows make up a metric, as in
  the log loss of trees, it leaves strategies out in more than 5 % of null tables (see above).
- An unlucky sample is unlucky for all strategies of the table. Wrong calls come in clusters,
  because every repeat tests the same rows.
- The truth of real populations is a metric on thousands of rows, that of a table a mean over folds
  of ten rare rows. F1 and average precision of small folds have a small bias, which mostly cancels
  in differences.
- The old test is about the algorithm in theory. The table above says how often both miss it.
- A user-defined metric is known by 60 parts of the rows only, and its rows are not averaged over
  repeats, which is careful.
- Wilson's interval of a recall counts rows only: it leaves out that another fit would find others.
"""


def page(parts: Mapping[str, Any], n_tables: int, n_samples: int, reasons: Sequence[str]) -> str:
    """Return docs/verdict.md."""
    import scipy
    import sklearn

    outcome = "every reach is met" if not reasons else "missed: " + "; ".join(reasons)
    return f"""# Does the verdict hold?

Made by `python scripts/verdict_check.py --tables {n_tables} --samples {n_samples}`;
Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__},
scikit-learn {sklearn.__version__}. Result: {outcome}.

{METHOD}
{_nulls(parts, n_tables)}
{_power(parts, n_tables)}
{_coverage(parts, n_tables)}
{_populations(parts, n_samples)}
{LIMITS}"""


def _nulls(parts: Mapping[str, Any], n_tables: int) -> str:
    """Return the section on null tables."""
    heads = (
        "null tables", "metric", "any better", "any interval without 0", "any told from the best",
        "any probably better", "old test, any better",
    )  # fmt: skip
    return f"""## Tables in which nothing is to be found

Every table is a data set of its own, fitted anew; {n_tables} of each kind. "Other seeds": all
strategies are one pipeline, differently seeded. "Permuted over labels": nine settings of real
effect (models, class weights, thresholds), whose names are drawn by lot in each fold; "over test
rows": for each row, which is a null about the fitted models. Groups are of three equal rows, and
weights are exponential. The check fails where the exact 95 % interval of a rate of any `better`
lies above {100 * ALLOWED:.0f} %. "Any interval without 0" counts `worse` as well: it is what
simultaneous intervals miss.

{markdown(heads, parts["nulls"])}

Looks after {", ".join(map(str, LEVELS))} repeats, where strategies that are told stop:

{markdown(("null tables", "metric", "any better at any look"), parts["looks"])}
"""


def _power(parts: Mapping[str, Any], n_tables: int) -> str:
    """Return the section on planted gains."""
    reach = ", ".join(f"{100 * share:.0f} % for {gain}" for gain, share in POWER.items())
    calls = ("better", "better or probably", "old test")
    return f"""## Power

In one strategy of eight a share of the rare rows that it missed is put right: labels, and scores by
exchanging the two probabilities; {n_tables} tables each, 50 rare rows of 1,000. The strategies of a
table have other seeds than `none`, so that these differences are noisier than those of strategies
that share its seeds. The check fails below {reach} (tree, 5 x 3).

![Power over the planted gain](images/verdict-power.png)

{markdown(("tables", "gain in macro F1", *calls), parts["at_gains"])}

{markdown(("tables", "share put right", "mean gain", *calls), parts["power"])}
"""


def _coverage(parts: Mapping[str, Any], n_tables: int) -> str:
    """Return the section on intervals of metrics."""
    return f"""## Intervals of metrics

Scores are drawn from normal distributions, five folds, {2 * n_tables} tables each; the truth is the
mean over all of them. Intervals are of 95 %; the mean width is in brackets. An interval that does
not exist counts as one that misses.

![Coverage over the rare rows of a fold](images/verdict-coverage.png)

{markdown(("metric", *(f"{n} rare rows a fold" for n in RARE_ROWS)), parts["coverage"])}

Gains over several data sets: drawn with a mean of {GAIN}, a standard deviation between data sets
and errors of 0.01 to 0.04. Covered are the mean, by its interval, and the gain on a further data
set, by the prediction interval.

{markdown(EFFECT_HEADS, parts["effects"])}
"""


def _populations(parts: Mapping[str, Any], n_samples: int) -> str:
    """Return the section on real populations."""
    if not parts["names"]:
        return "## Real populations\n\nLeft out: `IMBENCH_DATA` holds no population.\n"
    names = fill(", ".join(parts["names"]) + ".", 100)
    heads = (
        "folds", "metric", "comparisons", "told rightly", "better: right / wrong",
        "worse: right / wrong", "probably: right", "old test, better: right / wrong",
        "intervals that hold the truth",
    )  # fmt: skip
    targets = ("folds", "verdict", "better", "wrong about this table", "wrong about the algorithm")
    return f"""## Real populations

Samples of 1,000 rows with 50 rare ones, {n_samples} of each of
{names}
A logistic regression and a tree, with weights, a threshold of 0.05, random over- and under-sampling
and SMOTE, are compared with `none`. The truth is the same difference on up to 10,000 other rows, a
mean over the fits. Rankings of a moved threshold are those of `none` and are left out. "Told
rightly" counts right `better`, `worse` and `equal` among all comparisons. The check fails where
wrong `better` lie above {100 * WRONG:.0f} % of the comparisons.

{markdown(heads, parts["populations"])}

The algorithm's truth is the mean over the samples of a population, so that it is known with error
itself:

{markdown(targets, parts["targets"])}
"""
