"""Filter stored cells by ``--filter key=pattern``."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from imbench.components.construct import closest
from imbench.errors import ConfigError
from imbench.report.board import AUTO, BASELINE, TRIVIAL
from imbench.results.fold import CellResult

KEYS: Mapping[str, Callable[[CellResult], Sequence[str]]] = MappingProxyType(
    {
        "dataset": lambda cell: (cell.dataset,),
        "model": lambda cell: (cell.model,),
        "strategy": lambda cell: (cell.label,),
        "stage": lambda cell: cell.stages,
        "status": lambda cell: (cell.status,),
    }
)


def select(
    cells: Sequence[CellResult], filters: Sequence[str], baseline: str = BASELINE
) -> list[CellResult]:
    """Return the cells that match all keys.

    Parameters
    ----------
    cells : sequence of CellResult
    filters : sequence of str
        ``key=pattern`` with the wildcards ``*`` and ``?``. At least one of several filters with
        the same key has to match. Doing nothing and the baseline pass all filters of strategy and
        stage, because gains are measured against them.
    baseline : str, default="none"
        Label of the baseline. Of ``auto`` the trivial remedies pass.

    Raises
    ------
    ConfigError
        If a filter is malformed, matches no cell, or no cell matches all filters.

    Examples
    --------
    >>> def cell(label):
    ...     return CellResult("0", "toy", "knn", label, (), "ok", "", n_folds=5, config={})
    >>> cells = [cell("none"), cell("smote"), cell("smote+focal"), cell("focal")]
    >>> [cell.label for cell in select(cells, ["strategy=smote*"])]
    ['none', 'smote', 'smote+focal']
    """
    wanted: dict[str, list[str]] = {}
    for text in filters:
        key, equals, pattern = text.partition("=")
        if key not in KEYS or not equals:
            raise ConfigError(
                f"--filter {text}: write key=pattern with one of {', '.join(KEYS)}"
                f"{closest(key, KEYS)}."
            )
        wanted.setdefault(key, []).append(pattern)
    for key, patterns in wanted.items():
        # Each pattern is checked on its own, so that the error names the one that matches nothing.
        known = sorted({value for cell in cells for value in KEYS[key](cell)})
        for pattern in patterns:
            if not any(fnmatchcase(value, pattern) for value in known):
                raise ConfigError(
                    f"--filter {key}={pattern}: no stored cell matches{closest(pattern, known)}; "
                    f"there are {', '.join(known)}."
                )
    bases = {BASELINE, *(TRIVIAL if baseline == AUTO else (baseline,))}
    kept = [cell for cell in cells if all(_passes(cell, *item, bases) for item in wanted.items())]
    if not kept:
        raise ConfigError(
            f"--filter {' --filter '.join(filters)}: no stored cell matches them all."
        )
    return kept


def _passes(cell: CellResult, key: str, patterns: Sequence[str], bases: Container[str]) -> bool:
    if key in ("strategy", "stage") and cell.label in bases:
        return True
    return any(fnmatchcase(value, pattern) for value in KEYS[key](cell) for pattern in patterns)
