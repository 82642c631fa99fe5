"""Made-up parts of a production line: few to compare strategies on, many to know the truth."""

from __future__ import annotations

import numpy as np

from imbench.data.cache import from_files
from imbench.data.dataset import Dataset

N_SENSORS = 10


@from_files(lambda **_: ())
def load_defects(
    n_rows: int = 4000, share: float = 0.04, n_test: int = 100_000, seed: int = 1
) -> Dataset:
    """Generate readings of sensors for fine and for defective parts.

    The parts that strategies are compared on are few, as usual. The official test set has many
    more of the same population, so that ``splits=official splits.n_seeds=5`` measures what each
    strategy really gains.

    Parameters
    ----------
    n_rows : int, default=4000
        Parts to compare strategies on.
    share : float, default=0.04
        Share of defective parts.
    n_test : int, default=100000
        Parts of the official test set.
    seed : int, default=1

    References
    ----------
    Guyon, Design of experiments for the NIPS 2003 variable selection benchmark, 2003,
    implemented by ``sklearn.datasets.make_classification``: two clusters a class.

    Examples
    --------
    >>> data = load_defects(n_rows=200, n_test=1000)
    >>> data.X.shape, len(data.pool_index), data.class_names
    ((1200, 10), 200, ('fine', 'defective'))
    """
    from sklearn.datasets import make_classification

    X, y = make_classification(
        n_samples=n_rows + n_test,
        n_features=N_SENSORS,
        n_informative=5,
        n_redundant=2,
        weights=[1 - share, share],
        class_sep=0.5,
        flip_y=0.0,
        random_state=seed,
    )
    return Dataset(
        name="defects",
        X=X,
        y=y.astype(np.int64),
        class_names=("fine", "defective"),
        feature_names=tuple(f"sensor_{i}" for i in range(N_SENSORS)),
        test_index=np.arange(n_rows, n_rows + n_test),
    )
