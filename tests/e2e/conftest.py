"""Run the command line in this process, as a user would, and keep what it printed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from imbench.cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command with results in ``tmp_path/results``."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, tracking: str = "none") -> Done:
        capsys.readouterr()
        command = words[0] if words else ""
        extra = (
            []
            if command
            in (
                "list",
                "report",
                "audit",
                "check",
                "sync",
                "ui",
                "predict",
                "drift",
                "--help",
                "work",
                "status",
            )
            else [f"tracking={tracking}"]
        )
        code = main([*words, *extra])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


def table_words(path: Path, *more: str) -> tuple[str, ...]:
    return (
        "dataset=table",
        f"dataset.path={path}",
        "dataset.target=target",
        "model=logistic_regression",
        *more,
    )


def says(done: Done, *parts: str) -> None:
    """Assert a non-zero exit and one sentence on standard error that holds the parts.

    It may stand below the description of what was read.
    """
    assert done.code != 0
    assert "Traceback" not in done.err + done.out
    lines = [x for x in done.err.splitlines() if x and not x.startswith("table: ")]
    assert len(lines) == 1, done.err
    assert lines[0].endswith("."), lines[0]
    for part in parts:
        assert part in lines[0], f"{part!r} is not in {lines[0]!r}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of 60 rows, 12 of them ``yes``."""
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.3f},{b:.3f},{'yes' if i % 5 == 0 else 'no'}"
        for i, (a, b) in enumerate(rng.normal(size=(60, 2)))
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,target", *rows]) + "\n")
    return path
