"""Every command that README and docs show: it is read by the real parser, or a test runs it."""

from __future__ import annotations

import argparse
import ast
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from imbench.cli import main
from imbench.cli.words import as_override
from imbench.config.cell import RefusedCell
from imbench.config.compose import Composer
from imbench.config.parse import Draft
from tests.commands import PROGRAM, shown
from tests.conftest import ROOT
from tests.e2e.conftest import Run

SHOWN = shown()
E2E, UNIT = "tests/e2e/test_", "tests/unit/test_"

# What is not read by a parser here: a pattern of whole commands, and the test that runs them.
RUN_BY = {
    r"python -m (imbench --config-dir mine|pytest test_).*": [
        f"{E2E}contributing.py::test_the_recipe_works",
        f"{E2E}pages.py::test_add_a_strategy",
        f"{E2E}pages.py::test_add_a_dataset",
        f"{E2E}pages.py::test_add_a_model",
        f"{E2E}pages.py::test_add_a_metric",
        f"{E2E}own_models.py::test_the_command_works",
        f"{E2E}site.py::test_the_gallery_runs",
    ],
    r"python -m imbench plan": [f"{E2E}array.py::test_chunks_end_as_one_command_does"],
    r"\.venv/bin/pytest test_tomek\.py": [f"{E2E}pages.py::test_the_contract_of_the_recipe_passes"],
    r"python -m imbench -m model=own .*": [f"{E2E}own_models.py::test_the_command_works"],
    r"\.venv/bin/python scripts/docs\.py": [
        f"{UNIT}docs.py::test_the_page_of_strategies_is_up_to_date"
    ],
    r"imbench (splits=kf|'?strategy=\[smote,foc|model=lightgbm model\.estimator\.)": [
        f"{UNIT}completion.py::test_words_that_fit_a_line",
    ],
    r'eval "\$\(imbench completion bash\)"': [f"{UNIT}completion.py::test_bash_completes"],
    r'eval "\$\(imbench completion zsh\)"': [f"{UNIT}completion.py::test_zsh_completes"],
    r"imbench completion fish \| source": [f"{UNIT}completion.py::test_fish_completes"],
    r"cp -r a/runs/\. b/runs/": [f"{E2E}array.py::test_two_folders_are_reported_together"],
    r"curl http://127\.0\.0\.1:5001/invocations .*": [
        f"{E2E}serving.py::test_http_answers_are_those_of_predict",
    ],
    r"PATH=\S+ mlflow models serve .*": [f"{E2E}serving.py::test_mlflow_serves_the_same"],
    r"python -m scripts\.threshold_rows": [
        f"{UNIT}aims.py::test_with_fewer_rows_than_the_minimum_a_tuned_threshold_gains_nothing"
    ],
    r"python scripts/verdict_told\.py .*": [
        f"{UNIT}verdict_check.py::test_what_is_told_on_stored_results_is_counted_by_both_tests"
    ],
}
# What no test can run, and why not.
NOT_RUN = {
    r"bash scripts/(setup|test)\.sh": "it makes the environment of the tests, or is what runs them",
    r"bash scripts/quickstart\.sh": "it makes .venv anew; its experiment is run by test_quickstart",
    r"bash scripts/docs\.sh": "it takes minutes; test_site builds the site and runs the gallery",
    r"(IMBENCH_DATA=\S+ )?bash scripts/reproduce\.sh .*": (
        "it runs for hours; test_reproduce_script has a small one"
    ),
    r"\.venv/bin/(ruff|mypy).*": "scripts/test.sh runs it beside the tests",
    r"createdb .*": "it needs a database server; test_postgres has one where it is installed",
    r"mlflow server .*": "it needs a database server",
    r"ray start .*": "it needs a cluster; test_ray has one on this machine",
    r"(sbatch|qsub) .*": "it needs a cluster; test_array sets what it sets",
    r"for i in .*": "it needs other machines; test_array runs the same words here",
}
PLACEHOLDERS = {"-m ...": "-m", "dataset=...": "dataset=synthetic", " ...": ""}
NARROW = {"experiment=to_smote_or_not": ["dataset.table=yeast4"]}  # one of its twenty tables
MANY = 12  # cells; of more only the outlines are checked


