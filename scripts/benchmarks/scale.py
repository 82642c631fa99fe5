"""Measure how time and memory of a strategy grow with rows and with classes.

python scripts/bench.py scale                                 everything, up to a million rows
python scripts/bench.py scale --rows 100000 --strategies smote,enn --json scale.json

A table of card fraud (30 columns, 0.2 % minority) grows from 10^3 rows to 10^6, and at a fixed
number of rows the classes grow from 2 to 100. Every measurement is one fold (a hold-out), from the
fingerprint of the data to stored scores and metrics, in a process of its own with one thread.
Seconds are processor time. The exponent is the slope of a least-squares line through the
logarithms of the three largest sizes that were measured; n log n has a slope of about 1.07 between
10^4 and 10^6, so that 1.1 is the bound. Peak memory is what the process takes more than before the
data was made, the data included, over the bytes of the data; it is judged at the largest size.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imbench.config import catalogue

ROWS = (1_000, 10_000, 100_000, 1_000_000)
CLASSES = (2, 5, 10, 20, 50, 100)
ROWS_OF_CLASSES = 20_000
LARGEST_EXPONENT = 1.1
LARGEST_PEAK = 3.0  # times the data
FEWEST_ROWS_OF_PEAK = 100_000  # below, what a library keeps for itself is more than the data
N_FITTED = 3  # sizes that the line goes through
CHILD = "import sys; from benchmarks import scale_cell; sys.exit(scale_cell.main(sys.argv[1]))"
CONDITIONS = "30 columns, hold-out of 25 %, one thread"
LINEAR, NET = "model=logistic_regression", ("model=mlp", "model.estimator.epochs=1")


@dataclass(frozen=True)
class Case:
    """A strategy whose growth is measured.

    Parameters
    ----------
    name : str
        What `--strategies` calls it.
    stage : str
    words : tuple of str
        Of the command line: strategy, model and what else differs from the defaults.
    adds_rows : bool
        Over-samplers: memory is shown and not judged.
    is_exact_search : bool
        Exact nearest neighbours: the exponent in rows is shown and not judged.
    """

    name: str
    stage: str
    words: tuple[str, ...]
    adds_rows: bool = False
    is_exact_search: bool = False


@dataclass(frozen=True)
class Point:
    """One measurement, or why there is none.

    Parameters
    ----------
    size : int
        Rows or classes.
    seconds : float
        NaN without a measurement, as ``peak``.
    us_a_row : float
        Microseconds a row of the table.
    peak : float
        Peak memory over the bytes of the data.
    n_trained : float
        Rows that a model got, a mean over members.
    why_not : str
    """

    size: int
    seconds: float = math.nan
    us_a_row: float = math.nan
    peak: float = math.nan
    n_trained: float = math.nan
    why_not: str = ""


def cases() -> list[Case]:
    """Return the strategies, one of each stage at least."""
    found = [
        Case("none", "none", ("strategy=none", LINEAR)),
        Case("none-mlp", "none", ("strategy=none", *NET)),
        Case("random_over", "resample", ("strategy=random_over", LINEAR), adds_rows=True),
        Case("smote", "resample", ("strategy=smote", LINEAR), adds_rows=True),
        Case("random_under", "resample", ("strategy=random_under", LINEAR)),
        Case("tomek", "resample", ("strategy=tomek", LINEAR), is_exact_search=True),
        Case("enn", "resample", ("strategy=enn", LINEAR), is_exact_search=True),
        Case("balanced_batches", "batches", ("strategy=balanced_batches", *NET)),
        Case("mixup", "augment", ("strategy=mixup", *NET)),
        Case("balanced_weights", "weights", ("strategy=balanced_weights", LINEAR)),
        Case("focal", "loss", ("strategy=focal", *NET)),
        Case("balanced_bagging", "ensemble", ("strategy=balanced_bagging", LINEAR)),
        Case("easy_ensemble", "ensemble", ("strategy=easy_ensemble", LINEAR)),
        Case("threshold", "decision", ("strategy=threshold", LINEAR)),
        Case("class_thresholds", "decision", ("strategy=class_thresholds", LINEAR)),
    ]
    searches = sorted(p.stem for p in (catalogue.conf_dir() / "neighbors").glob("*.yaml"))
    for search in (name for name in searches if name != "exact"):
        words = ("strategy=enn", LINEAR, f"neighbors={search}")
        found.append(Case(f"enn-{search}", "resample", words, is_exact_search=search != "faiss"))
    return found


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of a line through the logarithms of the last sizes, NaN for less than two.

    >>> round(exponent([1, 10, 100, 1000], [5, 20, 2000, 200000]), 6)
    2.0
    """
    if len(sizes) < 2:
        return math.nan
    last = slice(-N_FITTED, None)
    return float(np.polyfit(np.log(sizes[last]), np.log(values[last]), 1)[0])


