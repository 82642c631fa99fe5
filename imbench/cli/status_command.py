"""``imbench status``: what is done of a plan, what is missing, and what to run next."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.cli.planning import ranges
from imbench.components.visible import say

if TYPE_CHECKING:
    from imbench.run.plan import Plan
    from imbench.run.plan_status import PlanStatus

SHOWN = 20  # cells, or damaged files, that are named


def command(words: list[str]) -> int:
    """Print how far a plan is, from the results on disk alone.

    Returns
    -------
    int
        0 if every fold is stored and none failed, else 1.

    Raises
    ------
    ConfigError
        If the plan cannot be read.
    """
    from imbench.results.store import Store
    from imbench.run.plan import Plan
    from imbench.run.plan_status import status_of

    arguments = _parser().parse_args(words)
    plan = Plan.read(arguments.plan)
    results = arguments.results or Path(plan.results_dir)
    status = status_of(plan, Store(results))
    for line in _lines(plan, status, arguments.plan, results):
        say(line)
    return 0 if status.is_complete else 1


def _lines(plan: Plan, status: PlanStatus, path: Path, results: Path) -> Iterator[str]:
    from imbench.results.fold import fold_name

    claimed = f", {status.n_claimed} of them claimed by workers" if status.n_claimed else ""
    yield (
        f"{path}: {status.n_done} of {plan.n_folds} folds done, {len(status.missing)} missing"
        f"{claimed}, {len(status.failed)} of {len(plan.cells)} cells failed; results in {results}."
    )
    missing: dict[str, list[str]] = {}
    for entry, place, chunk in status.missing:
        missing.setdefault(entry.name, []).append(f"{fold_name(*place)} (chunk {chunk})")
    yield from _some([f"missing: {name}: {', '.join(some)}" for name, some in missing.items()])
    yield from _some([f"failed: {entry.name}: {reason}" for entry, reason in status.failed])
    yield from _some([f"damaged: {sentence}" for sentence in status.damaged])
    name, folder = shlex.quote(str(path)), shlex.quote(str(results))
    where = "" if results == Path(plan.results_dir) else f" results_dir={folder}"
    if status.chunks:
        numbers = status.chunks
        yield f"run next: python -m imbench work {name} {numbers[0]}{where}"
        if len(numbers) > 1:
            yield f"          and {ranges(numbers[1:])}, or sbatch --array={ranges(numbers)}"
    elif status.is_complete:
        yield f"complete. run next: python -m imbench report {folder}/runs"
        yield f"                    python -m imbench sync {folder}   (exports to MLflow)"
    else:
        yield "nothing is left to run: change what failed, and make a plan without it."


def _some(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imbench status",
        allow_abbrev=False,
        description="Say what is done of a plan, what is missing, and what to run next.",
    )
    parser.add_argument("plan", type=Path, metavar="PLAN", help="from `imbench plan`")
    parser.add_argument("results", nargs="?", type=Path, help="default: the folder of the plan")
    parser.add_argument("--traceback", action="store_true")
    return parser
