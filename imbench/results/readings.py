"""What was read of a table, and what was noticed, beside the results: a text file a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imbench.components.files import replacing
from imbench.components.hashing import run_id_of


def reading_key(config: Mapping[str, Any]) -> str:
    """Return what the reading of a cell is called: by its content and how it is split.

    Parameters
    ----------
    config : mapping
        Of the cell, with its ``fingerprint``.

    Examples
    --------
    >>> reading_key({"fingerprint": "0f1a" * 16, "splits": {"n_splits": 5}})[:17]
    '0f1a0f1a0f1a0f1a-'
    """
    return f"{str(config.get('fingerprint'))[:16]}-{run_id_of(dict(config.get('splits') or {}))}"


def write_reading(runs: Path, config: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Write the description of a table; it is the same for all cells of its content.

    Parameters
    ----------
    runs : Path
        Folder of the cells; the text lies in the folder ``readings`` beside it.
    config : mapping
        Of a cell, with its ``fingerprint``.
    lines : iterable of str

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs, config = Path(folder, "runs"), {"fingerprint": "0f1a", "splits": {}}
    ...     write_reading(runs, config, ["toy: 4 rows", "toy: classes: a 3, b 1"])
    ...     reading_of(runs, config), reading_of(runs, {})
    (('toy: 4 rows', 'toy: classes: a 3, b 1'), ())
    """
    path = _path(runs, reading_key(config))
    content = "".join(f"{' '.join(line.split())}\n" for line in lines).encode()
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)


def reading_of(runs: Path, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was read of the data of a cell, nothing if that is not known.

    Earlier versions wrote one file for all splits.
    """
    for key in (reading_key(config), str(config.get("fingerprint"))[:16]):
        try:
            return tuple(_path(runs, key).read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            continue
    return ()


def _path(runs: Path, key: str) -> Path:
    return runs.parent / "readings" / f"{key}.txt"
