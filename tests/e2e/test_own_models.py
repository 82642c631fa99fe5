"""docs/own_models.md, followed literally: its files are written, its commands run."""

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Run

PAGE = (ROOT / "docs" / "own_models.md").read_text(encoding="utf-8")
FENCE = re.compile(r"`([\w/]+\.(?:py|yaml))`(?:(?!```).)*?```(?:python|yaml)\n(.*?)```", re.DOTALL)
COMMANDS = [
    shlex.split(block.replace("\\\n", " "))[3:]
    for block in re.findall(r"^```\n(python -m imbench.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
]
SHOWN = ["synthetic · LinearSVC", "synthetic · ridge", "synthetic · narrow", "synthetic · mlp"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found = FENCE.findall(PAGE)
    for path, content in found:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return [path for path, _ in found]


def test_every_command_of_the_page_is_run() -> None:
    assert len(COMMANDS) == len(SHOWN)


@pytest.mark.parametrize(("words", "shown"), list(zip(COMMANDS, SHOWN, strict=True)))
def test_the_command_works(run: Run, files: list[str], words: list[str], shown: str) -> None:
    assert files == ["my_models.py", "my_nets.py", "mine/model/narrow.yaml"]
    quick = ["splits.n_splits=2", "splits.n_repeats=1"]
    nets = shown.endswith(("mlp", "narrow"))
    epochs = ["++model.estimator.epochs=2"] if nets else []
    done = run(*words, *quick, *epochs)
    assert done.code == 0, done.err
    assert shown in done.out
    assert "failed" not in done.out + done.err
    if shown.endswith("LinearSVC"):
        assert "LinearSVC has no predict_proba: scores are" in " ".join(done.out.split())
