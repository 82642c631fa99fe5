"""Apply several augmentations in order."""

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
        Only the last may mix labels: a later part could not tell the class of a mixed row.

    Examples
    --------
    >>> import torch
    >>> from imbench.strategies.augment.mixup import Mixup
    >>> from imbench.strategies.augment.noise import Noise
    >>> chain = AugmentChain([Noise(), Mixup()])
    >>> chain.mixes_labels
    True
    >>> transform = chain.bind(torch.tensor([90, 10]))
    >>> x, targets = transform(torch.eye(2), torch.tensor([0, 1]), torch.Generator().manual_seed(0))
    >>> len(targets)
    2
    """

    parts: Sequence[Augment]

    @property
    def uses_balanced_rows(self) -> bool:
        """Whether the last part uses class-balanced rows; earlier parts transform them as well."""
        return getattr(self.parts[-1], "uses_balanced_rows", False)

    @property
    def mixes_labels(self) -> bool:
        """Whether the last part mixes labels."""
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
