"""Train the nets of several fits together.

Folds, bags, inner folds and tuning trials are fittings (:mod:`imbench.strategies.fitting`) that
request nets to be trained. :func:`train_together` advances them side by side; as soon as every
one of them waits, :func:`imbench.models.nets.schedule.train_all` trains the requested nets.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TypeVar

from imbench.models.nets.schedule import intra_op_threads
from imbench.strategies.fitting import Fitting, gather, run

T = TypeVar("T")


def train_together(fittings: Iterable[Fitting[T]]) -> list[T | Exception]:
    """Run fittings side by side, and train the nets that they request in stacks.

    Parameters
    ----------
    fittings : iterable of Fitting

    Returns
    -------
    list
        What each of them returned or raised.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench.models.nets.classifier import TorchClassifier
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 0, 1, 1])
    >>> nets = [TorchClassifier(epochs=1, random_state=i) for i in range(3)]
    >>> fitted = train_together([net.fitting(X, y) for net in nets])
    >>> [net.predict(X).shape for net in fitted]
    [(4,), (4,), (4,)]
    """
    # What a fitting itself computes with PyTorch must not depend on the number of cores: one
    # thread may round differently from two.
    return run(gather(fittings, return_exceptions=True), partial(intra_op_threads, 1))
