"""docs/boosted_trees.md, followed literally."""

import doctest
import json
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Run

PAGE = (ROOT / "docs" / "boosted_trees.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m imbench (.*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_work(run: Run, tmp_path: Path, command: str) -> None:
    pytest.importorskip("lightgbm")
    words = [*shlex.split(command), "splits=holdout", "splits.n_repeats=1", "n_jobs=1"]
    done = run(*words, "dataset.n_rows=300")
    assert done.code == 0, done.err
    folds = [json.loads(path.read_text("utf-8")) for path in tmp_path.rglob("r0-f0.json")]
    assert {fold["status"] for fold in folds} == {"ok"}
    stopped = ["n_rounds_" in fold["trained"][0]["model"] for fold in folds]
    assert stopped == ["early_stopping" in command] * len(folds)


def test_the_example_of_the_page_is_right() -> None:
    pytest.importorskip("lightgbm")
    assert len(COMMANDS) == 3
    test = doctest.DocTestParser().get_doctest(PAGE, {}, "boosted_trees.md", None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0
