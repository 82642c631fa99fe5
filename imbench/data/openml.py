"""Tables of OpenML, read with scikit-learn."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from imbench.data.dataset import Dataset
from imbench.data.download import OFFLINE, data_folder, downloading, not_available
from imbench.data.frame import as_names, frame_to_dataset, some_of
from imbench.errors import ConfigError, DataError


def _fetch(home: Path, table: str | None, version: int, data_id: int | None) -> Any:
    from sklearn.datasets import fetch_openml

    which = {"data_id": data_id} if data_id is not None else {"name": table, "version": version}
    with downloading(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="A network error occurred")
        return fetch_openml(**which, data_home=str(home), as_frame=True, n_retries=1)


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
    local = data_folder(data_dir)
    homes = [local] if local is not None and (local / "openml").is_dir() else []
    homes += [Path(download_dir).expanduser()] if download_dir is not None else []
    error: Exception = OSError("dataset.download_dir=null")
    for home in homes:
        try:
            bunch = _fetch(home, table, version, data_id)
            break
        except OFFLINE as caught:
            error = caught
        except ValueError as caught:
            raise DataError(f"{label}: OpenML says: {str(caught).splitlines()[0]}") from caught
    else:
        raise not_available(
            label, "scikit-learn's cache openml/", data_dir, download_dir, error
        ) from error
    if target is None and len(bunch.target_names) != 1:
        raise DataError(
            f"{label}: OpenML names {len(bunch.target_names)} targets; set dataset.target to one "
            f"of the columns {some_of(bunch.frame.columns)}."
        )
    return frame_to_dataset(
        bunch.frame,
        str(target or bunch.target_names[0]),
        name=str(bunch.details["name"]),
        where=label,
        drop=as_names(drop, "drop"),
        categorical=as_names(categorical, "categorical"),
    )
