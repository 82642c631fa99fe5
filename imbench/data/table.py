"""Tables in files: CSV, TSV, other separated text, Parquet, Excel, ARFF, KEEL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.components.construct import closest
from imbench.components.override import override
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.download import data_folder
from imbench.data.notices import Notice
from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:  # these import pandas, which takes long: only if a file is read
    from imbench.data.columns import Format
    from imbench.data.features import FeatureOptions
    from imbench.data.text_files import Layout


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
    missing: Any = (),
    separator: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    dates: str | None = None,
    day_first: bool | None = None,
    data_dir: str | None = None,
) -> Dataset:
    r"""Load a data set from a file. Its name is the name of the file without suffix.

    docs/data.md has the rules: what can be read in two ways is refused, with both ways out.

    Parameters
    ----------
    path : str
        File with a suffix of :data:`imbench.data.readers.READ`, as :func:`find_file` finds it.
    target : str or int or None
        Column of the classes, by name, or by place if there is no header (-1 is the last). None
        is allowed for ``.arff`` and ``.dat`` only: ``@outputs``, by default the last column.
    drop, categorical : list of str
        Columns to leave out, and columns of categories, whatever they look like.
    missing, decimal, thousands
        How values are written, see :class:`imbench.data.columns.Format`.
    separator, header, encoding, comment
        How a text file is divided, see :class:`imbench.data.text_files.Layout`.
    dates, day_first
        How dates are read, see :class:`imbench.data.features.FeatureOptions`.
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
    >>> data.class_names, data.X.tolist()
    (('no', 'yes'), [[31.0, 0.0], [nan, 1.0], [52.0, 0.0]])
    """
    layout = _layout(separator, header, encoding, comment)
    names = _names(drop=drop, categorical=categorical, missing=missing)
    options = _options(names, decimal, thousands, dates, day_first)
    return read_dataset(path, target, names["drop"], layout, options, data_dir)


def _names(**keys: Any) -> dict[str, tuple[str, ...]]:
    """Return lists of names as tuples, by key."""
    from imbench.data.frame import as_names

    return {key: as_names(value, key) for key, value in keys.items()}


def _layout(
    separator: str | None, header: bool | None, encoding: str | None, comment: str | None
) -> Layout:
    from imbench.data.text_files import Layout

    return Layout(_separator(separator), header, encoding, _one_character("comment", comment))


def _options(
    names: Mapping[str, tuple[str, ...]],
    decimal: str,
    thousands: str | None,
    dates: str | None,
    day_first: bool | None,
) -> FeatureOptions:
    """Return how columns are read.

    Raises
    ------
    ConfigError
        If a value is refused.
    """
    from imbench.data.features import FeatureOptions

    how = _format(names["missing"], decimal, thousands)
    if dates not in (None, "parts"):
        raise ConfigError(f"dataset.dates={dates}: unknown; set dataset.dates=parts, or null.")
    return FeatureOptions(how, names["categorical"], dates, day_first)


def read_dataset(
    path: str | None,
    target: str | int | None,
    drop: Sequence[str],
    layout: Layout,
    options: FeatureOptions,
    data_dir: str | None = None,
) -> Dataset:
    """Load a data set from a file, see :func:`load_table`.

    Raises
    ------
    ConfigError
        If the path or the target is missing.
    DataError
        If the file does not exist, cannot be read, or a column is unusable.
    """
    from imbench.data.frame import frame_to_dataset

    file = _given_file(path, data_dir)
    table = _read(file, layout, options.how, drop)
    frame, name = _frame_and_target(table, file, target)
    data = frame_to_dataset(
        frame, name, name=_name_of(file), where=f"dataset.path={path}", drop=drop, options=options
    )  # fmt: skip
    said = [Notice("detected-format", f"{note} was detected.") for note in table.notes]
    said += [Notice("dropped", f"column {c!r}: left out by dataset.drop.", c) for c in drop]
    return replace(data, notices=(*said, *data.notices))


def _format(missing: tuple[str, ...], decimal: str, thousands: str | None) -> Format:
    """Return how numbers are written.

    Raises
    ------
    ConfigError
        If a sign is not one character that could be one, or both are the same.
    """
    from imbench.data.columns import Format

    for key, sign in (("decimal", decimal), ("thousands", thousands)):
        if sign is not None and (len(sign) != 1 or sign.isalnum() or sign in "+-"):
            raise ConfigError(
                f"dataset.{key}={sign!r}: must be one character such as "
                f"{override(f'dataset.{key}', ',')}."
            )
    if decimal == thousands:
        raise ConfigError(
            f"dataset.thousands={thousands}: is the decimal sign too; set "
            f"{override('dataset.decimal', ',' if decimal == '.' else '.')}, or another of them."
        )
    return Format(missing, decimal, thousands)


def _separator(separator: str | None) -> str | None:
    r"""Return one character, ``\s+`` or None.

    Raises
    ------
    ConfigError
        If it is anything else.
    """
    if separator in (None, r"\t", r"\s+"):
        return separator
    return _one_character("separator", separator)


def _one_character(key: str, value: str | None) -> str | None:
    if value is not None and len(value) != 1:
        raise ConfigError(
            f"dataset.{key}={value!r}: must be one character such as "
            f"{override(f'dataset.{key}', ';' if key == 'separator' else '#')}."
        )
    return value


def _name_of(file: Path) -> str:
    """Return the name of a file without suffixes: ``churn.csv.gz`` is ``churn``."""
    from imbench.data.text_files import split_suffix

    suffix, compression = split_suffix(file)
    name = file.name[: -len(compression)] if compression else file.name
    return name[: -len(suffix)] if suffix and name.lower().endswith(suffix) else name


def _given_file(path: str | None, data_dir: str | None) -> Path:
    """Return the path of an existing file.

    Raises
    ------
    ConfigError
        If no path is given.
    DataError
        If the file does not exist.
    """
    from imbench.data.readers import READ

    if not path:
        raise ConfigError(f"dataset.path is missing: set dataset.path=FILE ({', '.join(READ)}).")
    return find_file(str(path), data_dir)


def _read(file: Path, layout: Any, how: Any, dropped: Sequence[str]) -> Any:
    """Return a table, of which every column that is not dropped has a name.

    Raises
    ------
    DataError
        If the file cannot be read, its columns were not separated, or one has no name.
    """
    from imbench.data.readers import read_table
    from imbench.data.text_files import NAMELESS, SUFFIXES, split_suffix

    table = read_table(file, layout, how)
    frame, where = table.frame, f"dataset.path={file}"
    is_text = split_suffix(file)[0] in SUFFIXES
    if frame.shape[1] == 1 and layout.separator is None and is_text:
        raise DataError(
            f"{where}: has one column, {frame.columns[0]!r}; set dataset.separator to what "
            f"separates the columns, such as {override('dataset.separator', ';')}."
        )
    if nameless := [c for c in frame.columns if c.startswith(NAMELESS) and c not in dropped]:
        raise DataError(
            f"{where}: has a column without a name, as a saved row index is; set "
            f"{override('dataset.drop', [*dropped, *nameless])}, or name it in the file."
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
    from imbench.data.readers import declared_roles

    columns = list(map(str, table.frame.columns))
    if isinstance(target, bool):  # a column named true
        target = next((c for c in columns if c.lower() == str(target).lower()), str(target))
    if isinstance(target, int) and str(target) not in columns:
        if not -len(columns) <= target < len(columns):
            raise ConfigError(
                f"dataset.target={target}: the file has {len(columns)} columns; give a place from "
                f"{-len(columns)} to {len(columns) - 1}."
            )
        return table.frame, str(columns[target])
    if target is not None:
        return table.frame, str(target)
    if table.has_roles:
        return declared_roles(table, file)
    raise ConfigError(
        "dataset.target is missing: set it to the column of the classes, such as "
        f"{override('dataset.target', columns[-1])}; the columns are {some_of(columns)}."
    )
