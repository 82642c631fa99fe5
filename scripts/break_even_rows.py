"""Rows of the break-even curves: one fixed test set for each table, and nested training samples.

A file is written for each table. It has, in this order: the rare rows of the training pool, its
other rows, each rare row again with the other label, as many other rows again with the rare label,
and the test rows. :class:`Draws` picks training rows by their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from imbench.components.files import replacing
from imbench.data.dataset import Dataset
from imbench.data.splits import Fold

TEST_SHARE = 0.25
MOST_TEST = {True: 750, False: 4_000}  # rare rows and others: rare ones decide how sure a gain is
MOST_POOL = 60_000  # rows of the majority: more are not drawn
PART, WEIGHT = "part", "test_weight_{:g}"


@dataclass(frozen=True)
class Table:
    """A large table of two classes.

    Parameters
    ----------
    file : str
        Below the folder of the tables.
    target, rare, other : str
        Column of the classes, and their names.
    drop : tuple of str
        Columns to leave out.
    groups : str or None
        Column whose values stay on one side of the test set.
    """

    file: str
    target: str
    rare: str
    other: str
    drop: tuple[str, ...] = ()
    groups: str | None = None


# Left out: codes of diagnoses (over 700 each), a column of which 97 % is missing, survey weights.
TABLES = {
    "cover": Table("adbench_cover.parquet", "outlier", "1", "0"),
    "bank": Table("bank_marketing.parquet", "y", "yes", "no"),
    "diabetes": Table(
        "diabetes_readmission.parquet", "readmitted", "within30", "no",
        ("diag_1", "diag_2", "diag_3", "weight"), "patient_nbr",
    ),
    "nass": Table("nass_cds.csv", "dead", "dead", "alive", ("weight",)),
}  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """A written file, and how many training rows can be drawn from it.

    Parameters
    ----------
    path : Path
    n_rare, n_other : int
        Rows of the training pool.
    weights : tuple of str
        Columns of weights of test rows, one for each ratio.
    has_categories : bool
        Whether a feature is text.
    """

    path: Path
    n_rare: int
    n_other: int
    weights: tuple[str, ...] = ()
    has_categories: bool = False

    def gives(self, rare: int, ratio: float, noise: float) -> bool:
        """Return whether the pool has the rows of a setting.

        Examples
        --------
        >>> pool = Pool(Path("x.parquet"), n_rare=100, n_other=1000)
        >>> pool.gives(100, 10, 0), pool.gives(100, 11, 0), pool.gives(200, 2, 0)
        (True, False, False)
        """
        n_noise = n_flipped(self.n_rare, noise)
        return rare <= self.n_rare and round(rare * ratio) <= self.n_other - n_noise


def n_flipped(n_rare: int, noise: float) -> int:
    """Return how many of some rare rows have the other label, and as many others the rare one.

    Examples
    --------
    >>> [n_flipped(n, 0.1) for n in (9, 10, 25)]
    [0, 1, 2]
    """
    return int(n_rare * noise + 1e-9)


@dataclass(frozen=True)
class Draws:
    """Nested training samples of a file of :func:`write`, all tested on the same rows.

    The rare rows of 20 are among those of 50, and so are the others, at any ratio. So are labels.

    Parameters
    ----------
    n_seeds : int
        Draws. Each orders the pool anew.
    rare : int
        Rare rows.
    ratio : float
        Other rows for each.
    noise : float
        Share of the rare rows that change labels with as many other rows.
    n_rare, n_other : int
        Rows of the pool, see :class:`Pool`.
    """

    n_seeds: int
    rare: int
    ratio: float
    noise: float
    n_rare: int
    n_other: int

    @property
    def n_folds(self) -> int:
        """Number of draws."""
        return self.n_seeds

    @property
    def places(self) -> list[tuple[int, int]]:
        """Repeat and fold of each draw, in order."""
        return [(draw, 0) for draw in range(self.n_seeds)]

    def split(self, data: Dataset, seed: int) -> list[Fold]:
        """Return a fold for each draw; their test rows are those of the test set.

        Raises
        ------
        ValueError
            If the data set has no test set.
        """
        if data.test_index is None:
            raise ValueError("the data set has no test set.")
        tested = np.sort(data.test_index)
        return [Fold(r, f, self.train_index(seed, r), tested) for r, f in self.places]

    def train_index(self, seed: int, draw: int) -> NDArray[np.int64]:
        """Return the rows to train on, ascending, shape (rare + round(rare * ratio),).

        Examples
        --------
        >>> few, more = (Draws(1, n, 2, 0.1, n_rare=50, n_other=200) for n in (10, 20))
        >>> set(few.train_index(0, 0)) < set(more.train_index(0, 0)), len(more.train_index(0, 0))
        (True, 60)
        """
        rng = np.random.default_rng([seed, draw])
        order = rng.permutation(self.n_rare)
        others = self.n_rare + rng.permutation(self.n_other)
        # Which rows change labels depends on their place in the order, not on the sample's size.
        numbers = np.arange(1, self.n_rare + 1)
        changes = np.diff([n_flipped(n, self.noise) for n in (0, *numbers)]) > 0
        partners = rng.permutation(min(self.n_rare, self.n_other))[: changes.sum()]
        others = others[~np.isin(others - self.n_rare, partners)]
        rare = np.where(changes, self.n_rare + self.n_other + order, order)[: self.rare]
        n_changed = int(changes[: self.rare].sum())
        swapped = 2 * self.n_rare + self.n_other + partners[:n_changed]
        others = others[: round(self.rare * self.ratio) - n_changed]
        return np.sort(np.concatenate([rare, swapped, others])).astype(np.int64)


def write(name: str, tables: Path, results: Path, ratios: Sequence[float], seed: int = 0) -> Pool:
    """Write the file of a table, and return what it has.

    Parameters
    ----------
    name : str
        Of :data:`TABLES`.
    tables, results : Path
        Where the tables lie, and the folder of results, where the file goes into ``tables``.
    ratios : sequence of float
        The file gets a column of weights for each: 1 in training, and in the test set what makes
        the weight of the other class `ratio` times that of the rare class.
    seed : int
    """
    table = TABLES[name]
    source = tables / table.file
    frame = pd.read_parquet(source) if source.suffix == ".parquet" else pd.read_csv(source)
    frame = frame.drop(columns=list(table.drop))
    frame[table.target] = frame[table.target].astype(str)
    rng = np.random.default_rng(seed)
    frame = frame.iloc[rng.permutation(len(frame))]
    in_pool, is_test = set_apart(frame, table, rng)
    is_rare = (frame[table.target] == table.rare).to_numpy()
    rare, other = frame[in_pool & is_rare], frame[in_pool & ~is_rare][:MOST_POOL]
    test = frame[is_test]
    n_copies = min(len(rare), len(other))
    flipped = [
        rare.assign(**{table.target: table.other}),
        other[:n_copies].assign(**{table.target: table.rare}),
    ]
    whole = pd.concat([rare, other, *flipped, test], ignore_index=True)
    in_test = np.arange(len(whole)) >= len(whole) - len(test)
    whole[PART] = np.where(in_test, "test", "train")
    rare_in_test = int(is_rare[is_test].sum())
    for ratio in ratios:
        more = ratio * rare_in_test / (len(test) - rare_in_test)
        weight = np.where(whole[table.target] == table.rare, 1.0, more)
        whole[WEIGHT.format(ratio)] = np.where(in_test, weight, 1.0)
    path = results / "tables" / f"{name}.parquet"
    with replacing(path) as written:
        whole.to_parquet(written, index=False)
    features = frame.drop(columns=[table.target, *([table.groups] if table.groups else [])])
    has_categories = any(not is_numeric_dtype(kind) for kind in features.dtypes)
    weights = tuple(WEIGHT.format(ratio) for ratio in ratios)
    return Pool(path, len(rare), len(other), weights, has_categories)


def set_apart(
    frame: pd.DataFrame, table: Table, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows are the pool and which are tested, each of shape (n,).

    Rows stand in random order. Groups are not divided. What is set apart beyond the largest number
    of test rows is in neither.
    """
    is_rare = (frame[table.target] == table.rare).to_numpy()
    if table.groups is not None:
        group, _ = pd.factorize(frame[table.groups])
        apart = (rng.random(group.max() + 1) < TEST_SHARE)[group]
    else:
        apart = np.zeros(len(frame), dtype=bool)
        for label in (True, False):
            rows = np.flatnonzero(is_rare == label)
            apart[rows[: round(TEST_SHARE * len(rows))]] = True
    is_test = np.zeros(len(frame), dtype=bool)
    for label, most in MOST_TEST.items():
        is_test[np.flatnonzero(apart & (is_rare == label))[:most]] = True
    in_pool = ~apart if table.groups is not None else ~is_test
    return in_pool, is_test