def expected(points: Sequence[Point], size: int) -> float:
    """Return the seconds of the next size if the last two measurements go on as they did."""
    known = [p for p in points if not p.why_not][-2:]
    if len(known) < 2:
        return 0.0
    slope = max(exponent([p.size for p in known], [p.seconds for p in known]), 1.0)
    return known[-1].seconds * (size / known[-1].size) ** slope


def measure(case: Case, n_rows: int, n_classes: int, of_two: bool, timeout: float) -> Point:
    """Measure a fold in a process of its own; a `Point` of n_rows, or with the reason why not."""
    wanted = {"words": case.words, "n_rows": n_rows, "n_classes": n_classes, "of_two": of_two}
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, "-c", CHILD, json.dumps(wanted)]
    try:
        done = subprocess.run(
            command, env=environment, timeout=timeout, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return Point(n_rows, why_not=f"timed out after {timeout:.0f} s")
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
        return Point(n_rows, why_not=f"failed: {lines[-1]}")
    facts = json.loads(done.stdout.splitlines()[-1])
    return Point(
        n_rows,
        facts["seconds"],
        1e6 * facts["seconds"] / n_rows,
        facts["peak_bytes"] / facts["data_bytes"],
        facts["n_trained"],
    )


def grow(sizes: Sequence[int], measured: Callable[[int], Point], timeout: float) -> Iterator[Point]:
    """Yield a point for each size; sizes that would take too long are skipped, and say so."""
    points: list[Point] = []
    for size in sizes:
        seconds = expected(points, size)
        stopped = next((p for p in points if p.why_not), None)
        if seconds > timeout:
            point = Point(size, why_not=f"skipped: about {seconds:.0f} s expected")
        elif stopped is not None:
            point = Point(size, why_not=f"skipped: {stopped.size} was not measured")
        else:
            point = measured(size)
        points.append(point)
        yield point


def judged(case: Case, axis: str, points: Sequence[Point], conditions: str) -> dict[str, Any]:
    """Return the row of a case: its exponent, and whether time and memory are within bounds.

    ``ok`` is None where too few sizes were measured to say.
    """
    known = [p for p in points if not p.why_not]
    slope = exponent([p.size for p in known], [p.seconds for p in known])
    reasons = []
    if axis == "rows" and case.is_exact_search:
        reasons.append("exact nearest neighbours: time not judged")
    elif slope > LARGEST_EXPONENT:
        reasons.append(f"time grows with exponent {slope:.2f}")
    is_large = axis == "rows" and bool(known) and known[-1].size >= FEWEST_ROWS_OF_PEAK
    if is_large and not case.adds_rows and known[-1].peak >= LARGEST_PEAK:
        reasons.append(f"peak memory is {known[-1].peak:.1f} x the data")
    is_bad = any(not reason.startswith("exact") for reason in reasons)
    return {
        "name": f"scale: {case.name}, {axis}",
        "ratio": slope,
        "reach": LARGEST_EXPONENT,
        "ok": None if len(known) < N_FITTED else not is_bad,
        "conditions": conditions,
        "stage": case.stage,
        "reasons": reasons,
        "peak_per_data": known[-1].peak if is_large else None,
        "points": [asdict(point) for point in points],
    }


def lines_of(row: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a row: one a size, and the verdict."""
    name, _, axis = row["name"].removeprefix("scale: ").rpartition(", ")
    for point in row["points"]:
        place = f"{row['stage']:9} {name:17} {point['size']:>9,} {axis:8}"
        if point["why_not"]:
            yield f"{place} {point['why_not']}"
            continue
        yield (
            f"{place} {point['seconds']:>9.3f} s {point['us_a_row']:>9.2f} us/row "
            f"{point['peak']:>7.2f} x data"
        )
    word = {True: "ok", False: "not ok", None: "too few sizes"}[row["ok"]]
    more = "".join(f"; {reason}" for reason in row["reasons"])
    yield f"{row['stage']:9} {name:17} exponent in {axis} {row['ratio']:.2f}: {word}{more}"


def without_nan(value: Any) -> Any:
    """Return rows as JSON can hold them: None for what was not measured."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def chosen(names: str | None) -> list[Case]:
    """Return the cases of a list of names, all for None.

    Raises
    ------
    ValueError
        If one is unknown.
    """
    every = {case.name: case for case in cases()}
    wanted = list(every) if names is None else names.split(",")
    for name in wanted:
        if name not in every:
            raise ValueError(f"--strategies={names}: {name!r} is none of {', '.join(every)}.")
    return [every[name] for name in wanted]


def by_rows(case: Case, most_rows: int, timeout: float) -> dict[str, Any]:
    """Measure a case while its rows grow, and judge it."""
    sizes = [n for n in ROWS if n <= most_rows]
    points = grow(sizes, lambda n: measure(case, n, 2, False, timeout), timeout)
    words = f"{' '.join(case.words)}; {CONDITIONS}; 0.2 % minority, 20 rows at least"
    return judged(case, "rows", list(points), words)


def by_classes(case: Case, n_rows: int, timeout: float) -> dict[str, Any]:
    """Measure a case while its classes grow, and judge it."""

    def measured(n_classes: int) -> Point:
        point = measure(case, n_rows, n_classes, True, timeout)
        return Point(**{**asdict(point), "size": n_classes})

    points = grow(CLASSES, measured, timeout)
    words = f"{n_rows:,} rows, half of the classes three times as large"
    return judged(case, "classes", list(points), f"{' '.join(case.words)}; {CONDITIONS}; {words}")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table and return 1 if a row is not ok."""
    parser = argparse.ArgumentParser(
        prog="bench.py scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=ROWS[-1], help="largest number of rows")
    parser.add_argument("--class-rows", type=int, default=ROWS_OF_CLASSES, help="rows of classes")
    parser.add_argument("--axis", choices=("rows", "classes"), help="one alone (default: both)")
    parser.add_argument("--strategies", help="some of: " + ", ".join(c.name for c in cases()))
    parser.add_argument("--timeout", type=float, default=600, help="seconds a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    arguments = parser.parse_args(argv)
    try:
        wanted = chosen(arguments.strategies)
    except ValueError as error:
        parser.error(str(error))
    rows = []
    for case in wanted:
        if arguments.axis != "classes":
            rows.append(by_rows(case, arguments.rows, arguments.timeout))
            print(*lines_of(rows[-1]), sep="\n", flush=True)
        if arguments.axis != "rows":
            rows.append(by_classes(case, arguments.class_rows, arguments.timeout))
            print(*lines_of(rows[-1]), sep="\n", flush=True)
    if arguments.json is not None:
        content = json.dumps(without_nan({"rows": rows}), indent=1)
        arguments.json.write_text(content, encoding="utf-8")
    return int(any(row["ok"] is False for row in rows))
