"""Before a run: what was read, what to know about it, and whether it can be split at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from imbench.api.notices import ignored_codes, notices_of, shortened
from imbench.components.names import current_path
from imbench.config.cell import Cell, RefusedCell, by_dataset
from imbench.data.dataset import Dataset
from imbench.data.description import describe, notice_lines
from imbench.data.notices import Notice
from imbench.errors import ConfigError, DataError
from imbench.results.readings import reading_of, write_reading
from imbench.run.cell import KEPT_DATASETS, Runner

READERS = ("imbench.data.table.load_table", "imbench.data.image_folder.load_image_folder")


def readings(
    runner: Runner, cells: Sequence[Cell | RefusedCell], config: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the description of each table of a file, and the notices about all data sets.

    Both are stored for the report. Of a sweep over data sets that are no files of the user the
    first four are looked at, which are kept for the run.

    Parameters
    ----------
    runner : Runner
        Loads the data, and keeps them for the run.
    cells : sequence of Cell or RefusedCell
        What is about to run.
    config : mapping
        Configuration of the first cell.

    Raises
    ------
    DataError
        With all that is wrong with the files, a line each, or with the only data set there is:
        they cannot be read, or not be split. In a sweep over others the cells of one that is
        unusable fail, and the rest goes on.
    """
    groups = by_dataset(cells)
    problems: list[str] = []
    for k, group in enumerate(groups):
        spec = group[0].dataset
        is_file = current_path(spec.source.path) in READERS
        must_work = is_file or len(groups) == 1
        if not must_work and k >= KEPT_DATASETS:
            continue
        try:
            data = runner.data(spec)
            yield from describe(data) if is_file else ()
            _split(runner, group)
        except (ConfigError, DataError) as error:
            problems += [str(error)] if must_work else []
            continue
        yield from _noticed(runner, data, group, config, is_file)
    if problems:
        raise DataError("\n".join(dict.fromkeys(problems)))


def _split(runner: Runner, cells: Sequence[Cell | RefusedCell]) -> None:
    """Prove that the data can be split in all ways that are wanted, the first one last.

    Raises
    ------
    ImbenchError
        If a class has too few rows, or a metric names a class that is not there.
    """
    whole = [cell for cell in reversed(cells) if isinstance(cell, Cell)]
    for cell in {(repr(cell.splitter), repr(cell.metrics)): cell for cell in whole}.values():
        runner.prepare(cell)


def _noticed(
    runner: Runner,
    data: Dataset,
    cells: Sequence[Cell | RefusedCell],
    config: Mapping[str, Any],
    is_file: bool,
) -> Iterator[str]:
    """Yield the notices about a data set once, and store them for each way to split it."""
    node, ignored = cells[0].dataset.node, ignored_codes(config)
    read = describe(data) if is_file else []
    found: dict[Notice, None] = {}
    for cell in {repr(cell.splitter): cell for cell in cells}.values():
        notices = notices_of(data, cell.splitter, node, ignored)
        found |= dict.fromkeys(notices)
        lines = [*read, *notice_lines(data, notices)]
        identity = cell.key(data.name, data.fingerprint).config
        with suppress(OSError):  # of a folder in which nothing can be written the run says more
            if lines or reading_of(runner.store.runs, identity):
                write_reading(runner.store.runs, identity, lines)
    yield from shortened(data.name, list(found), node)
