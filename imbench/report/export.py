"""Every fold value as a data frame and as Parquet, for analyses of one's own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.errors import ConfigError
from imbench.report.render import to_csv
from imbench.report.tables import Leaderboard

if TYPE_CHECKING:
    import pandas as pd

TEXT = ("run_id", "dataset", "model", "label", "status", "reason", "metric")
WHOLE = ("repeat", "fold", "n_train", "n_test")


def to_frame(board: Leaderboard) -> pd.DataFrame:
    """One row for each cell, fold and metric; the columns of ``results.csv``.

    A cell without a finished fold has one row without a metric. Undefined values are missing.
    """
    import pandas as pd

    types = dict.fromkeys(TEXT, "string") | dict.fromkeys(WHOLE, "Int64")
    # Only empty cells are missing: a strategy may be called "none" or "NA".
    frame = pd.read_csv(
        io.StringIO(to_csv(board)), dtype=types, keep_default_na=False, na_values=[""]
    )
    return frame.astype({"fit_s": "float64", "predict_s": "float64", "value": "float64"})


def write_parquet(board: Leaderboard, path: Path) -> None:
    """Write :func:`to_frame` as Parquet.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    try:
        to_frame(board).to_parquet(path, index=False)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror or error}): "
            "choose a folder that you may write to."
        ) from error
