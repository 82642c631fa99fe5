"""Every command that README and docs show is run: here and small, or by a test that is named.

A command that is new in a page fails until ``small_commands`` says how it is run.
"""

from __future__ import annotations

import argparse
import ast
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imbench.api import recommend
from imbench.cli import OWN_HELP, main
from imbench.cli.words import as_override
from imbench.config.cell import RefusedCell
from imbench.config.compose import Composer
from imbench.config.parse import Draft
from tests.commands import PROGRAM, shown
from tests.conftest import ROOT
from tests.e2e.command_files import write_checkout, write_files
from tests.e2e.small_commands import NOT_RUN, RUN_BY, STORIES, Small

SHOWN = shown()
RUN = {small.command: small for story in STORIES.values() for small in story}
# What a command leaves open, and what is put there.
PLACEHOLDERS = {
    "FILE --target state": "claims.csv --target state",
    "FILE": "telco-customer-churn.csv",
    "COLUMN": "Churn",
    "[RESULTS]": "results",
    "[RUNS]": "results/runs",
    "[--filter key=pattern ...]": "--filter model=decision_tree",
    "[--out DIR]": "--out page",
    "[--set key=value ...]": "--set metrics.sort=brier",
    "-m ...": "-m",
    "dataset=...": "dataset=synthetic",
    " ...": "",
}
# Commands that are not composed: of files of their own, or of words that are not complete.
NOT_COMPOSED = re.compile(
    r".* (--config-dir mine|model=own) .*|.* plan|imbench \S+=.*|.*completion.*|.*[|;&].*"
)
NARROW = {"experiment=to_smote_or_not": ["dataset.table=yeast4"]}  # one of its twenty tables
MANY = 12  # cells; of more only the outlines are checked
FEW = ("inverse_weights", "random_over")  # strategies of a race


def entries(command: str) -> list[str]:
    """Return what the tables of ``small_commands`` have about a command."""
    patterns = [p for p in (*RUN_BY, *NOT_RUN) if re.fullmatch(p, command)]
    return [*patterns, *([command] if command in RUN else [])]


def words_of(command: str) -> tuple[list[str], dict[str, str]]:
    """Return the words of a command, without those for the shell, and variables that it sets."""
    for placeholder, word in PLACEHOLDERS.items():
        command = command.replace(placeholder, word)
    setting = re.match(r"(\w+=\S+ )*", command)
    assert setting is not None
    words = shlex.split(re.sub(r" > \S+$", "", command[setting.end() :]))
    if words[0] == "imbench":
        words = ["python", "-m", *words]
    return words, dict(word.split("=", 1) for word in setting[0].split())


class Accepted(Exception):
    """The words of a command were read."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options


@pytest.fixture
def only_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let every parser of the package and of the scripts stop the program behind it."""
    inside: list[str] = []  # parse_args calls parse_known_args, and refuses what that leaves
    for name in ("parse_args", "parse_intermixed_args", "parse_known_args"):
        real = getattr(argparse.ArgumentParser, name)

        def stop(self: Any, *words: Any, real: Any = real) -> Any:
            if inside:
                return real(self, *words)
            inside.append(real.__name__)
            try:
                found = real(self, *words)
            finally:
                inside.clear()
            raise Accepted(found[0] if isinstance(found, tuple) else found)

        monkeypatch.setattr(argparse.ArgumentParser, name, stop)
    monkeypatch.setattr(subprocess, "Popen", None)  # nothing is started
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.syspath_prepend(str(ROOT))


def read(command: str) -> argparse.Namespace | None:
    """Return what the parser of a command makes of its words; None where there is no parser.

    Raises
    ------
    SystemExit
        If the parser refuses a word.
    """
    words, _ = words_of(command)
    try:
        if words[1:3] == ["-m", "imbench"]:
            if words[3:] in ([], ["-m"]):
                return argparse.Namespace(overrides=[], multirun=False)
            assert main(words[3:]) == 0
            return argparse.Namespace()
        path = ROOT / words[1] if words[1:2] and words[1].startswith("scripts/") else None
        if path is not None and "ArgumentParser(" in path.read_text(encoding="utf-8"):
            run_script(ROOT, words[1:])
    except Accepted as accepted:
        return accepted.options
    return None


