"""Which warning belongs to which fold, where folds are fitted side by side in threads."""

from __future__ import annotations

import threading
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imbench.splits import Fold


class WarningLog:
    """Warnings of folds that run side by side; those of unknown threads belong to all."""

    def __init__(self) -> None:
        self._lines: dict[object, dict[str, None]] = defaultdict(dict)
        self._folds: dict[threading.Thread, tuple[int, int]] = {}

    @contextmanager
    def of(self, fold: Fold) -> Iterator[None]:
        """Say that what this thread warns about is about a fold."""
        thread = threading.current_thread()
        before = self._folds.get(thread)
        self._folds[thread] = (fold.repeat, fold.fold)
        try:
            yield
        finally:
            del self._folds[thread]
            if before is not None:  # tuning asks again for the fold that it is inside of
                self._folds[thread] = before

    def show(self, message: Warning | str, category: type[Warning], *place: Any) -> None:
        """Take the place of ``warnings.showwarning``."""
        first = (str(message).strip().splitlines() or [""])[0]
        fold = self._folds.get(threading.current_thread())
        self._lines[fold][f"{category.__name__}: {first}"] = None

    def distinct(self, fold: Fold) -> tuple[str, ...]:
        """Return the warnings of a fold, each once, in their order."""
        return tuple(self._lines[(fold.repeat, fold.fold)] | self._lines[None])


@contextmanager
def warnings_by_thread() -> Iterator[WarningLog]:
    """Gather every warning for as long as the block runs."""
    log = WarningLog()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = log.show  # type: ignore[assignment]
        yield log
