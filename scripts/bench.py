"""Measure imbench against its peers: a table of ratios, each row with its conditions.

python scripts/bench.py                     all rows (some minutes; the peers are installed once)
python scripts/bench.py --list              names and reaches
python scripts/bench.py --rows folds,help   some rows
python scripts/bench.py --smoke             tiny sizes, for correctness and never for time
python scripts/bench.py --doc               all rows, and the table into docs/performance.md
python scripts/bench.py --from A B --doc    the same from what --json has written; B's rows win
python scripts/bench.py scale --help        how time and memory grow with rows and classes

Peers are run beside us on the same data, folds, epochs and batch size, pair by pair and in turns;
the ratio is the median over the pairs. A row whose F1 differs by more than noise is not ok. Peers
live in environments of their own (scripts/bench_peers*.txt) below .bench/. IMBENCH_DATA names the
folder with MNIST. Exit code: 0; 1 if a row is not ok (never after --smoke); 2 for wrong words.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import bags, commands, nets, page, scale, tables
from benchmarks.outcome import F1_RULE, Failed, NotMeasured, Outcome, not_measured
from benchmarks.sides import Bench, Rows

ROWS: Rows = {**nets.ROWS, **commands.ROWS, **tables.ROWS, **bags.ROWS}


def names() -> list[str]:
    """Return the names of all rows."""
    return [aim.name for aims in ROWS for aim in aims]


def measure(
    bench: Bench, wanted: Sequence[str], keep: Callable[[list[Outcome]], None] = lambda found: None
) -> list[Outcome]:
    """Measure the rows that are wanted; what cannot be measured here is a row that says why.

    ``keep`` is called with all rows so far after each: an interruption then loses one.
    """
    found: list[Outcome] = []
    for aims, run in ROWS.items():
        if not any(aim.name in wanted for aim in aims):
            continue
        print(f"bench: {', '.join(aim.name for aim in aims)}", file=sys.stderr, flush=True)
        try:
            outcomes = run(bench)
        except NotMeasured as problem:
            outcomes = [not_measured(aim, str(problem)) for aim in aims]
        except Failed as problem:
            outcomes = [not_measured(aim, str(problem), ok=False) for aim in aims]
        if bench.smoke:
            outcomes = [
                replace(o, conditions=f"SMOKE RUN, no measurement; {o.conditions}")
                for o in outcomes
            ]
        found += [outcome for outcome in outcomes if outcome.name in wanted]
        keep(found)
    return found


def list_rows() -> None:
    """Print the name, the reach and the words of every row."""
    for aims in ROWS:
        for aim in aims:
            bound = "<=" if aim.at_most else ">="
            reach = "informs" if aim.reach is None else f"{bound} {aim.reach:g} {aim.unit}"
            print(f"{aim.name:32} {reach:10} {aim.words}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", help="names, separated by commas (default: all)")
    parser.add_argument("--pairs", type=int, help="of every row (default: 3 or 5, by row)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument(
        "--from", type=Path, nargs="+", dest="files", metavar="FILE", help="measure nothing, read"
    )
    parser.add_argument("--doc", action="store_true", help="write docs/performance.md")
    parser.add_argument("--list", action="store_true", help="print the names and reaches")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one pair")
    return parser


def _wanted(text: str | None, parser: argparse.ArgumentParser) -> list[str]:
    from imbench.components.construct import closest

    if text is None:
        return names()
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in names():
            parser.error(f"--rows={name}: there is no such row{closest(name, names())}; see --list")
    return wanted


def data_dir() -> Path | None:
    """Return the folder that ``IMBENCH_DATA`` names, absolute: sides run in another folder."""
    named = os.environ.get("IMBENCH_DATA")
    return Path(named).resolve() if named else None


def run(options: argparse.Namespace, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Measure or read, print, and write what the options ask for.

    Raises
    ------
    PageError
        If a file cannot be read, or the page would lack a row.
    """

    def as_rows(found: Sequence[Outcome]) -> list[dict[str, Any]]:
        return [outcome.as_json() for outcome in found]

    def save(rows: Sequence[dict[str, Any]]) -> None:
        if options.json is not None:
            page.save(options.json, rows, machine)

    if options.files:
        machine, found = page.load(options.files)
        rows = [found[name] for name in wanted if name in found]
    else:
        machine = page.machine()
        with tempfile.TemporaryDirectory(prefix="imbench-bench-") as folder:
            bench = Bench(Path(folder), data_dir(), options.pairs, options.smoke)
            rows = as_rows(measure(bench, wanted, lambda found: save(as_rows(found))))
    page.show(rows)
    print(f"{machine}\n{F1_RULE}.")
    save(rows)
    if options.doc:
        missing = sorted(set(names()) - {row["name"] for row in rows})
        if missing:
            raise page.PageError(
                f"the page holds every row, and {', '.join(missing)} is not there."
            )
        page.write_page(rows, machine)
    return rows


def main(argv: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    if argv and argv[0] == "scale":
        return scale.main(argv[1:])
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list:
        list_rows()
        return 0
    if options.pairs is not None and options.pairs < 1:
        parser.error(f"--pairs={options.pairs}: must be at least 1")
    wanted = _wanted(options.rows, parser)
    if options.doc and (options.smoke or set(wanted) != set(names())):
        parser.error("--doc: the page holds every row, measured; leave --rows and --smoke out")
    try:
        rows = run(options, wanted)
    except page.PageError as error:
        parser.error(str(error))
    missed = any(row["ok"] is False for row in rows)
    return 1 if missed and not options.smoke else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
