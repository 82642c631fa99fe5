"""Tables in files: CSV, TSV, other separated text, Parquet, Excel, ARFF, KEEL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from imbench.components.construct import closest
from imbench.components.override import override
from imbench.data.cache import from_files
from imbench.data.dataset import Dataset
from imbench.data.notices import Notice
from imbench.data.places import file_of_test, find_file
from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:  # these import pandas, which takes long: only if a file is read
    from imbench.data.columns import Format
    from imbench.data.features import FeatureOptions
    from imbench.data.readers import RawTable
    from imbench.data.roles import RoleColumns
    from imbench.data.text_files import Layout


def _source_files(
    path: str | None = None, data_dir: str | None = None, test: Any = None, **_: Any
) -> tuple[Path, ...] | None:
    return (find_file(str(path), data_dir), *file_of_test(test, data_dir)) if path else None


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
    groups: str | int | None = None,
    time: str | int | None = None,
    weight: str | int | None = None,
    test: str | int | None = None,
    test_values: Any = (),
    data_dir: str | None = None,
) -> Dataset:
    r"""Load a data set from a file, by the rules of docs/data.md; its name is that of the file.

    Parameters
    ----------
    path : str
        File with a suffix of :data:`imbench.data.readers.READ`, as :func:`find_file` finds it.
    target : str or int or None
        Column of the classes, by name, or by place (-1 is the last). None for ``.arff`` and
        ``.dat`` is ``@outputs``, or the last column.
    drop, categorical : list of str
        Columns to leave out, and columns of categories.
    missing, decimal, thousands, separator, header, encoding, comment, dates, day_first
        How the file is read, see `Format` in :mod:`imbench.data.columns`, `Layout` in
        :mod:`imbench.data.text_files` and `FeatureOptions` in :mod:`imbench.data.features`.
    groups, time, weight, test, test_values
        Columns that are no features, see :class:`imbench.data.roles.RoleColumns`; or a second file.
    data_dir : str or None

    Raises
    ------
    ConfigError, DataError
        If a value is refused, the file cannot be read, or a column is unusable.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "churn.csv")
    ...     _ = path.write_text("age,churn\n31,no\n?,yes\n52,no\n")
    ...     print(load_table(str(path), target="churn").X.tolist())
    [[31.0], [nan], [52.0]]
    """
    layout = _layout(separator, header, encoding, comment)
    names = _names(drop=drop, categorical=categorical, missing=missing, test_values=test_values)
    options = feature_options(names, decimal, thousands, dates, day_first, offers_time=time is None)
    roles = {"groups": groups, "time": time, "weight": weight, "test": test}
    read = partial(read_dataset, path, target, names["drop"], layout, options, data_dir)
    return read(roles, names["test_values"])


def _names(**keys: Any) -> dict[str, tuple[str, ...]]:
    """Return lists of names as tuples, by key."""
    from imbench.data.frame import as_names

    return {key: as_names(value, key) for key, value in keys.items()}


def _layout(
    separator: str | None, header: bool | None, encoding: str | None, comment: str | None
) -> Layout:
    from imbench.data.text_files import Layout

    return Layout(_separator(separator), header, encoding, _one_character("comment", comment))


def feature_options(
    names: Mapping[str, tuple[str, ...]],
    decimal: str,
    thousands: str | None,
    dates: str | None,
    day_first: bool | None,
    offers_time: bool,
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
    return FeatureOptions(how, names["categorical"], dates, day_first, offers_time=offers_time)


def read_frame(node: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the rows of a table as they stand in its file, and the name of the target.

    A second file with test rows is left out.

    Parameters
    ----------
    node : mapping
        The node `dataset` of a configuration, of ``dataset=table``.

    Returns
    -------
    frame : DataFrame of shape (n, columns)
        Cells of text files are text.
    target : str

    Raises
    ------
    ConfigError, DataError
        As :func:`load_table`.
    """
    names = _names(drop=node["drop"], missing=node["missing"])
    layout = _layout(*(node[key] for key in ("separator", "header", "encoding", "comment")))
    how = _format(names["missing"], node["decimal"], node["thousands"])
    file = _given_file(node["path"], node["data_dir"])
    roles = [str(node[key]) for key in ("groups", "time", "weight", "test") if node[key]]
    table = _read(file, layout, how, (*names["drop"], *roles))
    frame, target = _frame_and_target(table, file, node["target"])
    return (table.frame if roles else frame), target


