"""How the columns of a DataFrame become the numbers of a data set, and do so again for new rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imbench.api.encoding import Kind, SchemaColumn, encoded
from imbench.components.construct import closest
from imbench.data.cells import is_text, plain
from imbench.data.columns import Format
from imbench.data.dataset import Dataset
from imbench.data.dates import PARTS, is_day_first
from imbench.data.features import FeatureOptions, read_typed
from imbench.data.frame import NO_ROLES, frame_to_dataset, some_of
from imbench.data.problems import Problem
from imbench.data.roles import RoleColumns
from imbench.errors import DataError

NAME = "X"  # of the data set of a frame, in messages
VERSION = 1  # of the JSON
LEFT_OUT = ("constant-column", "empty-column", "identifier-text")


@dataclass(frozen=True)
class Schema:
    """The columns that a model was fitted on, and how their cells are read.

    Parameters
    ----------
    columns : tuple of SchemaColumn
        In the order of the columns of X. Columns that were left out are not among them.
    class_names : tuple of str
        Name of each label 0..K-1.
    target : str or None
        Column of the classes; None if they came apart.
    how : Format
        How numbers and missing values are written.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [31, 44, 52], "city": ["Ulm", "Kiel", "Ulm"], "y": [0, 1, 0]})
    >>> schema, data = Schema.learn(frame, "y")
    >>> schema.encode(frame).tolist() == data.X.tolist()
    True
    >>> new = pd.DataFrame({"city": ["Rom", "Ulm"], "age": ["60", None]})
    >>> schema.encode(new).tolist(), schema.report(new)
    ([[60.0, nan], [nan, 1.0]], {'city': 1})
    >>> Schema.from_json(schema.to_json()) == schema
    True
    """

    columns: tuple[SchemaColumn, ...]
    class_names: tuple[str, ...] = ()
    target: str | None = None
    how: Format = field(default_factory=Format)

    @classmethod
    def learn(
        cls,
        frame: pd.DataFrame,
        target: str,
        options: FeatureOptions | None = None,
        *,
        drop: Sequence[str] = (),
        roles: RoleColumns = NO_ROLES,
        name: str = NAME,
    ) -> tuple[Schema, Dataset]:
        """Read a table by the rules of files, and keep how its columns were read.

        Parameters
        ----------
        frame : DataFrame of shape (n, columns)
        target : str
            Column of the classes.
        options : FeatureOptions or None
            How the columns are read.
        drop : sequence of str
            Columns to leave out.
        roles : RoleColumns
            Columns that are no features.
        name : str, default="X"
            Name of the data set.

        Raises
        ------
        DataError
            With one line for each column that is unknown or unusable.
        """
        options = options or FeatureOptions()
        data = frame_to_dataset(
            frame, target, name=name, where=name, drop=drop, options=options, roles=roles
        )
        unused = {target, *drop, *roles.names.values()}
        unused |= {notice.column for notice in data.notices if notice.code in LEFT_OUT}
        columns = list(_columns_of(data, frame, unused, options))
        return cls(tuple(columns), data.class_names, target, options.how), data

    @classmethod
    def of_array(cls, n_features: int, class_names: Sequence[str] = ()) -> Schema:
        """Return the schema of an array: numeric columns x0, x1, ...

        Examples
        --------
        >>> Schema.of_array(2).encode(np.array([[1, 2]])).tolist()
        [[1.0, 2.0]]
        """
        columns = tuple(SchemaColumn(f"x{i}") for i in range(n_features))
        return cls(columns, tuple(class_names))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that new rows need."""
        return tuple(column.name for column in self.columns)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the d columns of X."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def categories(self) -> dict[int, tuple[str, ...]]:
        """Names of the categories, by the place of the column in X."""
        known = {c.name: c.categories for c in self.columns if c.kind == "categorical"}
        return {i: known[name] for i, name in enumerate(self.feature_names) if name in known}

    def encode(self, rows: Any) -> NDArray[np.float64]:
        """Return new rows as numbers, by the rules that the training rows were read by.

        Parameters
        ----------
        rows : DataFrame of shape (n, columns), or array of shape (n, n_columns)
            The columns of a frame stand in any order, and others are ignored. Those of an array
            are taken in the order of ``columns``.

        Returns
        -------
        ndarray of shape (n, d)
            NaN where a value is missing or a category was not known.

        Raises
        ------
        DataError
            If columns are missing, in one line, or cells are of another kind, in a line a column.
        """
        return self.encode_and_report(rows)[0]

    def report(self, rows: Any) -> dict[str, int]:
        """Return how many cells hold an unknown category, by column; rows as in :meth:`encode`."""
        return self.encode_and_report(rows)[1]

    def encode_and_report(self, rows: Any) -> tuple[NDArray[np.float64], dict[str, int]]:
        """Return what :meth:`encode` and :meth:`report` do, from one reading."""
        X = np.empty((len(rows), len(self.feature_names)))
        place, report = 0, {}
        for column, values, unseen in self._read(rows):
            width = len(column.feature_names)
            X[:, place : place + width] = values
            place += width
            if unseen:
                report[column.name] = unseen
        return X, report

    def to_json(self) -> str:
        """Return the schema as JSON."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        DataError
            If the text is none of this version.
        """
        try:
            found = json.loads(text)
            if found["version"] != VERSION:
                raise ValueError(f"version {found['version']} is not {VERSION}")
            how = found["how"]
            columns = tuple(
                SchemaColumn(
                    c["name"], c["kind"], tuple(c["categories"]), tuple(c["parts"]), c["day_first"]
                )
                for c in found["columns"]
            )
            options = Format(tuple(how["missing"]), how["decimal"], how["thousands"])
            return cls(columns, tuple(found["class_names"]), found["target"], options)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"the schema cannot be read ({error}): save the model again with this version of "
                "imbench."
            ) from error

    def _read(self, rows: Any) -> list[tuple[SchemaColumn, NDArray[np.float64], int]]:
        """Return each column, its numbers (n, width), and its cells of unknown categories.

        Raises
        ------
        DataError
            With one line for missing columns, and one for each column of another kind.
        """
        frame = self._frame(rows)
        places = {str(name): i for i, name in enumerate(frame.columns)}
        problems = list(self._missing(frame, places))
        found = []
        for column in self.columns if not problems else ():
            raw = frame.iloc[:, places[column.name]].rename(column.name)
            try:
                found.append((column, *encoded(column, raw, self.how)))
            except DataError as error:
                problems.append(str(error))
        if problems:
            raise DataError("\n".join(problems))
        return found

    def _frame(self, rows: Any) -> pd.DataFrame:
        """Return rows as a frame; the columns of an array get their names by their place."""
        if isinstance(rows, pd.DataFrame):
            return rows
        if isinstance(rows, Mapping) or not hasattr(rows, "__len__"):
            raise DataError("rows must be a DataFrame or an array: use pandas.DataFrame(rows).")
        array = np.asarray(rows)
        if array.ndim != 2 or array.shape[1] != len(self.columns):
            raise DataError(
                f"the rows are an array of shape {array.shape}, but the model takes "
                f"{len(self.columns)} columns: give a DataFrame, or an array of shape "
                f"(rows, {len(self.columns)}) in the order of {some_of(self.names)}."
            )
        return pd.DataFrame(array, columns=list(self.names))

    def _missing(self, frame: pd.DataFrame, places: Mapping[str, int]) -> Iterator[str]:
        """Yield a sentence for the columns that are not there, and for each that is there twice."""
        names = list(map(str, frame.columns))
        wanted = set(self.names)
        others = [name for name in names if name not in wanted]
        absent = [name for name in self.names if name not in places]
        if absent:
            yield are_missing([f"{name!r}{closest(name, others)}" for name in absent])
        for name in self.names if len(places) < len(names) else ():
            if names.count(name) > 1:
                yield f"two columns are named {name!r}; rename one of them."


