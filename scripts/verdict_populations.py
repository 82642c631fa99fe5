"""Judge samples of real populations whose large rest is the truth; used by verdict_check.py.

A sample has 1,000 rows with 50 rare ones. Every model that was fitted on 80 % of it is also
evaluated on the rest of the population, in the same share of rare rows. The mean of that over the
fits is the truth that a verdict about this table is right or wrong about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from verdict_judges import OPTIONS, evidence_of, old_better, told_of
from verdict_tables import CONDITIONS, draw_folds

from imbench.components.seeding import derive
from imbench.results.fold import FoldResult
from imbench.results.metric_formulas import weighted_metrics
from imbench.results.metrics import compute

METRICS = ("f1_macro", "recall_rare", "average_precision", "roc_auc", "log_loss")
SAMPLE, RARE = 1000, 50
REST = 10_000  # at most
FOLDS = replace(CONDITIONS[0], n_repeats=3)  # how samples are divided
TABLES: Mapping[str, tuple[str, str, str]] = {  # name: file, target, rare class
    "telco_churn": ("csv/telco-customer-churn.csv", "Churn", "Yes"),
    "cover": ("tables/adbench_cover.parquet", "outlier", "1"),
    "bank_marketing": ("tables/bank_marketing.parquet", "y", "yes"),
    "nass_cds": ("tables/nass_cds.csv", "dead", "dead"),
    "lending_club": ("tables/lending_club.csv", "Class", "bad"),
    "ai4i_failure": ("tables/ai4i_failure.csv", "Machine failure", "1"),
    "caravan": ("tables/caravan_coil2000.csv", "Purchase", "Yes"),
    "page_blocks0": ("keel/page-blocks0.dat", "", "positive"),
    "mnist_8": ("MNIST", "", "8"),
}


@dataclass(frozen=True)
class Call:
    """A verdict on a strategy of a sample, with the truth.

    Parameters
    ----------
    population, model, strategy, metric : str
    n_repeats : int
    verdict : str
    old_better : bool
        Whether the corrected t-test with Holm's adjustment said better.
    truth : float
        The true gain, positive for an improvement.
    covers : bool
        Whether the simultaneous interval holds it.
    """

    population: str
    model: str
    strategy: str
    metric: str
    n_repeats: int
    verdict: str
    old_better: bool
    truth: float
    covers: bool


@lru_cache(maxsize=1)
def load(name: str, data_dir: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return standardised numbers and labels of a population, 1 being the rare class."""
    import pandas as pd
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    path, target, rare = TABLES[name]
    if name == "mnist_8":
        raw = data_dir / "MNIST" / "raw"
        images = np.fromfile(raw / "train-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 784)
        y = np.fromfile(raw / "train-labels-idx1-ubyte", np.uint8)[8:] == int(rare)
        X = PCA(20, random_state=0).fit_transform(images[:30_000].astype(np.float32))
        return StandardScaler().fit_transform(X).astype(np.float64), y[:30_000].astype(np.int64)
    if path.endswith(".dat"):
        lines = (data_dir / path).read_text().splitlines()
        frame = pd.DataFrame([v.split(",") for v in lines if v and not v.startswith("@")])
        frame, target = frame.apply(lambda c: c.str.strip()), str(frame.columns[-1])
        frame.columns = [str(c) for c in frame.columns]
    elif path.endswith(".csv"):
        frame = pd.read_csv(data_dir / path, low_memory=False)
    else:
        frame = pd.read_parquet(data_dir / path)
    y = (frame.pop(target).astype(str) == rare).to_numpy(np.int64)
    columns = []
    for _, column in frame.items():
        number = pd.to_numeric(column, errors="coerce")
        if number.notna().mean() > 0.5:
            columns.append(number.fillna(number.median()).astype(np.float64))
        elif column.nunique() < 100:
            common = column.value_counts().index[:6]
            columns += [(column == value).astype(np.float64) for value in common]
    X = np.stack([c.to_numpy() for c in columns], axis=1)
    return StandardScaler().fit_transform(X), y


def available(data_dir: Path) -> list[str]:
    """Return the populations whose files are there."""
    return [name for name, (path, _, _) in TABLES.items() if (data_dir / path).exists()]


def models() -> dict[str, Any]:
    """Return the models."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    return {
        "logistic regression": LogisticRegression(max_iter=200),
        "tree": DecisionTreeClassifier(max_depth=6, min_samples_leaf=3),
    }


def strategies(seed: int) -> dict[str, Any]:
    """Return samplers by strategy; ``weights`` and ``threshold`` have none."""
    from imblearn.over_sampling import SMOTE, RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    return {
        "none": None, "weights": None, "threshold": None,
        "random_over": RandomOverSampler(random_state=seed),
        "random_under": RandomUnderSampler(random_state=seed),
        "smote": SMOTE(random_state=seed),
    }  # fmt: skip


def fit(model: Any, strategy: str, X: Any, y: Any, seed: int) -> tuple[Any, float]:
    """Fit a strategy; return the model and its threshold."""
    from sklearn.base import clone

    model = clone(model)
    if hasattr(model, "random_state"):
        model.set_params(random_state=seed % 2**32)
    sampler = strategies(seed % 2**32)[strategy]
    if sampler is not None:
        X, y = sampler.fit_resample(X, y)
    if strategy == "weights":
        model.set_params(class_weight="balanced")
    return model.fit(X, y), RARE / SAMPLE if strategy == "threshold" else 0.5


def judge_sample(name: str, data_dir: Path, number: int) -> list[Call]:
    """Draw a sample, fit all strategies on 5 x 3 folds, and judge after 5 x 1 and 5 x 3."""
    X, y = load(name, data_dir)
    rng = np.random.default_rng(derive(0, "population", name, number))
    rare, common = (rng.permutation(np.flatnonzero(y == c)) for c in (1, 0))
    sample = rng.permutation(np.concatenate([rare[:RARE], common[: SAMPLE - RARE]]))
    n_rest = min((len(rare) - RARE), (len(common) - SAMPLE + RARE) // 19, REST // 20)
    rest = np.concatenate(
        [rare[RARE : RARE + n_rest], common[SAMPLE - RARE : SAMPLE - RARE + 19 * n_rest]]
    )
    places = list(draw_folds(FOLDS, y[sample], number))
    calls = []
    for title, model in models().items():
        table, truth = [], []
        for strategy in strategies(0):
            folds, true = [], []
            for repeat, fold, train, test in places:
                seed = derive(number, name, title, repeat, fold)
                fitted, threshold = fit(model, strategy, X[sample][train], y[sample][train], seed)
                folds.append(_fold(fitted, threshold, X[sample], y[sample], repeat, fold, test))
                true.append(_truth(_fold(fitted, threshold, X, y, repeat, fold, rest)))
            table.append([replace(f, n_train=len(train)) for f in folds])
            truth.append(true)
        calls += _judge(table, np.array(truth), (name, title))
    return calls


def _fold(
    fitted: Any, threshold: float, X: Any, y: Any, repeat: int, fold: int, rows: Any
) -> FoldResult:
    score = fitted.predict_proba(X[rows])
    return FoldResult(
        run_id="", dataset="", model="", label="", repeat=repeat, fold=fold, status="ok",
        reason="", class_names=("c0", "c1"), minority=1, counts_before=(19, 1), test_index=rows,
        y_true=y[rows], y_score=score, y_pred=(score[:, 1] >= threshold).astype(np.int64),
    )  # fmt: skip


def _truth(f: FoldResult) -> list[float]:
    ones = np.ones((1, len(f.y_true)))
    found = weighted_metrics(f.y_true, f.y_pred, f.y_score, ones, f.class_names, 1)
    return [float(found[metric][0]) for metric in METRICS]


def _judge(
    table: list[list[FoldResult]], truth: NDArray[np.float64], place: tuple[str, str]
) -> list[Call]:
    """Judge a table after one and three repeats; `truth` is of shape (S, folds, metrics)."""
    values = [[compute(fold, OPTIONS) for fold in folds] for folds in table]
    calls = []
    for n_repeats in (1, 3):
        n = 5 * n_repeats
        for k, metric in enumerate(METRICS):
            evidence = evidence_of([f[:n] for f in table], [v[:n] for v in values], metric)
            old = old_better(evidence, 0.25)
            true = evidence.sign * (truth[:, :n, k] - truth[0, :n, k]).mean(axis=1)
            for i, comparison in enumerate(told_of(evidence)):
                covers = comparison.low <= true[i + 1] <= comparison.high
                name = list(strategies(0))[i + 1]
                calls.append(
                    Call(*place, name, metric, n_repeats, comparison.verdict, old[i],
                         float(true[i + 1]), bool(covers))
                )  # fmt: skip
    return calls
