"""A strategy as the configuration describes it: one field a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imbench.strategies import STAGES

Entries = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Strategy:
    """A bundle of interventions, keyed by name inside each stage.

    Parameters
    ----------
    resample, augment : mapping of str to object
        May chain, in the order of selection.
    batches, weights, loss : mapping of str to object
        One entry at most; see :mod:`imbench.strategies.protocols`.
    ensemble, decision : mapping of str to callable
        One entry at most, ``estimator=... -> estimator``.
    needs : mapping of str to tuple of str
        For an entry's name the kinds of data it is for, see :data:`imbench.pipeline.needs.NEEDS`.
    hints : mapping of str to str
        For an entry's name what to use where its needs are not met.
    neighbors : Neighbors or None
        What samplers ask for nearest neighbours, see :mod:`imbench.neighbors`; None: exactly.
    """

    resample: Entries = field(default_factory=dict)
    batches: Entries = field(default_factory=dict)
    augment: Entries = field(default_factory=dict)
    weights: Entries = field(default_factory=dict)
    loss: Entries = field(default_factory=dict)
    ensemble: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    decision: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    neighbors: Any = None

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages that are filled, in the order of the pipeline."""
        return tuple(stage for stage in STAGES if getattr(self, stage))

    @property
    def label(self) -> str:
        """Names of all entries in the order of the stages, each once; ``none`` if there is none."""
        names = [name for stage in STAGES for name in getattr(self, stage)]
        return "+".join(dict.fromkeys(names)) or "none"

    def without(self, stage: str) -> Strategy:
        """Return the strategy with a stage left empty."""
        return replace(self, **{stage: {}})

    def entry(self, stage: str) -> Any:
        """Return the single entry of a stage, or None."""
        return next(iter(getattr(self, stage).values()), None)
