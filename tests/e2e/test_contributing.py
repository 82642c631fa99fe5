"""The recipes of CONTRIBUTING.md, followed literally: files are written, commands are run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## Add a ([\w ]+)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
NAMES = {
    "data set": "rings · knn",
    "model": "synthetic · nearest_mean",
    "strategy": "jitter+threshold",
    "loss": "power",
    "metric": "rare_recall ↑",
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(recipe: str) -> list[tuple[str, str]]:
    """Return (path, content) of every file, and ("", line) of every command, in their order."""
    found: list[tuple[str, str]] = []
    text, place = recipe, 0
    for match in FENCE.finditer(text):
        before, (language, body) = text[place : match.start()], match.groups()
        place = match.end()
        if language:
            path = re.findall(r"`((?:mine/)?[\w/]+\.(?:py|yaml))`", before)[-1]
            found.append((path, body))
        else:
            found += [("", line) for line in body.splitlines()]
    return found


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    python, *words = shlex.split(line)
    assert python == "python"
    more = ["tracking=none"] if words[:2] == ["-m", "imbench"] else ["-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words, *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_is_a_recipe_for_each_kind_of_component() -> None:
    assert RECIPES.keys() == NAMES.keys()
    for recipe in RECIPES.values():
        paths = [path for path, _ in steps(recipe)]
        assert [path.rpartition(".")[2] for path in paths] == ["py", "yaml", "py", "", ""]


@pytest.mark.parametrize("kind", RECIPES)
def test_the_recipe_works(kind: str, tmp_path: Path) -> None:
    for path, content in steps(RECIPES[kind]):
        if path:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
            continue
        done = run(content, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        expected = " passed" if "pytest" in content else NAMES[kind]
        assert expected in done.stdout


def test_the_commands_are_there() -> None:
    (_, block), *_ = FENCE.findall(PAGE)
    markers = set(re.findall(r"-m (\w+)", block))
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert markers == {"process", "contract", "browser", "slow"}
    assert all(f'"{marker}: ' in declared for marker in markers)
    scripts = re.findall(r"scripts/\w+\.\w+", block)
    assert len(scripts) == 4
    assert all((ROOT / script).is_file() for script in scripts)
