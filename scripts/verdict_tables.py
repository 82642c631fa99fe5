"""Simulate tables without any gain, or with a known one; used by verdict_check.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from imbench.components.seeding import derive
from imbench.report import comparisons, tables
from imbench.report.board import BASELINE
from imbench.report.statistics import ALPHA, Comparison, corrected_t_test, holm
from imbench.report.statistics.ttest import pairwise_p_values
from imbench.results.fold import CellResult, FoldResult
from imbench.results.metric_options import MetricOptions
from imbench.results.metrics import compute

METRICS = ("f1_macro", "recall/rare", "average_precision")
PLANTED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)  # share of the missed rare rows put right
Table = list[CellResult]
Fitted = dict[str, list[FoldResult]]


@dataclass(frozen=True)
class Condition:
    """One kind of null table.

    Parameters
    ----------
    name : str
    make : callable
        Called with the condition and a seed; returns the cells, the first being ``none``.
    n_splits, n_repeats : int
    n_rows, n_minority : int
        Of the data set, which is drawn anew for every table.
    n_strategies : int
        Beside ``none``.
    power : bool
        Whether gains are planted too.
    rivals : tuple of str
        Verdicts of :data:`RIVALS` that judge the null tables as well.
    """

    name: str
    make: Callable[[Condition, int], Table]
    n_splits: int = 5
    n_repeats: int = 1
    n_rows: int = 1000
    n_minority: int = 50
    n_strategies: int = 8
    power: bool = False
    rivals: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """For the table of the page."""
        return (
            f"{self.name}; {self.n_minority} of {self.n_rows} rows, "
            f"{self.n_splits} x {self.n_repeats} folds, {self.n_strategies} strategies"
        )


def draw_data(condition: Condition, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Draw a data set with exactly the wanted number of rare rows, label 1."""
    from sklearn.datasets import make_classification

    X, y = make_classification(
        n_samples=3 * condition.n_rows, n_features=8, n_informative=4, n_redundant=0,
        class_sep=0.8, flip_y=0.05, random_state=seed,
    )  # fmt: skip
    n_major = condition.n_rows - condition.n_minority
    rows = np.concatenate(
        [np.flatnonzero(y == 0)[:n_major], np.flatnonzero(y == 1)[: condition.n_minority]]
    )
    rows = np.random.default_rng(seed).permutation(rows)
    return X[rows], y[rows].astype(np.int64)


def draw_folds(
    condition: Condition, y: NDArray[np.int64], seed: int
) -> Iterator[tuple[int, int, NDArray[np.int64], NDArray[np.int64]]]:
    """Yield repeat, fold, training rows and test rows."""
    from sklearn.model_selection import StratifiedKFold

    for repeat in range(condition.n_repeats):
        splitter = StratifiedKFold(
            condition.n_splits, shuffle=True, random_state=derive(seed, "split", repeat)
        )
        for fold, (train, test) in enumerate(splitter.split(y[:, None], y)):
            yield repeat, fold, train, test


def predict(estimator: Any, X: NDArray[Any], y: NDArray[Any], place: Any, threshold: float) -> Any:
    """Fit on a fold and return its result, still without a name."""
    repeat, fold, train, test = place
    score = estimator.fit(X[train], y[train]).predict_proba(X[test])
    return FoldResult(
        run_id="", dataset="simulated", model="simulated", label="", repeat=repeat, fold=fold,
        status="ok", reason="", class_names=("common", "rare"), minority=1, n_train=len(train),
        test_index=test, y_true=y[test], y_score=score,
        y_pred=(score[:, 1] >= threshold).astype(np.int64),
    )  # fmt: skip


def cells_of(fitted: Fitted) -> Table:
    """Make the cells of a table, as the runner would have."""
    return [
        CellResult(
            run_id=label, dataset="simulated", model="simulated", label=label, stages=(),
            status="ok", reason="", n_folds=len(folds), config={},
            folds=tuple(replace(f, run_id=label, label=label) for f in folds),
        )
        for label, folds in fitted.items()
    ]  # fmt: skip


