"""Synthetic data with a signal and a chosen imbalance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.data.cache import from_files
from imbench.data.dataset import Dataset

MAX_NUMBERS = 10**9  # of a data set that is made in memory


def class_shares(ratio: float, n_classes: int) -> NDArray[np.float64]:
    """Return class shares that decrease geometrically, shape (n_classes,).

    The first is ``ratio`` times the last, and they sum to one.

    Examples
    --------
    >>> class_shares(4, 2).tolist()
    [0.8, 0.2]
    >>> (class_shares(100, 3) * 111).round(6).tolist()
    [100.0, 10.0, 1.0]
    """
    sizes = (1 / ratio) ** (np.arange(n_classes) / (n_classes - 1))
    return sizes / sizes.sum()


def _check(
    ratio: float,
    weights: Sequence[float] | None,
    n_rows: int,
    n_features: int,
    n_classes: int,
    class_sep: float,
    label_noise: float,
) -> None:
    """Raise ValueError if a parameter is out of range."""
    if not ratio >= 1:
        raise ValueError(f"ratio must be at least 1 (majority : rarest class), got {ratio=}.")
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, got {n_classes=}.")
    shares = () if weights is None else weights
    are_shares = all(isinstance(share, int | float) and share > 0 for share in shares)
    if weights is not None and (len(weights) != n_classes or not are_shares):
        raise ValueError(
            f"weights must hold a share above 0 for each of {n_classes=}, got {list(weights)}."
        )
    if n_rows < 2 * n_classes:
        raise ValueError(f"n_rows must be at least twice {n_classes=}, got {n_rows=}.")
    if n_rows * n_features > MAX_NUMBERS:
        raise ValueError(
            f"n_rows times n_features must be at most {MAX_NUMBERS:.0e} numbers (8 GB), got "
            f"{n_rows=}, {n_features=}."
        )
    if n_features < _n_informative(n_features, n_classes):
        raise ValueError(
            f"n_features must be at least {_n_informative(n_features, n_classes)} for "
            f"{n_classes=}, got {n_features=}."
        )
    if not class_sep > 0:
        raise ValueError(f"class_sep must be above 0, got {class_sep=}.")
    if not 0 <= label_noise <= 1:
        raise ValueError(f"label_noise must be a share of the rows in 0..1, got {label_noise=}.")


def _n_informative(n_features: int, n_classes: int) -> int:
    """Return half of the columns, but enough for two hypercube corners per class."""
    return max(2, n_features // 2, math.ceil(math.log2(2 * n_classes)))


def _clusters(
    shares: NDArray[np.float64], n_rows: int, n_features: int, class_sep: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return rows (n, d) and their labels (n,), without noise in the labels."""
    from sklearn.datasets import make_classification

    n_classes = len(shares)
    n_informative = _n_informative(n_features, n_classes)
    X, y = make_classification(
        n_samples=n_rows,
        n_features=n_features,
        n_informative=n_informative,
        n_redundant=min(n_features // 5, n_features - n_informative),
        n_classes=n_classes,
        weights=shares.tolist(),
        class_sep=class_sep,
        flip_y=0.0,
        random_state=seed,
    )
    return X, y.astype(np.int64)


def _partly_shuffled(y: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Return labels of which a share, drawn at random, is shuffled among each other."""
    rng = np.random.default_rng(seed)
    noisy = rng.permutation(len(y))[: int(share * len(y))]
    shuffled = y.copy()
    shuffled[noisy] = rng.permutation(y[noisy])
    return shuffled


@from_files(lambda **_: ())
def load_synthetic(
    ratio: float = 4.0,
    weights: Sequence[float] | None = None,
    n_rows: int = 1000,
    n_features: int = 10,
    n_classes: int = 2,
    class_sep: float = 1.0,
    label_noise: float = 0.0,
    seed: int = 0,
) -> Dataset:
    """Generate clusters around the corners of a hypercube, two per class.

    Label 0 is the largest class.

    Parameters
    ----------
    ratio : float, default=4.0
        Rows of the largest class per row of the rarest. With more than two classes the sizes in
        between decrease geometrically, as in a long tail.
    weights : sequence of float of shape (n_classes,) or None
        Relative size of each class, instead of ``ratio``.
    n_rows, n_features, n_classes : int
        Half of the features are informative, a fifth are linear combinations of these, the rest
        is noise.
    class_sep : float, default=1.0
        Half the distance between neighbouring corners. Smaller values are harder.
    label_noise : float, default=0.0
        Share of the rows whose labels are shuffled among each other. Class sizes do not change,
        so noise and ratio can be varied independently. The rows of a smaller share are a subset
        of those of a larger one.
    seed : int, default=0

    References
    ----------
    Guyon, Design of experiments for the NIPS 2003 variable selection benchmark, 2003,
    implemented by ``sklearn.datasets.make_classification``.

    Examples
    --------
    >>> data = load_synthetic(ratio=9, n_rows=200)
    >>> data.X.shape, data.counts.tolist()
    ((200, 10), [180, 20])
    """
    _check(ratio, weights, n_rows, n_features, n_classes, class_sep, label_noise)
    sizes = class_shares(ratio, n_classes) if weights is None else np.asarray(weights, float)
    X, y = _clusters(sizes / sizes.sum(), n_rows, n_features, class_sep, seed)
    return Dataset(
        name="synthetic",
        X=X,
        y=_partly_shuffled(y, label_noise, seed),
        class_names=tuple(map(str, range(n_classes))),
        feature_names=tuple(f"x{i}" for i in range(n_features)),
    )
