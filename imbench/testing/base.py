"""What the contracts of losses, weights, batches and augmentations share."""

from __future__ import annotations

from typing import Generic, TypeVar

Entry = TypeVar("Entry")


class EntryContract(Generic[Entry]):
    """The contract of one entry of a stage that acts inside of training.

    Override :meth:`make`; pytest runs the ``test_`` methods of every subclass.

    Attributes
    ----------
    counts : tuple of int
        Training rows of each class, for entries that fit one number of classes only.
    """

    counts: tuple[int, ...]

    def make(self) -> Entry:
        """Return the entry under test; every subclass overrides this."""
        raise NotImplementedError("override `make` in your test class.")
