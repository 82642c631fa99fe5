"""Tables in files: CSV, TSV, Parquet, ARFF, KEEL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imbench.components.construct import closest
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.download import data_folder
from imbench.errors import ConfigError, DataError

MISSING = ("?", "<null>", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""Texts that mean "no value" in CSV and TSV files, beside blanks."""


def find_file(path: str, data_dir: str | None) -> Path:
    """Return the path of an existing file.

    A relative path is looked up in the working directory first, then in `data_dir`.

    Raises
    ------
    DataError
        If the file does not exist.
    """
    given = Path(path).expanduser()
    places = [given]
    if not given.is_absolute() and (folder := data_folder(data_dir)) is not None:
        places.append(folder / given)
    for place in places:
        if place.is_file():
            return place
    if given.is_dir():
        raise DataError(f"dataset.path={path}: is a folder; give a file in it.")
    looked = "no such file"
    if not given.is_absolute():
        looked += f" in the working directory {Path.cwd()} or in data_dir={data_dir or 'null'}"
    siblings = {p.name for place in places if place.parent.is_dir() for p in place.parent.iterdir()}
    raise DataError(
        f"dataset.path={path}: {looked}{closest(given.name, siblings)}; give the path of a file, "
        "or set data_dir= or the environment variable IMBENCH_DATA to the folder that holds it."
    )


def _source_files(
    path: str | None = None, data_dir: str | None = None, **_: Any
) -> tuple[Path] | None:
    return (find_file(str(path), data_dir),) if path else None


@from_files(_source_files)
def load_table(
    path: str | None = None,
    target: str | int | None = None,
    drop: Any = (),
    categorical: Any = (),
    separator: str | None = None,
    missing: Sequence[str] = MISSING,
    data_dir: str | None = None,
) -> Dataset:
    r"""Load a data set from a file. Its name is the name of the file without suffix.

    Parameters
    ----------
    path : str
        File with the suffix ``.csv``, ``.tsv``, ``.parquet``, ``.arff`` or ``.dat``. A relative
        path is looked up in the working directory first, then in `data_dir`.
    target : str or int or None
        Column of the classes. None is allowed for ``.arff`` and ``.dat`` only: ``@outputs``, by
        default the last column; the features are then ``@inputs``, by default all others.
    drop : list of str
        Columns to leave out, such as identifiers.
    categorical : list of str
        Numeric columns to treat as categories. Text and bool columns always are.
    separator : str or None
        Column separator of CSV and TSV files. None takes the default of the suffix.
    missing : list of str
        Texts that mean "no value" in CSV and TSV files, in addition to blanks.
    data_dir : str or None
        Folder of local data.

    Raises
    ------
    ConfigError
        If the path or the target is missing.
    DataError
        If the file does not exist, cannot be read, or a column is unusable.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "churn.csv")
    ...     _ = path.write_text("age,plan,churn\n31,basic,no\n?,pro,yes\n52,basic,no\n")
    ...     data = load_table(str(path), target="churn")
    >>> data.name, data.class_names, data.feature_names
    ('churn', ('no', 'yes'), ('age', 'plan'))
    >>> data.X.tolist()
    [[31.0, 0.0], [nan, 1.0], [52.0, 0.0]]
    """
    from imbench.data.frame import as_names, frame_to_dataset

    file, where = _given_file(path, data_dir), f"dataset.path={path}"
    dropped = as_names(drop, "drop")
    table = _read(file, where, separator, as_names(missing, "missing"), dropped)
    frame, target = _frame_and_target(table, file, target)
    kinds = as_names(categorical, "categorical")
    return frame_to_dataset(
        frame, target, name=file.stem, where=where, drop=dropped, categorical=kinds
    )


def _given_file(path: str | None, data_dir: str | None) -> Path:
    """Return the path of an existing file.

    Raises
    ------
    ConfigError
        If no path is given.
    DataError
        If the file does not exist.
    """
    from imbench.data.readers import READERS

    if not path:
        raise ConfigError(f"dataset.path is missing: set dataset.path=FILE ({', '.join(READERS)}).")
    return find_file(str(path), data_dir)


def _read(
    file: Path, where: str, separator: str | None, missing: Sequence[str], dropped: Sequence[str]
) -> Any:
    """Return a table, of which every column that is not dropped has a name.

    Raises
    ------
    DataError
        If the file cannot be read, its columns were not separated, or one has no name.
    """
    from imbench.data.readers import read_table

    table = read_table(file, separator, missing)
    frame = table.frame
    if frame.shape[1] == 1 and separator is None and file.suffix.lower() in {".csv", ".tsv"}:
        raise DataError(
            f"{where}: has one column, {frame.columns[0]!r}; set dataset.separator to what "
            "separates the columns, such as ';'."
        )
    if nameless := [
        c for c in frame.columns if str(c).startswith("Unnamed: ") and c not in dropped
    ]:
        raise DataError(
            f"{where}: has a column without a name, as a saved row index is; set "
            f"\"dataset.drop=['{nameless[0]}']\", or name it in the file."
        )
    return table


def _frame_and_target(table: Any, file: Path, target: str | int | None) -> tuple[Any, str]:
    """Return the columns to use and the name of the target.

    Raises
    ------
    ConfigError
        If no target is given and the file does not name one.
    """
    from imbench.data.frame import some_of
    from imbench.data.readers import keel_roles

    if target is not None:
        return table.frame, str(target)
    if file.suffix.lower() in {".arff", ".dat"}:
        return keel_roles(table, file)
    raise ConfigError(
        "dataset.target is missing: set it to the column of the classes, one of "
        f"{some_of(table.frame.columns)}."
    )
