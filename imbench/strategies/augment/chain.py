"""Several augmentations, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Generator, Tensor

from imbench.strategies.protocols import Augment, BatchTransform, Targets


@dataclass(frozen=True)
class AugmentChain:
    """Apply augmentations in the order of selection.

    Constructed by :func:`imbench.pipeline.build.build` when a strategy selects more than one.

    Parameters
    ----------
    parts : sequence of Augment
        Only the last may mix labels: what follows a mixture would not know whose rows it has.
    """

    parts: Sequence[Augment]

    @property
    def uses_balanced_rows(self) -> bool:
        """Whether the last part does: those before it then change these rows too."""
        return getattr(self.parts[-1], "uses_balanced_rows", False)

    @property
    def mixes_labels(self) -> bool:
        """Whether the last part does; no other may."""
        return getattr(self.parts[-1], "mixes_labels", False)

    def bind(self, counts: Tensor) -> BatchTransform:
        """Return the chained transform for training counts of shape (K,)."""
        bound = [part.bind(counts) for part in self.parts]

        def augment(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Targets]:
            targets: Targets = ()
            for transform in bound:
                if len(targets) > 1:
                    raise ValueError(
                        "an augmentation that mixes labels must be the last of the selection."
                    )
                x, targets = transform(x, y, generator)
            return x, targets

        return augment
