"""Check the verdict: how often a table without any gain says "beats doing nothing".

python scripts/verdict_check.py             the whole check; writes docs/verdict.md and its picture
python scripts/verdict_check.py --smoke     a few tables of one condition; writes nothing

Tables are made from real fits and judged by the code that judges a user's table. In a null table
no strategy changes anything: each is the same pipeline with other seeds, or carries predictions
of a strategy drawn by lot in each fold. A false alarm is a null table in which any strategy is
"better" than `none`. The check fails (exit code 1) where more than 5 % of the null tables hold
one, or where more than 5 % leave any strategy out of the group that cannot be told from the best.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from verdict_tables import (
    CONDITIONS,
    METRICS,
    PLANTED,
    RIVALS,
    Condition,
    Look,
    best_pairs_alone,
    judged_by,
    look,
)

from imbench.components.seeding import derive
from imbench.report import comparisons

DOC = Path(__file__).parents[1] / "docs" / "verdict.md"
PICTURE = DOC.parent / "images" / "verdict-power.png"
ALLOWED = 0.05
EXACT_NULLS = 2000
EXACT_WORDS = "normal values of correlation 0.2; 5 folds, 8 strategies and none"


def run(condition: Condition, n_tables: int, n_jobs: int = 1) -> list[Look]:
    """Judge many tables of a condition, each of its own data set."""
    from joblib import Parallel, delayed

    seeds = [derive(0, "verdict", condition.words, i) for i in range(n_tables)]
    return list(Parallel(n_jobs=n_jobs)(delayed(look)(condition, s) for s in seeds))


def interval(count: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a rate (Clopper and Pearson)."""
    from scipy.stats import binomtest

    limits = binomtest(count, n).proportion_ci(method="exact")
    return float(limits.low), float(limits.high)


def rate_text(count: int, n: int) -> str:
    """``3 of 250, 1.2 % [0.2, 3.5]``."""
    low, high = interval(count, n)
    return f"{count} of {n}, {100 * count / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def too_many(count: int, n: int) -> bool:
    """Whether the check fails on this many false alarms."""
    return count > ALLOWED * n


def exact_null(n_tables: int, lost: Callable[[NDArray[np.float64], float], bool]) -> int:
    """Count false alarms where the assumption of the t-test holds exactly.

    Fold values of nine strategies on five folds are normal with the correlation 1 / 5 that
    Nadeau and Bengio assume.
    """
    rng = np.random.default_rng(0)
    count = 0
    for _ in range(n_tables):
        values = rng.normal(size=(9, 1)) * math.sqrt(0.2) + rng.normal(size=(9, 5)) * math.sqrt(0.8)
        count += lost(values, 0.25)
    return count


def any_better(values: NDArray[np.float64], ratio: float) -> bool:
    """Whether any strategy is better than the first one."""
    gains = {str(i): (v - values[0]).tolist() for i, v in enumerate(values[1:])}
    return any(c.verdict == "better" for c in comparisons.compare(gains, ratio).values())


def any_left_out(values: NDArray[np.float64], ratio: float) -> bool:
    """Whether any strategy is told from the best."""
    return not all(comparisons.among_best(values, int(values.mean(axis=1).argmax()), ratio))


def check_nulls(found: Mapping[Condition, Sequence[Look]]) -> tuple[list[list[str]], bool]:
    """Count the false alarms of every condition; lines for the page, and whether all hold."""
    lines, held = [], True
    for condition, looks in found.items():
        n = len(looks)
        alarms = sum(seen.null for seen in looks)  # (metrics, 2)
        for metric, counts in zip(METRICS, np.asarray(alarms).tolist(), strict=True):
            held &= not any(too_many(count, n) for count in counts)
            lines.append([condition.words, f"`{metric}`", *(rate_text(c, n) for c in counts)])
    n = EXACT_NULLS
    counts = [exact_null(n, any_better), exact_null(n, any_left_out)]
    held &= not any(too_many(count, n) for count in counts)
    return [*lines, [EXACT_WORDS, "-", *(rate_text(c, n) for c in counts)]], held


def check_rivals(found: Mapping[Condition, Sequence[Look]]) -> list[list[str]]:
    """Count the false alarms of verdicts that lack a rule; lines for the page."""
    lines = []
    for condition, looks in found.items():
        for name in condition.rivals:
            count = sum(seen.rivals[name] for seen in looks)
            place = f"{condition.words}, `{RIVALS[name].metric}`"
            lines.append([name, place, rate_text(count, len(looks))])
    return [*lines, *exact_rivals()]


def exact_rivals() -> list[list[str]]:
    """Count the same where the assumption of the t-test holds exactly, on five folds."""
    n, lines = EXACT_NULLS, []
    for name, rival in RIVALS.items():
        if not rival.adjust:
            with judged_by(compare=rival.compare):
                lines.append([name, EXACT_WORDS, rate_text(exact_null(n, any_better), n)])
    with judged_by(among_best=best_pairs_alone):
        count = exact_null(n, any_left_out)
    name = "group of the best, Holm over the best's own pairs"
    return [*lines, [name, EXACT_WORDS, rate_text(count, n)]]


