"""Data from Python as a file, so that a comparison is stored and resumed like any other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.components.damage import digest, set_aside
from imbench.components.files import replacing
from imbench.errors import CannotWrite, ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

TARGET = "target"


def as_frame(data: Any, target: Any) -> tuple[pd.DataFrame, str]:
    """Return a table and the name of its target.

    Parameters
    ----------
    data : DataFrame of shape (n, columns) or array of shape (n, d)
        The columns of an array are called x0, x1, ...
    target : str, or array of shape (n,)
        Column of the classes, or the classes themselves.

    Raises
    ------
    ConfigError
        If the target is not named, or shapes do not match.

    Examples
    --------
    >>> frame, name = as_frame(np.array([[0.5], [1.5]]), ["no", "yes"])
    >>> list(frame.columns), name
    (['x0', 'target'], 'target')
    """
    import pandas as pd

    if target is None:
        raise ConfigError("target is missing: name the column of the classes, or give the labels.")
    if isinstance(data, pd.DataFrame):
        frame = data.set_axis([str(column) for column in data.columns], axis=1)
    else:
        array = np.asarray(data)
        if array.ndim != 2:
            raise ConfigError(f"data has shape {array.shape}: give a table of rows and columns.")
        frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])
    if isinstance(target, str | int):
        return frame, str(target)
    labels = np.asarray(target)
    if labels.shape != (len(frame),):
        raise ConfigError(
            f"target has shape {labels.shape}, and data has {len(frame)} rows: give one label a "
            "row, or the name of a column."
        )
    if TARGET in frame.columns:
        raise ConfigError(f"data has a column {TARGET!r} already: name the column of the classes.")
    return frame.assign(**{TARGET: labels}), TARGET


def check_target(target: Any, data: Any) -> None:
    """Raise ConfigError if a target is several columns.

    Parameters
    ----------
    target : object
        As a caller gives it.
    data : object
        The table; lists of names of its columns are no labels.

    Examples
    --------
    >>> check_target(["churn", "gender"], "table.csv")
    Traceback (most recent call last):
    imbench.errors.ConfigError: target=['churn', 'gender']: several targets (multi-label) are not \
supported; give one column, such as target='churn'.
    """
    if target is None or isinstance(target, str | int):
        return
    if getattr(target, "ndim", 1) > 1:
        raise ConfigError(
            f"target has shape {target.shape}: several targets (multi-label) are not supported; "
            "give one column, of shape (n,)."
        )
    if not isinstance(target, list | tuple) or not target:
        return
    known = {str(name) for name in getattr(data, "columns", ())}
    is_file = isinstance(data, str | Path)
    if is_file or (len(target) != len(data) and known.issuperset(map(str, target))):
        raise ConfigError(
            f"target={list(target)!r}: several targets (multi-label) are not supported; give one "
            f"column, such as target={target[0]!r}."
        )


def stored_frame(frame: pd.DataFrame, folder: Path) -> Path:
    """Write a table as Parquet, unless the same is there; its name is a hash of its content.

    A file of the name that has other content is damaged, and set aside.

    Parameters
    ----------
    frame : DataFrame
    folder : Path

    Raises
    ------
    DataError
        If a column holds what Parquet cannot, or two have one name.
    CannotWrite
        If the folder cannot be written.
    """
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].unique().tolist()
        raise DataError(
            f"the table has several columns of the name {', '.join(map(repr, twice))}: rename or "
            "drop all but one of each."
        )
    buffer = io.BytesIO()
    try:
        frame.reset_index(drop=True).to_parquet(buffer, index=False)
    except Exception as error:  # pyarrow has an exception for each kind
        why = str(error).splitlines()[0]
        raise DataError(
            f"the table cannot be written as Parquet ({why}): give each column values of one type."
        ) from error
    content = buffer.getvalue()
    path = folder / f"{digest(content)[:16]}.parquet"
    if path.is_file() and not is_whole(path):
        set_aside(path, "fails its checksum")
    if not path.exists():
        try:
            with replacing(path) as file:
                file.write(content)
        except OSError as error:
            raise CannotWrite(
                f"{folder} cannot be written ({error.strerror}): make room, or set results_dir= "
                "to a folder that you may write to."
            ) from error
    return path


def is_whole(path: Path) -> bool:
    """Return whether a stored table has the content that its name says."""
    return digest(path.read_bytes())[:16] == path.stem
