"""A strategy: the components of each stage of the training, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imbench.strategies import STAGES

Entries = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Strategy:
    """Components against class imbalance, by stage and name.

    Parameters
    ----------
    resample, augment : mapping of str to object
        Several entries are applied in this order.
    batches, weights, loss : mapping of str to object
        At most one entry; see :mod:`imbench.strategies.protocols`.
    ensemble, decision : mapping of str to callable
        At most one entry, called as ``entry(estimator=...)`` and returning an estimator.
    needs : mapping of str to tuple of str
        Kinds of data that an entry needs, by its name; see :data:`imbench.pipeline.needs.NEEDS`.
    hints : mapping of str to str, or to a mapping of str to str
        What to use instead where the needs of an entry are not met, by its name; or by its name
        and the need that is not met.
    neighbors : Neighbors or None
        Nearest-neighbor search of the samplers, see :mod:`imbench.strategies.neighbors`. None is
        exact search.

    Examples
    --------
    >>> from imbench import Strategy
    >>> from imbench.strategies.loss.focal import FocalLoss
    >>> from imbench.strategies.weights.inverse_weights import InverseWeights
    >>> strategy = Strategy(
    ...     weights={"inverse": InverseWeights()}, loss={"focal": FocalLoss(gamma=2.0)}
    ... )
    >>> strategy.label
    'inverse+focal'
    >>> strategy.stages
    ('weights', 'loss')
    >>> strategy.without("loss").label
    'inverse'
    """

    resample: Entries = field(default_factory=dict)
    batches: Entries = field(default_factory=dict)
    augment: Entries = field(default_factory=dict)
    weights: Entries = field(default_factory=dict)
    loss: Entries = field(default_factory=dict)
    ensemble: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    decision: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hints: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    neighbors: Any = None

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages with at least one entry, in the order of the pipeline."""
        return tuple(stage for stage in STAGES if getattr(self, stage))

    @property
    def label(self) -> str:
        """Names of all entries joined by ``+``, in the order of the stages; ``none`` if empty."""
        names = [name for stage in STAGES for name in getattr(self, stage)]
        return "+".join(dict.fromkeys(names)) or "none"

    def without(self, stage: str) -> Strategy:
        """Return a copy of the strategy with an empty stage."""
        return replace(self, **{stage: {}})

    def entry(self, stage: str) -> Any:
        """Return the single entry of a stage, or None."""
        return next(iter(getattr(self, stage).values()), None)
