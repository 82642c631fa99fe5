"""Count what the verdict tells on stored results, beside the corrected t-test.

python scripts/verdict_told.py RUNS [RUNS ...]     one line a folder and metric, as Markdown

Every strategy is compared with `none` on the folds that both have. The old test is the corrected
resampled t-test with Holm's adjustment over the strategies of a table, on at least five folds.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from verdict_page import markdown

from imbench.errors import DataError
from imbench.report.board import Block
from imbench.report.statistics.ttest import ALPHA, corrected_t_test, holm
from imbench.report.statistics.verdict import VERDICTS
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions
from imbench.results.store import Store

METRICS = ("f1_macro", "roc_auc", "average_precision", "log_loss")
HEADS = ["results", "metric", "compared", *VERDICTS, "old test: better", "worse", "untold"]
MIN_FOLDS = 5


def old_verdicts(block: Block, metric: str, sign: float) -> Iterator[str]:
    """Yield what the corrected t-test tells of each compared row of a block."""
    rows = [row for row in block.rows if row.comparison is not None]
    base = next(row for row in block.rows if row.title == block.baseline)
    known = {(f.repeat, f.fold): f.metrics[metric] for f in base.folds}
    tests = []
    for row in rows:
        pairs = [
            (sign * (f.metrics[metric] - known[f.repeat, f.fold]), f.n_test / f.n_train)
            for f in row.folds
            if (f.repeat, f.fold) in known
        ]
        gains = [(gain, ratio) for gain, ratio in pairs if not np.isnan(gain)]
        values, ratios = map(list, zip(*gains, strict=True)) if gains else ([], [0.25])
        tests.append(corrected_t_test(values, float(np.mean(ratios))))
    p = holm([t.p_value if t.n >= MIN_FOLDS else np.nan for t in tests])
    for test, adjusted in zip(tests, p, strict=True):
        yield "untold" if not adjusted < ALPHA else "better" if test.mean > 0 else "worse"


def count(runs: Path) -> Iterator[list[str]]:
    """Yield the lines of one results folder."""
    cells = [c for c in Store(runs.parent, runs).read_cells() if not isinstance(c, DataError)]
    for metric in METRICS:
        options = MetricOptions(columns=(metric,), sort=metric)
        board = build_leaderboard(cells, options)
        sign = 1.0 if options.higher_is_better(metric) else -1.0
        new: Counter[str] = Counter()
        old: Counter[str] = Counter()
        for block in board.blocks:
            if block.baseline:
                new.update(row.comparison.verdict for row in block.rows if row.comparison)
                old.update(old_verdicts(block, metric, sign))
        counts = [new[verdict] for verdict in VERDICTS]
        counts += [old[verdict] for verdict in ("better", "worse", "untold")]
        yield [runs.parent.name, metric, str(sum(new.values())), *map(str, counts)]


def main() -> int:
    """Print the table."""
    folders = [Path(word) for word in sys.argv[1:]]
    if not folders:
        print(__doc__, file=sys.stderr)
        return 2
    print(markdown(HEADS, [line for runs in folders for line in count(runs)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
