"""Check the verdict: how often it is right where the truth is known.

python scripts/verdict_check.py             the whole check; writes docs/verdict.md and its figures
python scripts/verdict_check.py --smoke     a few tables, in seconds; writes nothing

It judges null tables (no strategy changes anything), tables with planted gains, intervals of drawn
scores, and samples of real populations (below `data_dir`, or IMBENCH_DATA; left out without them).

The exit code is 1 where the exact interval of a rate of false "better" lies above 5 %, where too
few planted gains are told, or where wrong "better" on real populations lies above 1 %.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from verdict_coverage import coverage, effects_coverage
from verdict_figures import draw_coverage, draw_power
from verdict_judges import parallel, run
from verdict_page import page
from verdict_populations import TABLES, Call, available, judge_sample
from verdict_rates import (
    at_gains,
    coverage_lines,
    effects_lines,
    null_lines,
    population_lines,
    power_lines,
    target_lines,
    told_at,
)
from verdict_tables import CONDITIONS

DOC = Path(__file__).parents[1] / "docs" / "verdict.md"
IMAGES = DOC.parent / "images"


def check_tables(n_tables: int, n_jobs: int) -> dict[str, Any]:
    """Judge null tables and planted gains; the parts of the page, and reasons to fail."""
    found = {}
    for condition in CONDITIONS:
        start = time.perf_counter()
        found[condition] = run(condition, n_tables, n_jobs)
        print(f"{condition.words}: {time.perf_counter() - start:.0f} s", flush=True)
    nulls, looks, reasons = null_lines(found)
    power, curves, weak = power_lines(found)
    return {
        "nulls": nulls, "looks": looks, "power": power, "curves": curves,
        "at_gains": at_gains(curves), "reasons": reasons + weak,
    }  # fmt: skip


def check_populations(data_dir: Path, n_samples: int, n_jobs: int) -> dict[str, Any]:
    """Judge samples of real populations; the parts of the page, and reasons to fail."""
    names = available(data_dir)
    missing = [name for name in TABLES if name not in names]
    if missing:
        print(
            f"Left out, because {data_dir} (IMBENCH_DATA) does not hold them: {', '.join(missing)}."
        )
    start = time.perf_counter()
    # Samples of a population are neighbours, so that a process reads it once.
    tasks = [(name, data_dir, i) for name in names for i in range(n_samples)]
    calls: list[Call] = list(chain.from_iterable(parallel(n_jobs, judge_sample, tasks)))
    seconds = time.perf_counter() - start
    print(f"{len(tasks)} samples of real populations: {seconds:.0f} s", flush=True)
    lines, reasons = population_lines(calls)
    return {
        "populations": lines, "targets": target_lines(calls), "names": names, "reasons": reasons,
    }  # fmt: skip


def smoke(n_tables: int = 12) -> bool:
    """Judge a few small tables, and say whether no rate is above what is allowed."""
    small = [replace(c, power=False, looks=False) for c in (CONDITIONS[0], CONDITIONS[10])]
    nulls, _, reasons = null_lines({condition: run(condition, n_tables) for condition in small})
    for line in nulls:
        print(" | ".join(line))
    planted = run(replace(CONDITIONS[1], n_strategies=3), max(n_tables // 2, 1))
    power, curves, _ = power_lines({CONDITIONS[1]: planted})
    for line in power:
        print(" | ".join(line))
    for curve in curves.values():
        if told_at(curve, 0.15) < 0.5:  # few tables: far below what is reached
            reasons.append("a gain of 0.15 is told in less than half of the tables")
    for reason in reasons:
        print(f"Failed: {reason}.")
    return not reasons


def main() -> int:
    """Run the check; 1 if the verdict does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--tables", type=int, default=200, help="of each condition (default: 200)")
    parser.add_argument(
        "--samples", type=int, default=8, help="of each real population (default: 8)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    arguments = parser.parse_args()
    for name in ("tables", "samples", "jobs"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name}={getattr(arguments, name)}: must be at least 1")
    if arguments.smoke:
        return 0 if smoke() else 1
    tables, jobs = arguments.tables, arguments.jobs
    covered = list(coverage(2 * tables, jobs))
    data_dir = Path(os.environ.get("IMBENCH_DATA", "data"))
    real = check_populations(data_dir, arguments.samples, jobs)
    effects = effects_lines(effects_coverage(2 * tables, jobs))
    parts = check_tables(tables, jobs)
    parts |= {"coverage": coverage_lines(covered), "effects": effects}
    reasons = parts.pop("reasons") + real.pop("reasons")
    draw_power(parts.pop("curves"), IMAGES / "verdict-power.png")
    draw_coverage(covered, IMAGES / "verdict-coverage.png")
    text = page(parts | real, tables, arguments.samples, reasons)
    DOC.write_text(text, encoding="utf-8")
    print("\n".join(reasons) or "The verdict holds.")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
