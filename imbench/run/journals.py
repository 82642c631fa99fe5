"""The journals of a results folder: which are damaged, and how they are mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imbench.components.damage import Damaged
from imbench.results.damaged import Finding
from imbench.run.tuning.journal import check, mend


def damaged_journals(results_dir: Path) -> Iterator[Finding]:
    """Yield the damaged journals of tuning. Nothing is changed.

    Parameters
    ----------
    results_dir : Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "tuning", "0f1a.log")
    ...     path.parent.mkdir()
    ...     _ = path.write_bytes(bytes([10]))
    ...     [finding.why for finding in damaged_journals(Path(folder))]
    ['record 1 cannot be read: JSONDecodeError']
    """
    for path in sorted((results_dir / "tuning").glob("*.log")):
        try:
            check(path.read_bytes())
        except Damaged as error:
            yield Finding(path, error.args[0])


def mend_journal(path: Path) -> None:
    """Set a damaged journal aside, and keep the records before the damage."""
    from imbench.run.tuning.storage import journal_lock

    mend(path, journal_lock(str(path)))
