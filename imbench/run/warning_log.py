"""Which warning belongs to which fold, where folds are fitted in turns."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from imbench.data.splits import Fold
from imbench.errors import masked

_fold: ContextVar[tuple[int, int] | None] = ContextVar("fold", default=None)


class WarningLog:
    """Warnings of folds that run in turns; those of threads that no fold owns belong to all."""

    def __init__(self) -> None:
        self._lines: dict[object, dict[str, None]] = defaultdict(dict)

    @contextmanager
    def of(self, fold: Fold) -> Iterator[None]:
        """Say that what is warned about in this context is about a fold."""
        before = _fold.set((fold.repeat, fold.fold))
        try:
            yield
        finally:
            _fold.reset(before)

    def show(self, message: Warning | str, category: type[Warning], *place: Any) -> None:
        """Take the place of ``warnings.showwarning``."""
        first = masked((str(message).strip().splitlines() or [""])[0])
        self._lines[_fold.get()][f"{category.__name__}: {first}"] = None

    def distinct(self, fold: Fold) -> tuple[str, ...]:
        """Return the warnings of a fold, each once, in their order."""
        return tuple(self._lines[(fold.repeat, fold.fold)] | self._lines[None])


@contextmanager
def warnings_by_fold() -> Iterator[WarningLog]:
    """Gather every warning for as long as the block runs."""
    log = WarningLog()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = log.show  # type: ignore[assignment]
        yield log