def labels_of(condition: Condition) -> list[str]:
    """Return the baseline and the strategies."""
    return [BASELINE, *(f"strategy{i}" for i in range(condition.n_strategies))]


def tree(seed: int) -> Any:
    """Return a tree that looks at a random half of the columns in each node."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=6, max_features=4, random_state=seed)


def undersampled_bayes(seed: int) -> Any:
    """Return naive Bayes on a random third of the majority."""
    from imblearn.pipeline import make_pipeline
    from imblearn.under_sampling import RandomUnderSampler
    from sklearn.naive_bayes import GaussianNB

    return make_pipeline(
        RandomUnderSampler(sampling_strategy=1 / 3, random_state=seed), GaussianNB()
    )


def other_seeds(
    pipeline: Callable[[int], Any], per_fold: bool = True
) -> Callable[[Condition, int], Table]:
    """Make tables in which every strategy is the same pipeline with other seeds.

    Parameters
    ----------
    pipeline : callable
        From a seed to an estimator.
    per_fold : bool
        Whether a strategy draws a seed for each fold, as imbench does, or one for all.
    """

    def make(condition: Condition, seed: int) -> Table:
        X, y = draw_data(condition, seed)
        places = list(draw_folds(condition, y, seed))
        axes = [(p[0], p[1]) if per_fold else () for p in places]
        return cells_of(
            {
                label: [
                    predict(pipeline(derive(seed, label, *axis)), X, y, place, 0.5)
                    for place, axis in zip(places, axes, strict=True)
                ]
                for label in labels_of(condition)
            }
        )

    return make


def permuted(condition: Condition, seed: int) -> Table:
    """Make a table of strategies with real gains, whose names are drawn by lot in each fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    real: list[tuple[Callable[[], Any], float]] = [
        *((LogisticRegression, threshold) for threshold in (0.5, 0.2, 0.1, 0.05)),
        *((lambda: LogisticRegression(class_weight="balanced"), t) for t in (0.5, 0.8)),
        *((GaussianNB, threshold) for threshold in (0.5, 0.2)),
        (lambda: tree(0), 0.5),
    ]
    X, y = draw_data(condition, seed)
    rng = np.random.default_rng(seed)
    fitted: Fitted = {label: [] for label in labels_of(condition)}
    for place in draw_folds(condition, y, seed):
        for label, i in zip(fitted, rng.permutation(len(real)), strict=True):
            make, threshold = real[i]
            fitted[label].append(predict(make(), X, y, place, threshold))
    return cells_of(fitted)


def judge(cells: Table, metric: str) -> tuple[bool, bool, bool, float]:
    """Judge a table as a user's table is judged.

    Returns
    -------
    alarm : bool
        Whether any strategy is better than doing nothing.
    left_out : bool
        Whether any is told from the best.
    found : bool
        Whether the first strategy is better than doing nothing.
    gain : float
        Its mean gain.
    """
    rows = tables.build_leaderboard(cells, MetricOptions(sort=metric, columns=(metric,))).rows
    first = next(row for row in rows if row.label == "strategy0")
    assert first.comparison is not None
    return (
        any(row.beats_baseline for row in rows),
        not all(row.among_best for row in rows),
        first.beats_baseline,
        first.comparison.test.mean,
    )


def plant(cells: Table, share: float, seed: int) -> Table:
    """Correct a share of the rare rows that the first strategy missed."""
    none, first, *others = cells
    rng = np.random.default_rng(seed)
    folds = []
    for f in first.folds:
        missed = np.flatnonzero((f.y_true == 1) & (f.y_pred == 0))
        found = missed[rng.random(len(missed)) < share]
        y_pred, y_score = f.y_pred.copy(), f.y_score.copy()
        y_pred[found] = 1
        y_score[found] = np.sort(y_score[found], axis=1)  # the larger probability to the rare class
        folds.append(replace(f, y_pred=y_pred, y_score=y_score))
    return [none, replace(first, folds=tuple(folds)), *others]