def are_missing(shown: Sequence[str]) -> str:
    """Return the sentence about columns that are missing.

    Parameters
    ----------
    shown : sequence of str
        Their names in quotes, at least one.

    Examples
    --------
    >>> are_missing(["'a'", "'b'", "'c'"])
    "columns 'a', 'b' and 'c' are missing; add them, with missing values if nothing is known."
    """
    if len(shown) == 1:
        return f"column {shown[0]} is missing; add it, with missing values if nothing is known."
    return (
        f"columns {', '.join(shown[:-1])} and {shown[-1]} are missing; add them, with missing "
        "values if nothing is known."
    )


def _columns_of(
    data: Dataset, frame: pd.DataFrame, unused: set[str], options: FeatureOptions
) -> Iterator[SchemaColumn]:
    """Yield the columns of a frame that became columns of a data set, in their order."""
    names, place = data.feature_names, 0
    for i, name in enumerate(map(str, frame.columns)):
        if name in unused:
            continue
        if names[place] == name:
            categories = data.categories.get(place)
            kind: Kind = "numeric" if categories is None else "categorical"
            yield SchemaColumn(name, kind, categories or ())
            place += 1
            continue
        parts = []
        for part in PARTS:
            if place < len(names) and names[place] == f"{name}_{part}":
                parts.append(part)
                place += 1
        day_first = _day_first(frame.iloc[:, i].rename(name), options)
        yield SchemaColumn(name, "date", parts=tuple(parts), day_first=day_first)


def _day_first(raw: pd.Series, options: FeatureOptions) -> bool | None:
    """Return whether the day stands before the month in the text of a column of dates."""
    column = plain(raw)
    if isinstance(column, Problem) or not is_text(column):
        return options.day_first
    values = read_typed(column, options.how, False).values
    return is_day_first(values.map(str, na_action="ignore"), options.day_first)
