"""What of a folder of runs is damaged: every file is read, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imbench.components.damage import SUFFIX, Damaged
from imbench.errors import DataError
from imbench.results.cell_files import read_fold, read_key
from imbench.results.scores import Record


@dataclass(frozen=True)
class Finding:
    """A damaged file.

    Parameters
    ----------
    path : Path
    why : str
    beside : Path or None
        A file that is of no use without it.
    """

    path: Path
    why: str
    beside: Path | None = None


def damaged_files(runs: Path) -> Iterator[Finding]:
    """Yield the damaged files of cells, folds and shared scores.

    Parameters
    ----------
    runs : Path
        Folder of the cells.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cell = Path(folder, "digits-knn-none-0f1a")
    ...     cell.mkdir()
    ...     _ = Path(cell, "r0-f0.json").write_text("{}")
    ...     [finding.path.name for finding in damaged_files(Path(folder))]
    ['cell.json', 'r0-f0.json']
    """
    for folder in sorted(path for path in runs.glob("*") if path.is_dir()):
        yield from _of_cell(folder)


def _of_cell(folder: Path) -> Iterator[Finding]:
    names = {path.name.removesuffix(SUFFIX) for path in folder.iterdir()}
    if any(not name.endswith(".scores.npz") for name in names):  # scores alone are no cell
        try:
            read_key(folder)
        except Damaged as error:
            yield Finding(folder / "cell.json", str(error))
        except DataError as error:
            if not (folder / "cell.json").exists():
                yield Finding(folder / "cell.json", str(error))
    for path in sorted(folder.glob("r*-f*.json")):
        try:
            read_fold(path.with_suffix(""))
        except Damaged as error:
            yield Finding(path, str(error), path.with_suffix(".npz"))
        except (DataError, OSError):  # of another version, or gone by now
            continue
    for path in sorted(folder.glob("r*-f*.scores.npz")):
        if not Record.from_bytes(path.read_bytes()).answers:
            yield Finding(path, "fails its checksum")
