"""What was read of a table, beside the results: a text file a data set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imbench.components.files import replacing


def write_reading(runs: Path, fingerprint: str, lines: Iterable[str]) -> None:
    """Write the description of a table; it is the same for all cells of its content.

    Parameters
    ----------
    runs : Path
        Folder of the cells; the text lies in the folder ``readings`` beside it.
    fingerprint : str
        Of the data set.
    lines : iterable of str

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = Path(folder, "runs")
    ...     write_reading(runs, "0f1a", ["toy: 4 rows", "toy: classes: a 3, b 1"])
    ...     reading_of(runs, "0f1a"), reading_of(runs, None)
    (('toy: 4 rows', 'toy: classes: a 3, b 1'), ())
    """
    path = _path(runs, fingerprint)
    content = "".join(f"{' '.join(line.split())}\n" for line in lines).encode()
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)


def reading_of(runs: Path, fingerprint: str | None) -> tuple[str, ...]:
    """Return what was read of a table, nothing if that is not known."""
    try:
        text = _path(runs, fingerprint or "").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(text.splitlines())


def _path(runs: Path, fingerprint: str) -> Path:
    return runs.parent / "readings" / f"{fingerprint[:16]}.txt"
