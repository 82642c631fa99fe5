"""Provenance of a block: commands, configuration, package versions, hardware and warnings."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imbench.report.board import Block
from imbench.report.titles import SHARED, flatten
from imbench.results.fold import CellResult, FoldResult

MAX_LINES = 40  # of warnings; a sweep may repeat one for each strategy


def provenance(
    cells: Sequence[CellResult], block: Block, commands: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """Return what the page shows about how a block was computed.

    Parameters
    ----------
    cells : sequence of CellResult
        Cells of the block, in the order of its rows.
    block : Block
    commands : mapping of str to tuple of str
        Override words by ``run_id``.
    """
    titles = {row.run_id: row.title for row in block.rows}
    folds = [fold for cell in cells for fold in cell.folds]
    shared = {key: cells[0].config.get(key) for key in SHARED if cells[0].config.get(key)}
    return {
        "commands": command_lines([commands[c.run_id] for c in cells if c.run_id in commands]),
        "uncommanded": [titles[c.run_id] for c in cells if c.run_id not in commands],
        "config": {key: _plain(value) for key, value in flatten(shared).items()},
        "versions": _versions(folds),
        "hardware": _hardware(folds),
        "warnings": _warnings(cells, titles),
    }


def command_lines(words: Sequence[tuple[str, ...]]) -> list[str]:
    """Return commands that compute all cells. Cells that differ in the strategy share a sweep.

    Parameters
    ----------
    words : sequence of tuple of str
        Override words of each cell, for example ``("dataset=digits", "strategy=smote")``.

    Examples
    --------
    >>> command_lines([("model=knn", "strategy=none"), ("model=knn", "strategy=smote")])
    ['python -m imbench -m model=knn strategy=none,smote']
    """
    sweeps: dict[tuple[str, ...], list[str]] = {}
    for cell in words:
        strategy = [w for w in cell if w.startswith("strategy=")]
        rest = tuple(w for w in cell if w not in strategy)
        # Overrides of a strategy's parameters are invalid for the other strategies.
        own = any("strategy." in w.partition("=")[0] for w in rest)
        key = (*rest, *strategy) if own else rest
        sweeps.setdefault(key, []).extend([] if own else [w.partition("=")[2] for w in strategy])
    lines = []
    for rest, strategies in sweeps.items():
        distinct = list(dict.fromkeys(strategies))
        sweep = [f"strategy={','.join(distinct)}"] if distinct else []
        many = ["-m"] if len(distinct) > 1 else []
        lines.append(shlex.join(["python", "-m", "imbench", *many, *rest, *sweep]))
    return lines


def _versions(folds: Iterable[FoldResult]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for fold in folds:
        for package, version in fold.versions.items():
            found.setdefault(package, set()).add(version)
    return {package: ", ".join(sorted(versions)) for package, versions in sorted(found.items())}


def _hardware(folds: Sequence[FoldResult]) -> dict[str, str]:
    """Return device, peak memory and stored hardware of the finished folds."""
    done = [fold for fold in folds if fold.status == "ok"]
    if not done:
        return {}
    found: dict[str, set[str]] = {"device": {fold.device for fold in done}}
    for fold in done:
        for key, value in fold.hardware.items():
            found.setdefault(key, set()).add(value)
    peak = max(fold.peak_bytes for fold in done)
    if peak:
        found["peak memory"] = {f"{peak / 2**20:,.0f} MiB"}
    return {key: ", ".join(sorted(values)) for key, values in found.items()}


def _warnings(cells: Sequence[CellResult], titles: Mapping[str, str]) -> list[list[Any]]:
    """Return each warning once, with the titles of the strategies that caused it."""
    found: dict[str, dict[str, None]] = {}
    for cell in cells:
        for fold in cell.folds:
            for line in fold.warnings:
                found.setdefault(line, {})[titles[cell.run_id]] = None
    return [[line, list(names)] for line, names in list(found.items())[:MAX_LINES]]


def _plain(value: object) -> str:
    return "" if value is None else str(value)
