"""Which stored cell the NAME of ``imbench fit NAME FILE`` means."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from imbench.results.fold import CellResult

SHOWN = 20  # names in a message


@dataclass(frozen=True, eq=False)
class StoredRow:
    """A cell that was compared on a file.

    Parameters
    ----------
    cell : CellResult
    words : list of str
        That compose it, with the file.
    config : mapping
        Composed from them.
    why : str
        Why this one is taken where the name fits several; otherwise empty.
    """

    cell: CellResult
    words: list[str]
    config: Mapping[str, Any]
    why: str = ""

    @property
    def fitted(self) -> tuple[Any, ...]:
        """What is the same for cells that fit the same model to all rows."""
        from imbench.api.recipe import is_of_estimator
        from imbench.api.refit import tuned_values

        kept = sorted(word for word in self.words if is_of_estimator(word))
        names = self.cell.model, self.cell.label, self.config["seed"]
        return (*names, tuple(kept), repr(tuned_values(self.cell)))


def row_of(
    name: str, file: Path, overrides: Sequence[str], cells: Sequence[CellResult], runs: Path
) -> StoredRow:
    """Return the row of a name that was compared on a file.

    Parameters
    ----------
    name : str
        ``threshold``, ``lightgbm/threshold``, or such a name with settings as tables and messages
        have it: ``lightgbm/smote (k_neighbors=3)``.
    file : Path
    overrides : sequence of str
        How the file was read.
    cells : sequence of CellResult
        All that are stored.
    runs : Path
        Folder of them.

    Raises
    ------
    ConfigError
        If no finished cell has this name, or several have it and none is recommended.
    DataError
        If the file does not hold the rows that were compared.
    """
    rows = _on_file(name, file, overrides, _named(name, cells), runs)
    titles = _titles(rows)
    same = [row for row, title in zip(rows, titles, strict=True) if _fits(name, row.cell, title)]
    kinds = defaultdict(list)
    for row in same or rows:
        kinds[row.fitted].append(row)
    largest = [max(found, key=lambda row: len(row.cell.finished)) for found in kinds.values()]
    if len(largest) == 1:
        return largest[0]
    return _recommended(name, same or rows, largest, runs) or _refuse(name, file, largest)


def _named(name: str, cells: Sequence[CellResult]) -> list[CellResult]:
    """Return the finished cells of a name; settings behind it are looked at later."""
    from imbench.components.construct import closest

    done = [cell for cell in cells if cell.status == "ok" and cell.finished]
    plain = name.partition(" (")[0]
    found = [cell for cell in done if plain in (cell.label, f"{cell.model}/{cell.label}")]
    if not found:
        names = sorted({f"{cell.model}/{cell.label}" for cell in done})
        near = closest(plain, sorted({cell.label for cell in done}) + names)
        raise ConfigError(
            f"fit {name}: no finished cell has this name{near}; there are "
            f"{', '.join(names[:SHOWN])}."
        )
    return found


def _on_file(
    name: str, file: Path, overrides: Sequence[str], cells: Sequence[CellResult], runs: Path
) -> list[StoredRow]:
    """Return the cells that were compared on a file."""
    from imbench.cli.reproduce import commands
    from imbench.components.override import quoted
    from imbench.config.compose import Composer
    from imbench.config.parse import Draft
    from imbench.run.cell import Runner

    composer, runner = Composer(None), Runner(runs.parent)
    found, rows = commands(cells, composer), []
    for cell in cells:
        words = [w for w in found.get(cell.run_id, ()) if not w.startswith("dataset.path=")]
        if "dataset=table" not in words:
            continue
        words = [*words, f"dataset.path={quoted(str(file))}", *overrides]
        config = composer.cells(words, multirun=False)[0]
        data = runner.data(Draft(config, composer.folders).outline.dataset)
        if data.fingerprint == cell.config.get("fingerprint"):
            rows.append(StoredRow(cell, words, config))
    if not rows:
        raise DataError(
            f"{file} does not hold the rows that {name} was compared on: give the file of "
            "the run, and how it was read, such as --set dataset.decimal=','."
        )
    return rows


def _titles(rows: Sequence[StoredRow]) -> list[str]:
    """Return the label of each row, with settings where rows of one model differ in them."""
    from imbench.report.titles import row_titles

    titles = [""] * len(rows)
    for model in {row.cell.model for row in rows}:
        places = [i for i, row in enumerate(rows) if row.cell.model == model]
        found = row_titles([rows[i].cell for i in places])
        for i, title in zip(places, found, strict=True):
            titles[i] = title
    return titles


def _fits(name: str, cell: CellResult, title: str) -> bool:
    return name in (cell.label, f"{cell.model}/{cell.label}", title, f"{cell.model}/{title}")


def _recommended(
    name: str, rows: Sequence[StoredRow], kinds: Sequence[StoredRow], runs: Path
) -> StoredRow | None:
    """Return the row that was recommended, or that of the recommended model; None if none is."""
    from imbench.results.recommended import read_recommended

    known = read_recommended(runs)
    picks = [known.get(key) for key in {str(row.cell.config["fingerprint"]) for row in rows}]
    if len(picks) != 1 or picks[0] is None:
        return None
    pick = picks[0]
    found = [row for row in rows if row.cell.run_id == pick.get("run_id")]
    found = found or [row for row in kinds if row.cell.model == pick.get("model")]
    if len(found) != 1:
        return None
    row = found[0]
    names = sorted({other.cell.model for other in rows})
    several = f"{len(names)} models ({', '.join(names)})" if len(names) > 1 else "several settings"
    why = f"{name} was compared with {several}, and this is the recommended one"
    return StoredRow(row.cell, row.words, row.config, why)


def _refuse(name: str, file: Path, rows: Sequence[StoredRow]) -> StoredRow:
    """Raise ConfigError with the names that tell rows apart."""
    pairs = zip(rows, _titles(rows), strict=True)
    names = sorted(f"{row.cell.model}/{title}" for row, title in pairs)
    lines = [f"`fit {shlex.quote(choice)} {shlex.quote(str(file))}`" for choice in names[:SHOWN]]
    raise ConfigError(
        f"fit {name}: {len(names)} rows have this name, and none of them is recommended; choose "
        f"{', '.join(lines[:-1])} or {lines[-1]}."
    )
