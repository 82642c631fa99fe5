"""Imbalanced tables of the KEEL repository, by name."""

from __future__ import annotations

from pathlib import Path

from imbench.components.construct import closest
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.download import data_folder
from imbench.data.table import read_dataset
from imbench.errors import ConfigError, DataError


def _source_files(table: str | None = None, data_dir: str | None = None) -> tuple[Path] | None:
    folder = data_folder(data_dir)
    return None if folder is None else (folder / "keel" / f"{table}.dat",)


@from_files(_source_files)
def load_keel(table: str | None = None, data_dir: str | None = None) -> Dataset:
    r"""Load the table ``keel/<table>.dat`` of `data_dir`.

    KEEL offers no download that a program could use, so the files have to be there.

    Parameters
    ----------
    table : str
        Name of the table, such as ``yeast4``.
    data_dir : str
        Folder that contains the folder ``keel``.

    Raises
    ------
    ConfigError
        If no table is given.
    DataError
        If the folder or the table does not exist, or the file is damaged.

    Examples
    --------
    >>> import tempfile
    >>> text = "@relation toy\n@attribute a real\n@attribute c {no, yes}\n@data\n1, no\n2, yes\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Path(folder, "keel").mkdir()
    ...     _ = Path(folder, "keel", "toy.dat").write_text(text)
    ...     data = load_keel("toy", folder)
    >>> data.X.tolist(), data.class_names
    ([[1.0], [2.0]], ('no', 'yes'))

    References
    ----------
    Alcala-Fdez et al., KEEL Data-Mining Software Tool: Data Set Repository, Journal of
    Multiple-Valued Logic and Soft Computing 17, 2011.
    """
    folder = data_folder(data_dir)
    known = sorted(p.stem for p in Path(folder, "keel").glob("*.dat")) if folder else []
    if not known:
        raise DataError(
            f"dataset=keel: data_dir={data_dir or 'null'} holds no keel/*.dat; set data_dir= or "
            "the environment variable IMBENCH_DATA to a folder with KEEL's tables, or use "
            "dataset=digits, which needs no file."
        )
    if table is None:
        raise ConfigError(
            f"dataset.table is missing: set dataset.table=NAME, such as {known[-1]} "
            f"({len(known)} in {folder}/keel)."
        )
    if str(table) not in known:
        raise DataError(
            f"dataset.table={table}: {folder}/keel has no such table{closest(str(table), known)}; "
            f"it has {', '.join(known)}."
        )
    from imbench.data.features import FeatureOptions
    from imbench.data.text_files import Layout

    path = str(Path(str(folder), "keel", f"{table}.dat").resolve())
    return read_dataset(path, None, (), Layout(), FeatureOptions(keeps_constants=True))
