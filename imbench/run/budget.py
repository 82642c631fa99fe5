"""A budget of a command: it ends between two folds, or inside of one where a time is over."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from imbench.config.budget import Limit
from imbench.results.fold import FoldResult


class Spent(BaseException):
    """Raised when a budget is spent.

    Like KeyboardInterrupt it is no Exception, so that no fold takes it for a failure of its own.
    """


@dataclass
class Budget:
    """What a command may spend, and what it has spent.

    Parameters
    ----------
    limit : Limit
    started : float
        Seconds of the monotonic clock; by default now.

    Examples
    --------
    >>> from imbench.config.budget import parse_budget
    >>> budget = Budget(parse_budget("fits=2"))
    >>> budget.is_spent
    False
    """

    limit: Limit
    started: float = field(default_factory=time.monotonic)
    n_fits: int = 0
    n_rows: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether the limit is reached."""
        return self._left() <= 0

    def spend(self, result: FoldResult) -> None:
        """Count a fold that was fitted.

        Raises
        ------
        Spent
            If the limit is reached.
        """
        n_fits = max(result.n_fits - result.n_replayed, 1) + result.n_tuning_fits
        self.n_fits += n_fits
        self.n_rows += n_fits * result.n_train
        if self.is_spent:
            raise Spent

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raise Spent in the middle of the block once the time is over.

        Only the main thread of a POSIX system can do so. Elsewhere a fold is finished first.
        """
        if self.is_spent:
            raise Spent
        if self.limit.of != "seconds" or not hasattr(signal, "setitimer"):
            yield
            return
        before = signal.signal(signal.SIGALRM, _raise_spent)
        signal.setitimer(signal.ITIMER_REAL, max(self._left(), 1e-3))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _left(self) -> float:
        spent = {
            "seconds": time.monotonic() - self.started,
            "fits": self.n_fits,
            "rows": self.n_rows,
        }
        return self.limit.amount - spent[self.limit.of]


def _raise_spent(number: int, frame: FrameType | None) -> NoReturn:
    raise Spent
