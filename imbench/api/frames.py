"""Data from Python as a file, so that a comparison is stored and resumed like any other."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbench.components.files import replacing
from imbench.errors import ConfigError, DataError

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


def stored_frame(frame: pd.DataFrame, folder: Path) -> Path:
    """Write a table as Parquet, unless the same is there; its name is a hash of its content.

    Parameters
    ----------
    frame : DataFrame
    folder : Path

    Raises
    ------
    DataError
        If a column holds what Parquet cannot.
    """
    buffer = io.BytesIO()
    try:
        frame.reset_index(drop=True).to_parquet(buffer, index=False)
    except Exception as error:  # pyarrow has an exception for each kind
        why = str(error).splitlines()[0]
        raise DataError(
            f"the table cannot be written as Parquet ({why}): give each column values of one type."
        ) from error
    content = buffer.getvalue()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
    return path
