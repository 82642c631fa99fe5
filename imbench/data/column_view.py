"""A column of a table as the checks see it: what it holds, and its rows in the order of values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

N_TRIED = 2000  # rows that show what most columns are not, before all rows are sorted
ID_NAME = re.compile(
    r"(.*[\s_.-])?(id|uuid|guid|nr|nbr|idx|index|rownum|patient|subject|customer|client|user|"
    r"account|member|person|household)",
    re.IGNORECASE,
)
CAMEL_ID = re.compile(r".*[a-z](ID|Id)")


@dataclass(frozen=True, eq=False)
class ColumnView:
    """One column, and what is computed from it once.

    Parameters
    ----------
    name : str
    values : ndarray of float64 of shape (n,)
        Numbers or codes of categories, NaN if missing.
    is_category : bool
    shuffled : ndarray of int64 of shape (n,)
        The numbers of all rows in a random order.
    """

    name: str
    values: NDArray[np.float64]
    is_category: bool
    shuffled: NDArray[np.int64]

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Rows that have a value, by value; equal values in random order."""
        rows = self.shuffled[~np.isnan(self.values[self.shuffled])]
        return rows[np.argsort(self.values[rows], kind="stable")]

    @cached_property
    def is_new(self) -> NDArray[np.bool_]:
        """Whether each row of `order` starts another value, shape (n_present,)."""
        ordered = self.values[self.order]
        new = np.ones(len(ordered), bool)
        new[1:] = ordered[1:] != ordered[:-1]
        return new

    @property
    def n_present(self) -> int:
        """Number of rows that have a value."""
        return len(self.order)

    @property
    def n_levels(self) -> int:
        """Number of different values."""
        return int(self.is_new.sum())

    @cached_property
    def is_integer(self) -> bool:
        """Whether every number is an integer."""
        for values in (self.values[:N_TRIED], self.values):
            present = values[~np.isnan(values)]
            if not (present == np.floor(present)).all():
                return False
        return not self.is_category

    @property
    def is_named_as_identifier(self) -> bool:
        """Whether the name is that of an identifier: ``customerID``, ``patient_nbr``, ``user``.

        Examples
        --------
        >>> rows = np.arange(2)
        >>> for name in ("customerID", "patient_nbr", "Id", "paid", "grid"):
        ...     print(name, ColumnView(name, rows * 1.0, False, rows).is_named_as_identifier)
        customerID True
        patient_nbr True
        Id True
        paid False
        grid False
        """
        return bool(ID_NAME.fullmatch(self.name) or CAMEL_ID.fullmatch(self.name))

    @cached_property
    def direction(self) -> int:
        """1 if values never fall from row to row, -1 if they never rise, else or if constant 0."""
        rises = falls = False
        for values in (self.values[:N_TRIED], self.values):
            steps = np.diff(values[~np.isnan(values)])
            rises, falls = bool((steps > 0).any()), bool((steps < 0).any())
            if rises and falls:
                return 0
        return int(rises) - int(falls)