def check_power(
    found: Mapping[Condition, Sequence[Look]],
) -> tuple[list[list[str]], dict[str, Any]]:
    """Average the planted tables; lines for the page, and the curves."""
    lines, curves = [], {}
    for condition, looks in found.items():
        if not condition.power:
            continue
        power, gain = np.mean([seen.power for seen in looks], axis=0).T  # (PLANTED,) each
        name = f"{condition.name}, {condition.n_splits} x {condition.n_repeats} folds"
        curves[name] = (gain, power)
        lines += [
            [name, f"{share:.2f}", f"{g:+.3f}", f"{100 * p:.0f} %"]
            for share, g, p in zip(PLANTED, gain, power, strict=True)
        ]
    return lines, curves


def draw(curves: Mapping[str, Any]) -> None:
    """Draw the power over the planted gain."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for i, (name, (gain, power)) in enumerate(curves.items()):
        axes.plot(
            gain, 100 * power, label=name, color=f"C{i // 2}", marker="o", markersize=4,
            linestyle="--" if i % 2 else "-",
        )  # fmt: skip
    axes.axhline(100 * ALLOWED, color="grey", linewidth=0.8)
    axes.set(
        xlabel=f"mean planted gain in {METRICS[0]}",
        ylabel="tables with the verdict better, %",
        ylim=(0, 102),
    )
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=130, metadata={"Software": None})
    plt.close(figure)


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    table = [list(heads), ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in table)


def page(
    n_tables: int,
    nulls: Sequence[Sequence[str]],
    rivals: Sequence[Sequence[str]],
    power: Sequence[Sequence[str]],
) -> str:
    """Return docs/verdict.md."""
    import scipy
    import sklearn

    return f"""# Does the verdict hold?

Made by `python scripts/verdict_check.py --tables {n_tables}`; Python {platform.python_version()},
numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}.

The verdict "better than doing nothing" is a corrected resampled t-test on fold differences, Holm's
adjustment over the strategies of the table, 5 %, and at least five folds. The group that cannot be
told from the best takes the same test over all pairs of the table.

## Tables in which nothing is to be found

Every table is a data set of its own, fitted anew. "Other seeds": all strategies are one pipeline,
differently seeded. "Permuted": nine settings of real effect (thresholds, class weights, other
models), whose names are drawn by lot in each fold. A false alarm is a table with any strategy
called better; the check fails above {100 * ALLOWED:.0f} % in any line. Intervals are exact, 95 %.

{markdown(("null tables", "metric", "any better than none", "any told from the best"), nulls)}

## Without a rule

Null tables judged by verdicts that lack a rule. On three folds equal or nearly equal differences of
a coarse metric make t huge; five are demanded for a distance from that, not because three folds
exceed 5 % here.

{markdown(("verdict", "null tables", "false alarms"), rivals)}

## Power

In one strategy of eight a share of the rare rows that it missed is put right: labels, and scores by
exchanging the two probabilities. {n_tables} tables each, 50 rare rows of 1,000, `{METRICS[0]}`; the
gain is the mean over the tables. The strategies of a table are fitted with other seeds than `none`,
so that these differences are noisier than those of strategies that share its seeds. The verdict is
careful: five folds tell large gains only, and repeats tell those more often.

![Power over the planted gain](images/{PICTURE.name})

{markdown(("tables", "share put right", "mean gain", "called better"), power)}
"""


def smoke(n_tables: int = 30, n_exact: int = 300) -> bool:
    """Judge a few tables; True if there are not more alarms than 5 % explain.

    The bound is the 99.9 % quantile of a binomial of 5 %.

    Parameters
    ----------
    n_tables : int
        Tables of real fits.
    n_exact : int
        Tables of normal values, which are cheap.
    """
    from scipy.stats import binom

    looks = run(replace(CONDITIONS[0], power=False, rivals=()), n_tables)
    fitted = np.asarray(sum(seen.null for seen in looks))[:, 0].tolist()
    counts = [(metric, count, n_tables) for metric, count in zip(METRICS, fitted, strict=True)]
    counts.append(("normal values, better", exact_null(n_exact, any_better), n_exact))
    counts.append(("normal values, left out", exact_null(n_exact, any_left_out), n_exact))
    held = True
    for name, count, n in counts:
        bound = int(binom.ppf(0.999, n, ALLOWED))
        held &= count <= bound
        print(f"{name}: {rate_text(count, n)}, at most {bound}")
    return held


def main() -> int:
    """Run the check; 1 if the verdict does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--tables", type=int, default=200, help="of each condition (default: 200)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    arguments = parser.parse_args()
    if arguments.smoke:
        return 0 if smoke() else 1
    if arguments.tables < 1:
        parser.error(f"--tables={arguments.tables}: must be at least 1")
    found = {}
    for condition in CONDITIONS:
        start = time.perf_counter()
        found[condition] = run(condition, arguments.tables, arguments.jobs)
        print(f"{condition.words}: {time.perf_counter() - start:.0f} s", flush=True)
    nulls, held = check_nulls(found)
    rivals = check_rivals(found)
    power, curves = check_power(found)
    for line in (*nulls, *rivals, *power):
        print(" | ".join(line))
    DOC.write_text(page(arguments.tables, nulls, rivals, power), encoding="utf-8")
    draw(curves)
    print(
        "The verdict holds." if held else "The verdict does not hold: more than 5 % false alarms."
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
