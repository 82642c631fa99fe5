"""Run the command line in this process, as a user would, and keep what it printed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
        extra = [] if command in ("list", "report", "--help") else [f"tracking={tracking}"]
        code = main([*words, *extra])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call
