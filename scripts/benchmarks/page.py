"""The table of ratios: on the terminal, as JSON, and in docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environments import ROOT
from benchmarks.outcome import F1_RULE

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEADS = ("row", "measured", "reach", "ok", "F1 ours / peer", "seconds ours / peer", "conditions")


def machine() -> str:
    """Return the processor, cores, system, versions, and how busy the machine is."""
    from imbench.run.environment import hardware, versions

    found = hardware()
    named = versions()
    parts = [
        found.get("processor", "unknown processor"),
        f"{found['cores']} cores",
        found["system"],
        *(f"{name} {named[name]}" for name in ("python", "torch", "scikit-learn")),
    ]
    if hasattr(os, "getloadavg"):
        parts.append(f"load average {os.getloadavg()[0]:.1f} at the start")
    return ", ".join(parts) if platform.system() else ""


def save(path: Path, rows: Sequence[Mapping[str, Any]], machine_words: str) -> None:
    """Write the rows as JSON."""
    content = {"machine": machine_words, "f1_rule": F1_RULE, "rows": list(rows)}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


class PageError(Exception):
    """The page cannot be read or written; the message is a sentence."""


def load(paths: Sequence[Path]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return machines and rows by name of files that :func:`save` has written; later ones win.

    Raises
    ------
    PageError
        If a file cannot be read, or is another one.
    """
    machines: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PageError(f"--from {path}: cannot be read ({error}).") from error
        if not isinstance(content, dict) or "rows" not in content:
            raise PageError(f"--from {path}: has no rows; --json writes such a file.")
        machines.append(content["machine"])
        rows |= {row["name"]: row for row in content["rows"]}
    return "; and ".join(dict.fromkeys(machines)), rows


def cells(row: Mapping[str, Any]) -> list[str]:
    """Return a row as text, parallel to :data:`HEADS`."""
    unit = " x" if row["unit"] == "x" else " s"
    measured = "-" if row["ratio"] is None else f"{row['ratio']:.2f}{unit}"
    if len(row["ratios"]) > 1:
        measured += f" ({min(row['ratios']):.2f} to {max(row['ratios']):.2f})"
    reach = "-"
    if row["reach"] is not None:
        reach = f"{'<=' if row['at_most'] else '>='} {row['reach']:g}{unit}"
        reach += f", aim {row['aim']:g}" if row["aim"] is not None else ""
    return [
        row["name"],
        measured,
        reach,
        {True: "yes", False: "no", None: "-"}[row["ok"]],
        _two(row["f1_ours"], row["f1_peer"], ".3f"),
        _two(row["ours_s"], row["peer_s"], ".2f"),
        " ".join(part for part in (row["words"] + ":", row["conditions"], row["reason"]) if part),
    ]


def _two(one: float | None, other: float | None, form: str) -> str:
    if one is None:
        return "-"
    return format(one, form) + (f" / {other:{form}}" if other is not None else "")


def show(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEADS)
    for row in rows:
        table.add_row(*(text.replace("[", "\\[") for text in cells(row)))
    console = Console()
    console.print(table) if console.is_terminal else Console(width=220).print(table)


def markdown(rows: Iterable[Mapping[str, Any]], machine_words: str) -> str:
    """Return the marked section of the page."""
    lines = [HEADS, ["---"] * len(HEADS), *(cells(row) for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    head = f"Measured by `python scripts/bench.py --doc` on {machine_words}."
    return f"{BEGIN}\n{head}\n\n{table}\n{END}"


def write_page(rows: Iterable[Mapping[str, Any]], machine_words: str, path: Path = PAGE) -> None:
    """Put the table into the page, between its marks.

    Raises
    ------
    PageError
        If the page has lost its marks.
    """
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise PageError(f"{path.name} has no {BEGIN} ... {END}: put the two marks back.")
    path.write_text(before + markdown(rows, machine_words) + after, encoding="utf-8")
