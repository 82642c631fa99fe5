"""``--filter key=pattern``: which stored cells a report is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from imbench.components.construct import closest
from imbench.errors import ConfigError
from imbench.report.tables import BASELINE
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


def select(cells: Sequence[CellResult], filters: Sequence[str]) -> list[CellResult]:
    """Keep the cells that match.

    Parameters
    ----------
    cells : sequence of CellResult
    filters : sequence of str
        ``key=pattern``; in a pattern ``*`` and ``?`` stand for any text and any character. Of
        several filters with one key one has to match, of different keys each. Doing nothing
        passes the filters of strategy and stage, because gains are measured against it.

    Raises
    ------
    ConfigError
        If a filter cannot be read, or nothing is left.
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
        # Checked one by one, so that a name that matches nothing is told and not only its effect.
        known = sorted({value for cell in cells for value in KEYS[key](cell)})
        for pattern in patterns:
            if not any(fnmatchcase(value, pattern) for value in known):
                raise ConfigError(
                    f"--filter {key}={pattern}: no stored cell matches{closest(pattern, known)}; "
                    f"there are {', '.join(known)}."
                )
    kept = [cell for cell in cells if all(_passes(cell, *item) for item in wanted.items())]
    if not kept:
        raise ConfigError(
            f"--filter {' --filter '.join(filters)}: no stored cell matches them all."
        )
    return kept


def _passes(cell: CellResult, key: str, patterns: Sequence[str]) -> bool:
    if key in ("strategy", "stage") and cell.label == BASELINE:
        return True
    return any(fnmatchcase(value, pattern) for value in KEYS[key](cell) for pattern in patterns)
