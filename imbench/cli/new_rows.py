"""New rows for a saved model, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from imbench.api.serving.served import ServedModel

KEY = "dataset.path="  # of the messages about files that a comparison reads


def read_rows(path: Path, model: ServedModel) -> pd.DataFrame:
    """Return the rows of a file, its numbers written as in training.

    Raises
    ------
    DataError
        If there is no such file, or it cannot be read.
    """
    from imbench.data.readers import read_table

    if not path.is_file():
        raise DataError(f"{path}: there is no such file; give a table such as new.csv.")
    try:
        return read_table(path, how=model.schema.how).frame
    except DataError as error:
        raise DataError(str(error).replace(KEY, "", 1)) from error
