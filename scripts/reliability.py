"""Try the faults of tests/faults at full size, and write what they did to docs/reliability.md.

python scripts/reliability.py                 all faults; some minutes on two cores
python scripts/reliability.py --share 0       as many as CI tries
python scripts/reliability.py --share 0 --from faults.jsonl    write what tests have recorded: they
                                              append to the file that IMBENCH_FAULTS_LOG names
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
MARKS = "<!-- faults: begin -->", "<!-- faults: end -->"
Row = Mapping[str, Any]


def run_tests(share: float, words: Sequence[str]) -> list[Row]:
    """Run the tests and return a row for each promise that held.

    Raises
    ------
    SystemExit
        If a test fails: the page stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "faults.jsonl")
        environ = {"IMBENCH_FAULTS_SHARE": str(share), "IMBENCH_FAULTS_LOG": str(log)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/faults", "-m", "", "-n", "0", "-q", *words],
            cwd=ROOT,
            env=os.environ | environ,
            check=False,
        )
        if done.returncode:
            raise SystemExit("reliability: a test failed, and the page was not written.")
        return [json.loads(line) for line in log.read_text().splitlines()]


def table(rows: Sequence[Row]) -> str:
    """Return the table of the page.

    Examples
    --------
    >>> row = {"promise": "no fold is lost", "test": "tests/t.py::test_it", "tried": 30, "lost": 0}
    >>> print(table([row]).splitlines()[-1])
    | no fold is lost | 30 | 0 | `test_it` in [t.py](../tests/t.py) |
    """
    lines = ["| promise | faults tried | lost | test |", "|---|---|---|---|"]
    for row in rows:
        path, name = row["test"].split("::")
        tried = f"{row['tried']:,}"
        if row.get("noticed", row["tried"]) != row["tried"]:
            tried += f" ({row['noticed']:,} noticed, the others change nothing that is read)"
        place = f"`{name}` in [{Path(path).name}](../{path})"
        lines.append(f"| {row['promise']} | {tried} | {row['lost']} | {place} |")
    return "\n".join(lines)


def joined(rows: Sequence[Row]) -> list[Row]:
    """Add up the rows of one promise and one test.

    Examples
    --------
    >>> row = {"promise": "a", "test": "t", "tried": 1, "lost": 0}
    >>> joined([row, row | {"tried": 2}])
    [{'promise': 'a', 'test': 't', 'tried': 3, 'lost': 0}]
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = row["promise"], row["test"]
        if key not in found:
            found[key] = dict(row)
            continue
        for name in ("tried", "lost", "noticed"):
            if name in row:
                found[key][name] += row[name]
    return list(found.values())


def write(page: Path, rows: Sequence[Row], share: float) -> None:
    """Write the table between the marks of the page."""
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    command = "python scripts/reliability.py" + ("" if share == 1 else f" --share {share:g}")
    total = sum(row["tried"] for row in rows)
    made = (
        f"Made by `{command}`, Python {platform.python_version()}, {os.cpu_count()} cores: "
        f"{total:,} faults, lost: {sum(row['lost'] for row in rows)}."
    )
    text = f"{before}{MARKS[0]}\n\n{made}\n\n{table(rows)}\n\n{MARKS[1]}{after}"
    page.write_text(text, encoding="utf-8")


def main() -> None:
    """Run the tests and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the faults, 0 to 1")
    parser.add_argument("--from", type=Path, dest="log", help="what tests have recorded")
    options, words = parser.parse_known_args()
    if options.log is None:
        rows = run_tests(options.share, words)
    else:
        rows = [json.loads(line) for line in options.log.read_text().splitlines()]
    write(PAGE, joined(rows), options.share)
    print(f"reliability: wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
