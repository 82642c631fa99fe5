"""``imbench work``: run a chunk of a plan; what is stored is not computed again."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from imbench.components.visible import say


def command(words: list[str]) -> int:
    """Run what is missing of a chunk, and print how much that was.

    Returns
    -------
    int
        1 if a cell failed, 130 if the command was interrupted, else 0.

    Raises
    ------
    ConfigError
        If the plan cannot be read, there is no such chunk, or the cells differ here.
    """
    from imbench.api.plan import Work, index_of
    from imbench.api.progress import progress_bar
    from imbench.cli.words import as_override
    from imbench.results.last_metrics import write_metrics
    from imbench.run.plan import Plan

    arguments = _parser().parse_intermixed_args(words)
    numbers = [int(word) for word in arguments.words if word.isdecimal()]
    overrides = [as_override(word) for word in arguments.words if not word.isdecimal()]
    if len(numbers) > 1:
        _parser().error(f"give one INDEX, not {' '.join(map(str, numbers))}")
    plan = Plan.read(arguments.plan)
    index, variable = index_of(numbers[0] if numbers else None)
    tell = partial(say, stream=sys.stderr)
    if variable:
        tell(f"work: chunk {index}, from {variable}.")
    work = Work(plan, index, overrides, tell)
    with suppress(OSError):  # the first fold that is stored tells
        write_metrics(work.sweep.store.runs, work.sweep.config)
    name = f"chunk {index} of 0 to {len(plan.chunks) - 1}"
    with closing(work.sweep), progress_bar(work.sweep.outlines) as bar:
        try:
            done = work.run(bar)
        except KeyboardInterrupt:
            bar.stop()
            tell(f"imbench: interrupted in {name}; every finished fold is stored: run it again.")
            return 130
    for cell in done.failed:
        tell(f"imbench: failed: {cell.dataset} {cell.model} {cell.label}: {cell.reason}")
        for fold in cell.folds if arguments.traceback else ():
            print(fold.traceback, file=sys.stderr)
    say(
        f"{name}: {done.n_run} folds run, {done.n_stored} were stored, "
        f"{len(done.failed)} cells failed; results in {work.sweep.store.runs}."
    )
    return int(bool(done.failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbench work",
        allow_abbrev=False,
        description="Run a chunk of a plan; what is stored is not computed again.",
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="from `imbench plan`")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="INDEX, key=value",
        help="the chunk, from 0 (default: SLURM_ARRAY_TASK_ID, PBS_ARRAY_INDEX or "
        "JOB_COMPLETION_INDEX); results_dir=, data_dir=, n_jobs=",
    )
    parser.add_argument("--traceback", action="store_true")
    return parser
