"""The 27 benchmark tables of imbalanced-learn, hosted on Zenodo."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from imbench.components.construct import closest
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.download import OFFLINE, data_folder, downloading, fetch_cached
from imbench.errors import ConfigError, DataError

TABLES = (
    "ecoli", "optical_digits", "satimage", "pen_digits", "abalone", "sick_euthyroid",
    "spectrometer", "car_eval_34", "isolet", "us_crime", "yeast_ml8", "scene", "libras_move",
    "thyroid_sick", "coil_2000", "arrhythmia", "solar_flare_m0", "oil", "car_eval_4",
    "wine_quality", "letter_img", "yeast_me2", "webpage", "ozone_level", "mammography",
    "protein_homo", "abalone_19",
)  # fmt: skip


def _source_files(
    table: str | None = None, data_dir: str | None = None, download_dir: str | None = None
) -> tuple[Path] | None:
    if table not in TABLES:
        return None
    name = f"x{TABLES.index(table) + 1}data.npz"  # as imbalanced-learn calls it
    downloaded = None if download_dir is None else Path(download_dir).expanduser()
    for home in (data_folder(data_dir), downloaded):
        if home is not None and (home / "zenodo" / name).is_file():
            return (home / "zenodo" / name,)
    return None


def _fetch(table: str, home: Path, may_download: bool) -> Any:
    """Return a table as imbalanced-learn does, with `data` (n, d) and `target` (n,) of -1 and 1.

    Raises
    ------
    DataError
        If its file is damaged.
    """
    from imblearn.datasets import fetch_datasets

    try:
        with downloading():
            return fetch_datasets(
                data_home=str(home), filter_data=(table,), download_if_missing=may_download
            )[table]
    except OFFLINE:  # that of an invalid certificate is a ValueError too
        raise
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"dataset.table={table}: its file in {home}/zenodo is damaged ({error}); delete "
            "that folder and run again."
        ) from error


@from_files(_source_files)
def load_zenodo(
    table: str | None = None, data_dir: str | None = None, download_dir: str | None = None
) -> Dataset:
    """Load one of the tables of ``imblearn.datasets.fetch_datasets``.

    They have 336 to 145,751 rows and ratios of 8.6:1 to 130:1. Categories are one-hot encoded.
    There is no example, because it needs a network or an earlier download.

    Parameters
    ----------
    table : str
        Name of the table, such as ``ecoli``.
    data_dir : str or None
        Folder with imbalanced-learn's cache ``zenodo/``. It is never written.
    download_dir : str or None
        Folder of the cache otherwise (34 MB, all tables in one download).

    Raises
    ------
    ConfigError
        If the table is missing or unknown.
    DataError
        If the table cannot be downloaded or its file is damaged.

    References
    ----------
    Ding, Diversified Ensemble Classifiers for Highly Imbalanced Data Learning and their
    Application in Bioinformatics, dissertation, Georgia State University, 2011,
    https://doi.org/10.5281/zenodo.61452.
    """
    if table is None:
        raise ConfigError(f"dataset.table is missing: set it to one of {', '.join(TABLES)}.")
    if table not in TABLES:
        raise ConfigError(
            f"dataset.table={table}: imbalanced-learn has no such table"
            f"{closest(str(table), TABLES)}; it has {', '.join(TABLES)}."
        )
    fetch, label = partial(_fetch, table), f"dataset.table={table}"
    found = fetch_cached(fetch, label, "imbalanced-learn", "zenodo", data_dir, download_dir)
    return Dataset(
        name=table,
        X=np.asarray(found.data, dtype=np.float64),
        y=(found.target > 0).astype(np.int64),  # the file holds -1 and 1, 1 is the minority
        class_names=("negative", "positive"),
        feature_names=tuple(f"x{i}" for i in range(found.data.shape[1])),
    )
