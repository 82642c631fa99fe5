"""The README and the recipes of docs/, followed literally: files are written, commands run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import imbench
from tests.conftest import ROOT
from tests.e2e.conftest import Run

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
RECIPES = {
    match["kind"]: match["body"]
    for match in re.finditer(
        r"^\*\*(?P<kind>\w+)\*\*.*?(?=^\*\*|^## )",
        PAGES["extending.md"],
        re.MULTILINE | re.DOTALL,
    )
    for match in [re.match(r"\*\*(?P<kind>\w+)\*\*(?P<body>.*)", match[0], re.DOTALL)]
    if match
}


def blocks(body: str, language: str) -> list[str]:
    """Return the fenced blocks of a language ("" for commands)."""
    fences = body.split("```")[1::2]
    return [f.partition("\n")[2] for f in fences if f.partition("\n")[0] == language]


def follow(kind: str, folder: Path) -> list[str]:
    """Write the recipe's yaml where it says and return its command's words."""
    body = RECIPES[kind]
    (path,) = re.findall(r"`(mine/\w+/\w+\.yaml)`", body)
    target = folder / path
    target.parent.mkdir(parents=True)
    target.write_text(blocks(body, "yaml")[0])
    (line,) = blocks(body, "")
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "imbench"]
    return words[3:]


def test_there_are_four_recipes() -> None:
    assert RECIPES.keys() == {"strategy", "dataset", "model", "metric"}


def test_add_a_strategy(run: Run, tmp_path: Path) -> None:
    done = run(*follow("strategy", tmp_path), "model=knn")
    assert done.code == 0
    assert "tomek_all+threshold" in done.out


def test_the_contract_of_the_recipe_passes(tmp_path: Path) -> None:
    follow("strategy", tmp_path)
    (tmp_path / "test_tomek.py").write_text(blocks(RECIPES["strategy"], "python")[0])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tomek.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_add_a_dataset(run: Run, tmp_path: Path) -> None:
    words = follow("dataset", tmp_path)
    rows = [
        f"c{i},{i % 7},{'a' if i % 3 else 'b'},{'Yes' if i % 5 == 0 else 'No'}" for i in range(80)
    ]
    (tmp_path / "churn.csv").write_text("\n".join(["customerID,months,plan,Churn", *rows]) + "\n")
    done = run(*words)
    assert done.code == 0
    assert "churn · hist_gradient_boosting" in done.out
    assert "Customers who left." in run("list", "datasets", "--config-dir", "mine").out


def test_your_table_is_read_as_shown(run: Run, data_dir: Path) -> None:
    section = README.partition("## On your table")[2]
    command, shown = blocks(section, "")[:2]
    assert "dataset.path=telco-customer-churn.csv" in command
    words = shlex.split(command.replace("\\\n", " ").replace("path=", "path=csv/"))[3:]
    assert words[0] == "-m"
    words[words.index("model=hist_gradient_boosting")] = "model=decision_tree"
    done = run(*words, f"data_dir={data_dir}", "splits.n_splits=2", "splits.n_repeats=1")
    assert done.code == 0
    assert "failed" not in done.out
    assert shown.strip() in done.err


def test_add_a_model(run: Run, tmp_path: Path) -> None:
    done = run(*follow("model", tmp_path))
    assert done.code == 0
    assert "synthetic · extra_trees" in done.out


def test_add_a_metric(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = follow("metric", tmp_path)
    (tmp_path / "my_metrics.py").write_text(blocks(RECIPES["metric"], "python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    done = run(*words, "model=knn")
    assert done.code == 0
    assert "fine ↓" in done.out


def test_the_front_page_is_short() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.slow
def test_ten_lines_lead_from_a_frame_to_a_model(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (code,) = blocks(README, "python")
    assert len(code.splitlines()) <= 11
    rows = pd.read_csv(data_dir / "csv" / "telco-customer-churn.csv").sample(150, random_state=0)
    rows.to_csv(tmp_path / "telco-customer-churn.csv", index=False)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code.replace('budget="10m"', 'budget="15s"'), names)
    assert capsys.readouterr().out.startswith("On ")
    assert (tmp_path / "report.html").is_file()
    assert imbench.load(tmp_path / "model").predict(names["frame"]).shape == (150,)


@pytest.mark.parametrize("kind", ["keep", "long_tail", "step"])
def test_the_imbalances_of_the_page(run: Run, kind: str) -> None:
    lines = PAGES["datasets.md"].splitlines()
    (line,) = [x for x in lines if x.startswith(f"dataset/imbalance={kind}")]
    done = run("dataset=digits", "model=decision_tree", "splits.n_splits=2", *shlex.split(line))
    assert done.code == 0, done.err
