"""Before a run: what was read from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from imbench.components.names import current_path
from imbench.config.cell import Cell, RefusedCell, by_dataset
from imbench.data.description import describe, notice_lines
from imbench.errors import ConfigError, DataError
from imbench.results.readings import write_reading
from imbench.run.cell import Runner

READER = "imbench.data.table.load_table"


def readings(runner: Runner, cells: Sequence[Cell | RefusedCell]) -> Iterator[str]:
    """Yield the description of each table of a file.

    It is stored for the report, with what was noticed while the file was read.

    Parameters
    ----------
    runner : Runner
        Loads the data, and keeps them for the run.
    cells : sequence of Cell or RefusedCell
        What is about to run.

    Raises
    ------
    DataError
        With all that is wrong with the files, a line each, or with the only data set there is. In
        a sweep over others the cells of one that cannot be loaded fail, and the rest goes on.
    """
    specs = [group[0].dataset for group in by_dataset(cells)]
    problems: list[str] = []
    for spec in specs:
        is_file = current_path(spec.source.path) == READER
        if not is_file and len(specs) > 1:
            continue
        try:
            data = runner.data(spec)
        except (ConfigError, DataError) as error:
            problems.append(str(error))
            continue
        if is_file:
            lines = describe(data)
            with suppress(OSError):  # of a folder in which nothing can be written the run says more
                stored = [*lines, *notice_lines(data)]
                write_reading(runner.store.runs, data.fingerprint, stored)
            yield from lines
    if problems:
        raise DataError("\n".join(dict.fromkeys(problems)))
