"""Tables of OpenML, read with scikit-learn."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

from imbench.data.dataset import Dataset
from imbench.data.download import OFFLINE, downloading, fetch_cached
from imbench.data.features import FeatureOptions
from imbench.data.frame import as_names, frame_to_dataset, some_of
from imbench.errors import ConfigError, DataError


def _fetch(which: dict[str, Any], label: str, home: Path, _may_download: bool) -> Any:
    """Return a table and what OpenML says about it; scikit-learn downloads what is missing.

    Raises
    ------
    DataError
        If OpenML refuses the request.
    """
    from sklearn.datasets import fetch_openml

    try:
        with downloading(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="A network error occurred")
            return fetch_openml(**which, data_home=str(home), as_frame=True, n_retries=1)
    except OFFLINE:  # that of an invalid certificate is a ValueError too
        raise
    except ValueError as error:
        raise DataError(f"{label}: OpenML says: {str(error).splitlines()[0]}") from error


def _target_of(bunch: Any, target: str | None, label: str) -> str:
    """Return the column of the classes, which OpenML names unless it is given.

    Raises
    ------
    DataError
        If OpenML names no target or several.
    """
    if target is None and len(bunch.target_names) != 1:
        raise DataError(
            f"{label}: OpenML names {len(bunch.target_names)} targets; set dataset.target to one "
            f"of the columns {some_of(bunch.frame.columns)}."
        )
    return str(target or bunch.target_names[0])


def load_openml(
    table: str | None = None,
    version: int = 1,
    data_id: int | None = None,
    target: str | None = None,
    drop: Any = (),
    categorical: Any = (),
    data_dir: str | None = None,
    download_dir: str | None = None,
) -> Dataset:
    """Load an OpenML table from scikit-learn's cache or from the network.

    It has no example, because it needs a network or an earlier download.

    Parameters
    ----------
    table : str or None
        Name on OpenML, such as ``adult``. Give either `table` or `data_id`.
    version : int, default=1
        Version of the name. There is no "newest", because versions may hold different data.
    data_id : int or None
        Number on OpenML, instead of name and version.
    target : str or None
        Column of the classes. None takes OpenML's default target.
    drop, categorical : list of str
        See :func:`imbench.data.table.load_table`.
    data_dir : str or None
        Folder with scikit-learn's cache ``openml/``. It is used if that folder exists.
    download_dir : str or None
        Folder of the cache otherwise.

    Raises
    ------
    ConfigError
        If not exactly one of `table` and `data_id` is given.
    DataError
        If the table is unknown, has no single target, or cannot be downloaded.
    """
    if (table is None) == (data_id is None):
        raise ConfigError(
            f"dataset.table={table or 'null'} and dataset.data_id={data_id or 'null'}: set one of "
            "them, such as dataset.table=adult with dataset.version=2, or dataset.data_id=1590."
        )
    label = f"dataset.table={table} (version {version})" if table else f"dataset.data_id={data_id}"
    which = {"data_id": data_id} if data_id is not None else {"name": table, "version": version}
    fetch = partial(_fetch, which, label)
    bunch = fetch_cached(fetch, label, "scikit-learn", "openml", data_dir, download_dir)
    return frame_to_dataset(
        bunch.frame,
        _target_of(bunch, target, label),
        name=str(bunch.details["name"]),
        where=label,
        drop=as_names(drop, "drop"),
        options=FeatureOptions(
            categorical=as_names(categorical, "categorical"), keeps_constants=True
        ),
    )