def run_script(folder: Path, words: list[str]) -> int:
    """Run a script of a checkout as ``python`` does, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        try:
            runpy.run_path(str(folder / words[0]), run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def settings_of(options: argparse.Namespace) -> list[str]:
    """Return the words of the form key=value, but those that are no keys of a run."""
    given: list[Any] = []
    for name in ("words", "settings", "overrides"):
        given += getattr(options, name, None) or []
    flat = [w for one in given for w in (one if isinstance(one, list) else [one])]
    table = ["dataset=table"] if getattr(options, "target", None) else []
    own = ("registered=", "key=")
    return [*table, *(w for w in flat if "=" in w and not w.startswith(own))]


def check_settings(command: str, options: argparse.Namespace) -> None:
    """Compose what a command would run, and parse it where it is not much."""
    given = settings_of(options)
    more = [word for name in given for word in NARROW.get(name, ())]
    words = [as_override(word) for word in (*given, *more)]
    composer = Composer(None)
    configs = composer.cells(words, multirun=True)
    assert configs
    for config in configs:
        draft = Draft(config, composer.folders)
        assert draft.outline
        if len(configs) <= MANY:
            cell = draft.cell()
            assert not isinstance(cell, RefusedCell), f"{command}: {cell.reason}"


def is_installation(command: str) -> bool:
    """Return whether a command is pip's, and check the extras that it names."""
    found = re.fullmatch(r"pip install '?(?:\.|imbench)(?:\[([\w,]+)\])?'?", command)
    if found and found[1]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert set(found[1].split(",")) <= project["optional-dependencies"].keys()
    return found is not None


def is_run_of_tests(command: str) -> bool:
    """Return whether a command is pytest's on this checkout, and check its markers and files."""
    python, *words = shlex.split(command)
    if python != ".venv/bin/pytest" and words[:2] != ["-m", "pytest"]:
        return False
    words = words if python == ".venv/bin/pytest" else words[2:]
    if "-m" in words:
        marker = words[words.index("-m") + 1]
        assert not marker or f'"{marker}: ' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))
    return True


def replaces(small: Small) -> bool:
    """Return whether a word that is added takes the place of one that is shown."""

    def keys(text: str) -> set[str]:
        return {word.split("=")[0] for word in shlex.split(text) if "=" in word or word[:2] == "--"}

    return bool(small.instead[0]) or bool(keys(small.command) & (keys(small.more) - {"--set"}))


@pytest.mark.parametrize("command", SHOWN)
def test_it_is_said_how_a_command_is_run_and_its_words_are_composed(
    command: str, only_read: None
) -> None:
    pages = " and ".join(dict.fromkeys(SHOWN[command]))
    assert PROGRAM.match(command), (
        f"{pages}: {command!r} is neither a command nor printed by one: see PROGRAM and PRINTED of "
        "tests/commands.py."
    )
    found = entries(command)
    assert found, (
        f"{pages}: no test runs `{command}`: add it to tests/e2e/small_commands.py, to STORIES "
        "with words that make it small, to RUN_BY with the test that runs it, or to NOT_RUN with "
        "the reason."
    )
    assert len(found) == 1, f"{command}: {found} name it twice"
    if NOT_COMPOSED.fullmatch(command) or is_installation(command) or is_run_of_tests(command):
        return
    if command not in RUN or replaces(RUN[command]):  # otherwise to run it is to compose it
        options = read(command)
        if options is not None:
            check_settings(command, options)


@pytest.mark.parametrize("story", STORIES)
def test_commands_run(
    story: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    empty_store: Callable[[Path], Path],
) -> None:
    monkeypatch.chdir(tmp_path)
    if story == "scripts":
        write_checkout(tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path / "scripts"))
        monkeypatch.setattr(recommend, "CANDIDATES", FEW)
    else:
        write_files(tmp_path, monkeypatch)
        for name in ("results", "other"):
            empty_store(tmp_path / name)
    for small in STORIES[story]:
        check_run(small, tmp_path, capsys)


def check_run(small: Small, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command, and compare what it does with what is said of it."""
    words, variables = words_of(small.command.replace(*small.instead))
    words += shlex.split(small.more)
    command = shlex.join(words)
    assert not small.makes or not list(folder.glob(small.makes)), command
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        if words[0] == "cp":
            code = subprocess.run(words, check=False).returncode
        elif words[1:3] == ["-m", "imbench"]:
            has_tracking = words[3:4] and words[3] in (*OWN_HELP, "--help")
            code = main([*words[3:], *([] if has_tracking else ["tracking=none"])])
        else:
            code = run_script(folder, words[1:])
    out, err = capsys.readouterr()
    assert code == small.code, f"{command}\n{out}{err}"
    assert small.says in out + err, f"{command}\n{out}{err}"
    assert "Traceback" not in out + err, f"{command}\n{out}{err}"
    assert not small.makes or list(folder.glob(small.makes)), f"{command} made no {small.makes}"
    assert small.n_lines in (None, len(out.splitlines())), f"{command}\n{out}"


def test_a_word_that_takes_the_place_of_another_is_seen() -> None:
    assert replaces(Small("imbench -m dataset=digits seed=1", "dataset=synthetic n_jobs=1"))
    assert not replaces(Small("imbench -m dataset=digits", "dataset.n_rows=9"))


def test_the_tables_name_commands_that_are_shown_and_tests_that_exist() -> None:
    for command in RUN:
        assert command in SHOWN, f"no page shows {command}"
    for pattern in (*RUN_BY, *NOT_RUN):
        assert any(re.fullmatch(pattern, command) for command in SHOWN), pattern
    for name in (name for names in RUN_BY.values() for name in names):
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in functions, f"{name} does not exist"
