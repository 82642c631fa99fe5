"""``scripts/quickstart.sh``, and ``scripts/reproduce.sh`` on a cluster in two steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SMALL = [
    "leaderboard_tables", "dataset=synthetic", "dataset.n_rows=90,100,110", "model=decision_tree",
    "strategy=none,random_over,inverse_weights", "splits.n_splits=2",
]  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment is the one of the tests."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    for path in (ROOT / "scripts").iterdir():
        if path.name != "setup.sh":
            (tmp_path / "scripts" / path.name).symlink_to(path)
    (tmp_path / "scripts" / "setup.sh").write_text("")
    for name in ("imbench", "conf", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return tmp_path


def run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_name_it_says_what_it_wants(checkout: Path) -> None:
    done = run(checkout, "bash", "scripts/reproduce.sh")
    assert (done.returncode, done.stderr) == (
        2,
        "reproduce: name an experiment of conf/experiment/.\n",
    )


@pytest.mark.process
@pytest.mark.slow
def test_a_plan_is_worked_through_before_the_page_is_written(checkout: Path) -> None:
    words = [*SMALL, "executor=array", "executor.chunks=1"]
    first = run(checkout, "bash", "scripts/reproduce.sh", *words)
    assert (first.returncode, "work through plan.json" in first.stderr) == (3, True), first.stderr
    worker = run(checkout, sys.executable, "-m", "imbench", "work", "plan.json", "0")
    assert worker.returncode == 0, worker.stderr
    done = run(checkout, "bash", "scripts/reproduce.sh", *words)
    assert done.returncode == 0, done.stderr
    page = (checkout / "results" / "tables" / "leaderboard_tables.md").read_text()
    assert f"bash scripts/reproduce.sh {' '.join(words)}\n" in page
    assert "### decision_tree, 3 data sets" in page
    assert (checkout / "docs" / "images" / "leaderboard_tables-f1_macro.png").is_file()


@pytest.mark.process
@pytest.mark.slow
def test_the_quickstart_ends_with_what_to_open(checkout: Path) -> None:
    small = ["strategy=none,threshold", "splits.n_splits=2", "splits.n_repeats=1", "tracking=none"]
    done = run(checkout, "bash", "scripts/quickstart.sh", *small)
    assert done.returncode == 0, done.stderr
    assert "On defects with lightgbm: " in done.stdout
    assert "report: results/report/index.html" in done.stdout
    assert (checkout / "results" / "report" / "index.html").is_file()
