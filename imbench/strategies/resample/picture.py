"""Choose a few training rows and generated rows of a sampler, to be stored and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.resample.encoding import RowCodec

N_IMAGES = 8  # of a class: so many training rows, and so many generated
N_POINTS = 60
N_OTHERS = 200  # points of all classes that do not grow
MAX_CLASSES = 10


@dataclass(frozen=True, eq=False)
class Picture:
    """Rows of a sampler to be drawn (``picture_``).

    Parameters
    ----------
    rows : ndarray of shape (n, C, H, W) or (n, 2)
        Images as uint8, or points of a table.
    y : ndarray of shape (n,)
        Labels.
    made : ndarray of shape (n,)
        True for a generated row, False for a training row.
    """

    rows: NDArray[Any]
    y: NDArray[Any]
    made: NDArray[np.bool_]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays under the names that a fold's record has for them."""
        return {"picture": self.rows, "picture_y": self.y, "picture_made": self.made}


def picture(
    encoded: NDArray[np.float32],
    y: NDArray[Any],
    made: Mapping[Any, NDArray[Any]],
    codec: RowCodec,
    input_shape: tuple[int, int, int] | None,
    rng: np.random.RandomState,
) -> Picture:
    """Choose rows of at most ten classes that grew, those with the most new rows first.

    Parameters
    ----------
    encoded : ndarray of shape (n, width)
        Training rows.
    y : ndarray of shape (n,)
    made : mapping of label to ndarray of shape (n_new, d)
        Generated rows.
    codec : RowCodec
    input_shape : tuple of int or None
        None for a table, which is drawn as points: the first two principal components of its
        encoded training rows.
    rng : RandomState

    Examples
    --------
    >>> from imbench.strategies.resample.encoding import TableCodec
    >>> X, y = np.arange(10.0).reshape(5, 2), np.array([0, 0, 0, 1, 1])
    >>> codec = TableCodec.fit(X)
    >>> made = {1: np.array([[7.0, 8.0]])}
    >>> found = picture(codec.encode(X), y, made, codec, None, np.random.RandomState(0))
    >>> found.rows.shape, found.made.tolist()
    ((6, 2), [False, False, False, False, False, True])
    """
    labels = sorted(made, key=lambda label: -len(made[label]))[:MAX_CLASSES]
    n_shown = N_POINTS if input_shape is None else N_IMAGES
    own = [_some(np.flatnonzero(y == label), n_shown, rng) for label in labels]
    others = np.flatnonzero(~np.isin(y, list(made)))
    real = np.concatenate([*own, _some(others, N_OTHERS if input_shape is None else 0, rng)])
    new = {label: codec.encode(made[label][:n_shown]) for label in labels}
    rows = np.concatenate([encoded[real], *new.values()])
    return Picture(
        _points(encoded, rows) if input_shape is None else _pixels(rows, input_shape),
        np.concatenate([y[real], *(np.full(len(new[label]), label) for label in labels)]),
        np.arange(len(rows)) >= len(real),
    )


def _some(rows: NDArray[np.int64], n: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    return np.sort(rng.permutation(rows)[:n])


def _pixels(rows: NDArray[np.float32], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.rint(rows * 255).astype(np.uint8).reshape(-1, *shape)


def _points(encoded: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Project on the first two principal components; the second is 0 if there is only one."""
    centre = encoded.mean(axis=0, dtype=np.float64)
    width = encoded.shape[1]
    covariance = np.cov(encoded, rowvar=False).reshape(width, width)
    _, vectors = np.linalg.eigh(covariance)  # ascending
    axes = vectors[:, ::-1][:, :2]
    # The sign of an axis is arbitrary: make its largest component positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    points = np.zeros((len(rows), 2), np.float32)
    points[:, : axes.shape[1]] = (rows - centre) @ axes
    return points
