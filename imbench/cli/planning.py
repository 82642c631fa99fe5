"""Write a plan, and say in lines of a shell how to run it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.components.visible import say

if TYPE_CHECKING:
    from imbench.run.plan import Plan


def write_plan(words: Sequence[str], config_dir: Path | None, n_chunks: int, out: Path) -> None:
    """Make a plan, write it, and print the lines that run it.

    Parameters
    ----------
    words : sequence of str
        Of the sweep.
    config_dir : Path or None
    n_chunks : int
    out : Path
        Of the plan.

    Raises
    ------
    ConfigError
        If a word is wrong, no cell can run, or the plan cannot be written.
    """
    from imbench.api.plan import make_plan

    plan, work = make_plan(words, config_dir, n_chunks)
    plan.write(out)
    for line in [*described(plan, work, out), *how_to_run(out, range(n_chunks))]:
        say(line)


def described(plan: Plan, work: Sequence[float], path: Path) -> list[str]:
    """Return what a plan holds, a line each.

    Parameters
    ----------
    plan : Plan
    work : sequence of float
        Of each chunk.
    path : Path
        Of the plan.
    """
    sizes = [sum(map(len, chunk.values())) for chunk in plan.chunks]
    mean = sum(work) / len(work)
    lines = [
        f"{path}: {len(plan.cells)} cells with {plan.n_folds} folds in {len(sizes)} chunks of "
        f"{min(sizes)} to {max(sizes)} folds; the largest has {max(work) / mean:.2f} times the "
        "mean work. Nothing was run."
    ]
    n_full = sum(size > 0 for size in sizes)
    if n_full < len(sizes):
        lines.append(
            f"only {n_full} chunks hold a fold, as folds that are fitted together stay together: "
            f"--chunks {n_full} is enough."
        )
    lines += [f"failed: {entry.name}: {entry.reason}" for entry in plan.cells if entry.reason]
    return lines


def how_to_run(path: Path, chunks: Sequence[int]) -> list[str]:
    """Return the lines of a shell that run chunks of a plan, and what follows.

    Examples
    --------
    >>> for line in how_to_run(Path("plan.json"), [0, 1, 2, 5]):
    ...     print(line)
    run the chunks, in whatever order and place, again where one was killed:
      sbatch --array=0-2,5 --wrap 'python -m imbench work plan.json'
      for i in 0 1 2 5; do python -m imbench work plan.json $i; done
    then: python -m imbench status plan.json
    """
    name = shlex.quote(str(path))
    work = f"python -m imbench work {name}"
    return [
        "run the chunks, in whatever order and place, again where one was killed:",
        f"  sbatch --array={ranges(chunks)} --wrap {shlex.quote(work)}",
        f"  for i in {' '.join(map(str, chunks))}; do {work} $i; done"
        if len(chunks) <= 20
        else f"  for i in $(seq 0 {max(chunks)}); do {work} $i; done",
        f"then: python -m imbench status {name}",
    ]


def ranges(numbers: Sequence[int]) -> str:
    """Return numbers in the notation of array jobs.

    Parameters
    ----------
    numbers : sequence of int
        Ascending.

    Examples
    --------
    >>> ranges([0, 1, 2, 5, 7, 8])
    '0-2,5,7-8'
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
