"""What the fits of one fold share: who is told of them, and which resampled rows are known."""

from __future__ import annotations

from dataclasses import dataclass

from imbench.pipeline.resample_cache import ResampleCache
from imbench.pipeline.witness import Witness


@dataclass(frozen=True, eq=False)
class FitContext:
    """Passed to :func:`imbench.pipeline.build.build`, and from there to every step inside.

    Parameters
    ----------
    witness : Witness or None
        Is told which rows every pipeline was fitted on, copies on inner folds included.
    cache : ResampleCache or None
        Rows that other strategies of the sweep have resampled.
    """

    witness: Witness | None = None
    cache: ResampleCache | None = None
