"""Handwritten digits of scikit-learn: real images that need no download."""

from __future__ import annotations

import numpy as np

from imbench.data.cache import from_files
from imbench.data.dataset import Dataset


@from_files(lambda: ())
def load_digits() -> Dataset:
    """Load 1,797 grey images of 8 x 8 pixels with ten classes of about 180 rows each.

    Values 0..16 are scaled to 0..255, the range of all image data sets.

    Examples
    --------
    >>> data = load_digits()
    >>> data.X.shape, data.X.dtype, data.input_shape
    ((1797, 64), dtype('uint8'), (1, 8, 8))

    References
    ----------
    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998,
    https://doi.org/10.24432/C50P49.
    """
    from sklearn.datasets import load_digits as read

    X, y = read(return_X_y=True)
    return Dataset(
        name="digits",
        X=np.round(X * (255 / 16)).astype(np.uint8),
        y=y.astype(np.int64),
        class_names=tuple(map(str, range(10))),
        input_shape=(1, 8, 8),
    )
