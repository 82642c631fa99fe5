"""Captions of blocks: number of folds, meaning of the gain and the verdict, tuning budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from imbench.report.board import BASELINE, NEAR_BEST, Row
from imbench.report.statistics import MIN_FOLDS


def caption(rows: Sequence[Row], sort: str, tuning: Mapping[str, Any] | None) -> str:
    """Return the caption of a block.

    Parameters
    ----------
    rows : sequence of Row
        With their comparisons.
    sort : str
        Metric of the gains and verdicts.
    tuning : mapping or None
        The group ``tuning`` of the configuration.
    """
    return _numbers(rows, sort) + _budget(tuning)


def _numbers(rows: Sequence[Row], sort: str) -> str:
    """Say what the numbers of a block are means of, and what the verdict is based on."""
    shown = next((r for r in rows if r.status == "ok" and r.folds), None)
    if shown is None:
        return "No strategy finished here."
    n_folds = max(len(r.folds) for r in rows)
    sizes = [f.n_test for f in shown.folds]
    size = str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    base = (
        f"Mean ± sd over {n_folds} fold{'s' if n_folds > 1 else ''} of {size} test rows; "
        f"fit s is per fold"
    )
    if sum(r.status == "ok" for r in rows) > 1:
        base += f"; {NEAR_BEST} the best and what cannot be told from it"
    if not any(r.status == "ok" and r.label == BASELINE for r in rows):
        return f"{base}. No gains: run strategy={BASELINE} too, to compare with doing nothing."
    if n_folds == 1:
        return (
            f"{base}. gain: {sort} against {BASELINE}; one fold has no interval, so no "
            "difference can be told from chance: set splits.n_splits or splits.n_repeats."
        )
    gained = f"gain: improvement of {sort} over {BASELINE} with its 95 % interval"
    if n_folds < MIN_FOLDS:
        return (
            f"{base}. {gained}; no verdict below {MIN_FOLDS} folds: set splits.n_splits or "
            "splits.n_repeats."
        )
    m = sum(r.comparison is not None and not math.isnan(r.comparison.p_holm) for r in rows)
    strategies = f"{m} strateg{'ies' if m != 1 else 'y'}"
    return (
        f"{base}. {gained}; better / worse: corrected resampled t-test on the same folds, Holm "
        f"over {strategies} ({NEAR_BEST}: over all pairs), 5 %."
    )


def _budget(tuning: Mapping[str, Any] | None) -> str:
    """Return a sentence with the tuning budget of each strategy, empty without tuning."""
    if not tuning:
        return ""
    trials, inner = tuning["trials"], tuning["inner_splits"]
    late = f" or {tuning['timeout']} s" if tuning.get("timeout") else ""
    return (
        f" Tuned: {trials} trials{late} of {inner} inner folds for every strategy "
        f"({tuning['sampler']}, {tuning['metric']}), {trials * inner} fits a fold at most."
    )