@dataclass(frozen=True)
class Rival:
    """A verdict that lacks rules, to show that the check notices.

    Parameters
    ----------
    metric : str
    correct : bool
        Correct the variance for shared training rows; otherwise it is the plain t-test.
    adjust : bool
        Adjust for the number of strategies. The rule of five folds is left out in any case.
    """

    metric: str
    correct: bool
    adjust: bool

    def compare(
        self, gains: Mapping[str, Sequence[float]], ratio: float, rope: float = 0.0, same: Any = ()
    ) -> dict[str, Comparison]:
        """Stand in for :func:`imbench.report.statistics.compare`."""
        ratio = ratio if self.correct else 0.0
        tests = {name: corrected_t_test(d, ratio) for name, d in gains.items()}
        p = [t.p_value for t in tests.values()]
        return {
            name: Comparison(t, q, "better" if q < ALPHA and t.mean > 0 else "cannot be told")
            for (name, t), q in zip(tests.items(), holm(p) if self.adjust else p, strict=True)
        }


def best_pairs_alone(values: Any, best: int, ratio: float) -> list[bool]:
    """Compare with the best by Holm over its own pairs alone: a group that lacks a rule."""
    return [not p < ALPHA for p in holm(pairwise_p_values(values, ratio)[best])]


@contextmanager
def judged_by(**functions: Any) -> Iterator[None]:
    """Replace functions of the verdict inside of a ``with`` block."""
    with mock.patch.multiple(comparisons, **functions):
        yield


RIVALS = {
    "plain t-test, no adjustment": Rival("f1_macro", correct=False, adjust=False),
    "corrected t-test, no adjustment": Rival("f1_macro", correct=True, adjust=False),
    "corrected t-test, Holm, on three folds": Rival("recall/rare", correct=True, adjust=True),
}
CONDITIONS = (
    Condition(
        "tree, other seeds", other_seeds(tree), power=True,
        rivals=("plain t-test, no adjustment", "corrected t-test, no adjustment"),
    ),
    Condition("tree, other seeds", other_seeds(tree), n_repeats=3, power=True),
    Condition("tree, one other seed for all folds", other_seeds(tree, per_fold=False)),
    Condition("naive Bayes, undersampled", other_seeds(undersampled_bayes), power=True),
    Condition(
        "naive Bayes, undersampled", other_seeds(undersampled_bayes), n_repeats=3, power=True
    ),
    Condition("gains permuted over labels", permuted),
    Condition("gains permuted over labels", permuted, n_repeats=3),
    Condition("tree, other seeds", other_seeds(tree), n_rows=300, n_minority=15, n_strategies=20),
    Condition(
        "tree, other seeds", other_seeds(tree), n_splits=3,
        rivals=("corrected t-test, Holm, on three folds",),
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Look:
    """What a table said.

    Parameters
    ----------
    null : ndarray of shape (len(METRICS), 2)
        0 or 1: whether any strategy was better than doing nothing, and any told from the best.
    power : ndarray of shape (len(PLANTED), 2)
        Of the first metric, with a planted gain: whether it was found, and its size.
    rivals : mapping of str to bool
        Whether the verdicts that lack a rule raised a false alarm.
    """

    null: NDArray[np.int64]
    power: NDArray[np.float64]
    rivals: Mapping[str, bool]


def look(condition: Condition, seed: int) -> Look:
    """Make a null table and judge it, with planted gains and by rivals where wanted."""
    cells = condition.make(condition, seed)
    planted = [plant(cells, share, seed) for share in PLANTED] if condition.power else []
    rivals = {}
    known: dict[int, Mapping[str, float]] = {}

    def compute_once(fold: FoldResult, options: MetricOptions) -> Mapping[str, float]:
        # The metrics of a fold do not depend on the one sorted by; they take most of the time.
        if id(fold) not in known:
            known[id(fold)] = compute(fold, options)
        return known[id(fold)]

    with mock.patch.object(tables, "compute", compute_once):
        null = [judge(cells, metric)[:2] for metric in METRICS]
        power = [judge(table, METRICS[0])[2:] for table in planted]
        for name in condition.rivals:
            with judged_by(compare=RIVALS[name].compare):
                rivals[name] = judge(cells, RIVALS[name].metric)[0]
    return Look(np.array(null, dtype=np.int64), np.array(power), rivals)
