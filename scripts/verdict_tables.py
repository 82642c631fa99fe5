"""Simulate tables without any gain, or with a known one; used by verdict_check.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.seeding import derive
from imbench.results.fold import FoldResult

METRICS = ("f1_macro", "recall_rare", "average_precision", "log_loss")
PLANTED = (0.1, 0.2, 0.3, 0.4, 0.6)  # share of the missed rare rows put right
Table = list[list[FoldResult]]  # folds of each strategy, the first being `none`
Place = tuple[int, int, NDArray[np.int64], NDArray[np.int64]]  # repeat, fold, training, test rows


@dataclass(frozen=True)
class Condition:
    """One kind of null table.

    Parameters
    ----------
    name : str
    make : callable
        Called with the condition and a seed; returns the table.
    n_splits, n_repeats : int
        One split is a hold-out of half the rows, fitted once for each repeat.
    n_rows, n_minority, n_classes : int
        Of the data set, which is drawn anew for every table.
    n_strategies : int
        Beside ``none``.
    power : bool
        Whether gains are planted too.
    looks : bool
        Whether the same tables are also judged after 1, 3 and all repeats, told strategies
        stopping.
    rows_in_group : int
        Rows that are equal and stay together; 1 without groups.
    weighted : bool
        Whether test rows have weights.
    """

    name: str
    make: Callable[[Condition, int], Table]
    n_splits: int = 5
    n_repeats: int = 1
    n_rows: int = 1000
    n_minority: int = 50
    n_classes: int = 2
    n_strategies: int = 8
    power: bool = False
    looks: bool = False
    rows_in_group: int = 1
    weighted: bool = False

    @property
    def folds(self) -> str:
        """``5 x 3`` folds, or a hold-out."""
        if self.n_splits > 1:
            return f"{self.n_splits} x {self.n_repeats}"
        fits = "1 fit" if self.n_repeats == 1 else f"{self.n_repeats} fits"
        return f"hold-out, {fits}"

    @property
    def words(self) -> str:
        """For the table of the page."""
        classes = f" of {self.n_classes} classes" if self.n_classes > 2 else ""
        return (
            f"{self.name}; {self.n_minority} of {self.n_rows} rows{classes}, {self.folds}, "
            f"{self.n_strategies} strategies"
        )


def draw_data(condition: Condition, seed: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Draw a data set with exactly the wanted number of rows of the last, rarest class."""
    from sklearn.datasets import make_classification

    k, n, rare = condition.n_classes, condition.n_rows, condition.n_minority
    more = [3 * rare, 2 * rare, rare * 3 // 2][: k - 2]  # classes in between
    counts = [n - rare - sum(more), *more, rare]
    X, y = make_classification(
        n_samples=(k + 1) * n, n_features=8, n_informative=4, n_redundant=0, n_classes=k,
        n_clusters_per_class=2 if k == 2 else 1, class_sep=0.8, flip_y=0.05, random_state=seed,
    )  # fmt: skip
    size = condition.rows_in_group
    rows = np.concatenate(
        [np.flatnonzero(y == c)[: count // size] for c, count in enumerate(counts)]
    )
    rows = np.repeat(np.random.default_rng(seed).permutation(rows), size)
    return X[rows], y[rows].astype(np.int64)


def draw_folds(condition: Condition, y: NDArray[np.int64], seed: int) -> Iterator[Place]:
    """Yield repeat, fold, training rows and test rows; groups are runs of equal rows."""
    from sklearn.model_selection import StratifiedKFold

    size = condition.rows_in_group
    within = np.arange(size)
    for repeat in range(condition.n_repeats):
        hold_out = condition.n_splits == 1
        split = derive(seed, "split", 0 if hold_out else repeat)
        splitter = StratifiedKFold(max(condition.n_splits, 2), shuffle=True, random_state=split)
        first = y[::size]
        for fold, parts in enumerate(splitter.split(first[:, None], first)):
            train, test = ((part[:, None] * size + within).ravel() for part in parts)
            yield repeat, fold, train, test
            if hold_out:
                break


def predict(
    condition: Condition, estimator: Any, X: NDArray[Any], y: NDArray[Any], place: Place,
    threshold: float = 0.5,
) -> FoldResult:  # fmt: skip
    """Fit on a fold and return its result; a threshold counts for two classes."""
    repeat, fold, train, test = place
    score = estimator.fit(X[train], y[train]).predict_proba(X[test])
    two = score.shape[1] == 2
    label = (score[:, 1] >= threshold).astype(np.int64) if two else score.argmax(axis=1)
    k = score.shape[1]
    weight = np.random.default_rng(len(y)).exponential(size=len(y))  # of a row, in all folds
    return FoldResult(
        run_id="", dataset="simulated", model="simulated", label="", repeat=repeat, fold=fold,
        status="ok", reason="", class_names=tuple(f"c{i}" for i in range(k)), minority=k - 1,
        n_train=len(train), counts_before=tuple(np.bincount(y[train], minlength=k).tolist()),
        test_index=test, y_true=y[test], y_score=score, y_pred=label,
        test_group=test // condition.rows_in_group if condition.rows_in_group > 1 else test[:0],
        test_weight=weight[test] if condition.weighted else np.empty(0),
    )  # fmt: skip


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


def bootstrapped_regression(seed: int) -> Any:
    """Return a balanced logistic regression on a bootstrap of half the size."""
    from sklearn.ensemble import BaggingClassifier
    from sklearn.linear_model import LogisticRegression

    return BaggingClassifier(
        LogisticRegression(class_weight="balanced"), 1, max_samples=0.5, random_state=seed
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
        return [
            [
                predict(condition, pipeline(derive(seed, str(label), *axis)), X, y, place)
                for place, axis in zip(places, axes, strict=True)
            ]
            for label in range(condition.n_strategies + 1)
        ]

    return make


def real_settings() -> list[tuple[Callable[[], Any], float]]:
    """Return nine models with thresholds, which have real gains over one another."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    return [
        *((LogisticRegression, threshold) for threshold in (0.5, 0.2, 0.1, 0.05)),
        *((lambda: LogisticRegression(class_weight="balanced"), t) for t in (0.5, 0.8)),
        *((GaussianNB, threshold) for threshold in (0.5, 0.2)),
        (lambda: tree(0), 0.5),
    ]


def permuted(condition: Condition, seed: int) -> Table:
    """Make a table of settings with real gains, whose names are drawn by lot in each fold."""
    X, y = draw_data(condition, seed)
    rng = np.random.default_rng(seed)
    settings = real_settings()[: condition.n_strategies + 1]
    table: Table = [[] for _ in settings]
    for place in draw_folds(condition, y, seed):
        for label, i in enumerate(rng.permutation(len(settings))):
            make, threshold = settings[i]
            table[label].append(predict(condition, make(), X, y, place, threshold))
    return table


def permuted_rows(condition: Condition, seed: int) -> Table:
    """Make a table of settings with real gains, whose names are drawn by lot for each test row.

    The null holds for the fitted models themselves, which is what one fit can tell about.
    """
    X, y = draw_data(condition, seed)
    rng = np.random.default_rng(seed)
    settings = real_settings()[: condition.n_strategies + 1]
    table: Table = [[] for _ in settings]
    for place in draw_folds(condition, y, seed):
        folds = [predict(condition, make(), X, y, place, t) for make, t in settings]
        lots = rng.permuted(np.tile(np.arange(len(folds)), (len(place[3]), 1)), axis=1)
        score, label = (
            np.stack([getattr(f, name) for f in folds], axis=1) for name in ("y_score", "y_pred")
        )
        rows = np.arange(len(lots))
        for i, own in enumerate(table):
            taken = rows, lots[:, i]
            own.append(replace(folds[0], y_score=score[taken], y_pred=label[taken]))
    return table


def plant(table: Sequence[list[FoldResult]], share: float, seed: int) -> Table:
    """Correct a share of the rare rows that the first strategy missed."""
    none, first, *others = table
    rng = np.random.default_rng(seed)
    folds = []
    for f in first:
        missed = np.flatnonzero((f.y_true == 1) & (f.y_pred == 0))
        found = missed[rng.random(len(missed)) < share]
        y_pred, y_score = f.y_pred.copy(), f.y_score.copy()
        y_pred[found] = 1
        y_score[found] = np.sort(y_score[found], axis=1)  # the larger probability to the rare class
        folds.append(replace(f, y_pred=y_pred, y_score=y_score))
    return [none, folds, *others]


TREES, BAYES = other_seeds(tree), other_seeds(undersampled_bayes)
CONDITIONS = (
    Condition("tree, other seeds", TREES, power=True),
    Condition("tree, other seeds", TREES, n_repeats=3, power=True),
    Condition("tree, other seeds", TREES, n_repeats=10, n_strategies=4, looks=True),
    Condition("tree, other seeds", TREES, n_rows=300, n_minority=15, n_strategies=20),
    Condition("tree, other seeds", TREES, n_rows=300, n_minority=15, n_repeats=3),
    Condition("tree, other seeds", TREES, n_minority=200),
    Condition("tree, one other seed for all folds", other_seeds(tree, per_fold=False)),
    Condition("naive Bayes, undersampled", BAYES, power=True),
    Condition("naive Bayes, undersampled", BAYES, n_repeats=3, power=True),
    Condition("logistic regression on bootstraps", other_seeds(bootstrapped_regression)),
    Condition("settings permuted over labels", permuted),
    Condition("settings permuted over labels", permuted, n_repeats=3),
    Condition("tree, other seeds", TREES, n_minority=40, n_classes=5),
    Condition("settings permuted over labels", permuted, n_minority=40, n_classes=5),
    Condition(
        "settings permuted over test rows", permuted_rows, n_splits=1, n_rows=2000, n_minority=100
    ),
    Condition(
        "settings permuted over test rows", permuted_rows, n_splits=1, n_rows=400, n_minority=30
    ),
    Condition("tree, other seeds", TREES, n_splits=1, n_repeats=5, n_rows=2000, n_minority=100),
    Condition(
        "tree, other seeds, rows in groups of 3", TREES, n_rows=3000, n_minority=150,
        rows_in_group=3,
    ),
    Condition("tree, other seeds, weighted rows", TREES, weighted=True),
)  # fmt: skip