def read_dataset(
    path: str | None,
    target: str | int | None,
    drop: Sequence[str],
    layout: Layout,
    options: FeatureOptions,
    data_dir: str | None = None,
    roles: Mapping[str, str | int | None] = MappingProxyType({}),
    test_values: tuple[str, ...] = (),
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
    from imbench.data.roles import joined

    file = _given_file(path, data_dir)
    given = {key: name for key, name in roles.items() if name is not None}
    spared = (*drop, *map(str, given.values()))
    table = _read(file, layout, options.how, spared)
    frame, name = _frame_and_target(table, file, target)
    columns = _role_columns(given, test_values, table, file, data_dir)
    wanted = {*frame.columns, *columns.names.values()}
    if len(wanted) > frame.shape[1]:  # the inputs that an ARFF or KEEL file declares lack one
        frame = table.frame[[c for c in table.frame.columns if c in wanted]]
    notes = list(table.notes)
    if columns.test_file is not None:
        other = _read(file_of_test(columns.test_file, data_dir)[0], layout, options.how, spared)
        needed = [name, *columns.names.values()]
        frame = joined(frame, other.frame, columns.test_file, str(path), drop, needed)
        columns = replace(columns, n_appended=len(other.frame))
        notes += [note for note in other.notes if note not in notes]
    data = frame_to_dataset(
        frame, name, name=_name_of(file), where=f"dataset.path={path}", drop=drop, options=options,
        roles=columns,
    )  # fmt: skip
    notes += [Notice("dropped", f"column {c!r}: left out by dataset.drop.", c) for c in drop]
    return replace(data, notices=(*notes, *data.notices))


def _role_columns(
    given: Mapping[str, str | int],
    test_values: tuple[str, ...],
    table: RawTable,
    file: Path,
    data_dir: str | None,
) -> RoleColumns:
    """Return the columns that have a role, and what ``dataset.test`` is.

    Raises
    ------
    ConfigError
        If ``dataset.test_values`` is set without a column to say so.
    DataError
        If ``dataset.test`` is neither a column nor a file, or both.
    """
    from imbench.data.frame import some_of
    from imbench.data.roles import RoleColumns

    columns = list(map(str, table.frame.columns))
    names = {key: _column_name(name, columns) for key, name in given.items()}
    test = names.get("test")
    found = RoleColumns(
        names.get("groups"), names.get("time"), names.get("weight"), test_values=test_values
    )
    other = file_of_test(test, data_dir)
    if test in columns and other:
        raise DataError(
            f"dataset.test={test}: is a column of {file} and a file; rename one of them, or give "
            f"the file as {override('dataset.test', f'./{test}')}."
        )
    if test is not None and not (test in columns or other):
        raise DataError(
            f"dataset.test={test}: is neither a column of {file}{closest(test, columns)} nor a "
            f"file; its columns are {some_of(columns)}."
        )
    if test_values and test not in columns:
        listed = override("dataset.test_values", test_values)
        what = f"{test} is a file" if test else "no column says which rows are tested"
        raise ConfigError(
            f"{listed}: {what}; set dataset.test to the column that holds these values, or "
            "dataset.test_values=[]."
        )
    if other and other[0].resolve() == file.resolve():
        raise DataError(f"dataset.test={test}: is the file of dataset.path; give another file.")
    return replace(found, test_file=test) if other else replace(found, test=test)


def _column_name(name: str | int, columns: Sequence[str]) -> str:
    """Return a name as text; a column named true is no truth value."""
    if isinstance(name, bool):
        return next((c for c in columns if c.lower() == str(name).lower()), str(name))
    return str(name)


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
            f"{where}: has one column, {str(frame.columns[0])[:60]!r}; set dataset.separator to "
            f"what separates the columns, such as {override('dataset.separator', ';')}."
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
    if isinstance(target, bool):
        target = _column_name(target, columns)
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