SMALL = ["splits.n_splits=2", "splits.n_repeats=1"]
NET = [*SMALL, "dataset=synthetic", "dataset.n_rows=150", "model.estimator.epochs=1"]
SYNTHETIC = [*SMALL, "dataset=synthetic", "dataset.n_rows=150"]
# Commands that are run as they are shown, with words that make them small.
RUN_SMALL = {
    "python -m imbench 'strategy=[smote,focal,threshold]'": NET,
    "python -m imbench -m strategy=none,smote decision=as_is,threshold": [*SYNTHETIC, "model=svm"],
    "python -m imbench -m dataset=synthetic model=random_forest strategy=none,smote "
    "limits.timeout_s=60 limits.memory_gb=4": [*SMALL, "model.estimator.n_estimators=5"],
    "python -m imbench dataset=synthetic model=hist_gradient_boosting strategy=smote "
    "neighbors=torch": [*SMALL, "model.estimator.max_iter=5"],
    "python -m imbench check --set dataset=digits": [],
}


def table_entry(command: str) -> str | None:
    """Return the pattern of the tables that a command fits."""
    found = [p for p in (*RUN_BY, *NOT_RUN) if re.fullmatch(p, command)]
    assert len(found) <= 1, f"{command}: {found} name it twice"
    return found[0] if found else None


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
    for placeholder, word in PLACEHOLDERS.items():
        command = command.replace(placeholder, word)
    command = re.sub(r"^(\w+=\S+ )+| > \S+$", "", command)
    command = re.sub(r" \[((?:-|[A-Z])[^]]*)\]", r" \1", command)  # what may be left out
    python, *words = shlex.split(command)
    if python == "imbench":
        python, words = "python", ["-m", "imbench", *words]
    name = python.rpartition("/")[2]
    try:
        if name == "python" and words[:2] == ["-m", "imbench"]:
            if words[2:] in ([], ["-m"]):
                return argparse.Namespace(overrides=[], multirun=False)
            assert main(words[2:]) == 0
            return argparse.Namespace()
        if name == "python" and words[0].startswith("scripts/"):
            text = (ROOT / words[0]).read_text(encoding="utf-8")
            assert "ArgumentParser(" in text, f"{words[0]} has no parser: see RUN_BY"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", words)
                runpy.run_path(str(ROOT / words[0]), run_name="__main__")
    except Accepted as accepted:
        return accepted.options
    return None


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


@pytest.mark.parametrize("command", [c for c in SHOWN if table_entry(c) is None], ids=str)
def test_a_command_is_read_and_composed(command: str, only_read: None) -> None:
    pages = " and ".join(dict.fromkeys(SHOWN[command]))
    assert PROGRAM.match(command), (
        f"{pages}: {command!r} is neither a command nor printed by one: see PROGRAM and PRINTED of "
        "tests/commands.py."
    )
    if is_installation(command) or is_run_of_tests(command):
        return
    options = read(command)
    assert options is not None, (
        f"{pages}: no test runs `{command}`: add it to RUN_BY with the test that does, or to "
        "NOT_RUN with the reason."
    )
    check_settings(command, options)


def test_the_tables_name_commands_that_are_shown_and_tests_that_exist() -> None:
    for pattern in (*RUN_BY, *NOT_RUN):
        assert any(re.fullmatch(pattern, command) for command in SHOWN), pattern
    for name in (name for names in RUN_BY.values() for name in names):
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in functions, f"{name} does not exist"


@pytest.mark.parametrize("command", RUN_SMALL)
def test_a_command_runs(command: str, run: Run) -> None:
    assert command in SHOWN
    done = run(*shlex.split(command)[3:], *RUN_SMALL[command])
    assert done.code == 0, done.err
    assert "failed" not in done.out + done.err
    assert done.out
