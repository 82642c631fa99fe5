"""`imbench sync` exports what is stored, without the command that has computed it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, says, table_words

# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture
def stored(run: Run, table: Path, empty_store: Callable[[Path], Path], tmp_path: Path) -> Path:
    """A results folder with two cells that were run with `tracking=none`, and an empty store."""
    words = table_words(table, "splits.n_splits=2", "strategy=none,random_over")
    assert run("-m", *words).code == 0
    return empty_store(tmp_path / "results").parent


def runs(store: Path) -> list[tuple[str, str]]:
    """Return experiment and strategy of the active runs."""
    query = """
        SELECT experiments.name, tags.value FROM runs
        JOIN experiments ON experiments.experiment_id = runs.experiment_id
        JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'strategy'
        WHERE runs.lifecycle_stage = 'active' ORDER BY tags.value
    """
    connection = sqlite3.connect(store)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_cells_are_exported_once(run: Run, stored: Path) -> None:
    first = run("sync")
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines() == [
        "2 written, 0 unchanged, 0 refused.",
        "compare in the MLflow UI: python -m imbench ui results",
    ]
    assert runs(stored / "mlflow.db") == [("imbench", "none"), ("imbench", "random_over")]
    second = run("sync", "results")
    assert second.out.startswith("0 written, 2 unchanged, 0 refused.")
    assert second.code == 0
    assert len(runs(stored / "mlflow.db")) == 2


def test_another_experiment_and_other_metrics(run: Run, stored: Path) -> None:
    assert run("sync", "tracking.experiment=other").code == 0
    assert run("sync", "metrics.ece_bins=3").out.startswith("2 written")
    assert run("sync", "metrics.ece_bins=3", "results").out.startswith("0 written, 2 unchanged")
    assert {name for name, _ in runs(stored / "mlflow.db")} == {"other", "imbench"}


def test_the_folder_may_have_any_name(run: Run, stored: Path, tmp_path: Path) -> None:
    folder = tmp_path / "it's mine, [1]"
    stored.rename(folder)
    assert run("sync", folder.name).code == 0
    assert len(runs(folder / "mlflow.db")) == 2


def test_what_is_refused_or_damaged_is_a_sentence_and_exit_code_1(run: Run, stored: Path) -> None:
    (folder,) = (stored / "runs").glob("*-random_over-*")
    (folder / "cell.json").write_text("{}")
    done = run("sync")
    assert done.out == "1 written, 0 unchanged, 0 refused.\n"
    says(done, "imbench: tracking: ", folder.name, "cell.json")
    assert done.code == 1
    done = run("sync", "metrics.minority=maybe")
    assert done.out == "0 written, 0 unchanged, 1 refused.\n"
    assert "metrics.minority=maybe" in done.err
    assert done.code == 1
    assert runs(stored / "mlflow.db") == [("imbench", "none")]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["nowhere"], ["sync nowhere: there is no folder nowhere/runs"]),
        (["results/runs"], ["there is no folder results/runs/runs", "such as results."]),
        (["empty"], ["sync empty: there is no stored cell"]),
        (["results", "empty"], ["sync results empty", "one results folder"]),
        (["seed=1"], ["sync seed=1", "tracking, metrics, costs, results_dir"]),
        (["tracking=none"], ["sync tracking=none", "leave it out"]),
        (["tracking.adress=x"], ["adress"]),
        (["tracking.uri=mlruns"], ["tracking.uri=mlruns", "no longer in plain files"]),
    ],
)
def test_a_wrong_command_is_one_sentence_and_exit_code_2(
    run: Run, stored: Path, words: list[str], parts: list[str]
) -> None:
    (stored.parent / "empty" / "runs").mkdir(parents=True)
    done = run("sync", *words)
    says(done, *parts)
    assert done.code == 2
    assert runs(stored / "mlflow.db") == []


def test_a_tracker_of_the_users_own_takes_the_cells_too(
    run: Run, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_tracker.py").write_text(
        "class Lines:\n"
        "    hint = ''\n"
        "    def __init__(self, path): self.path = path\n"
        "    def open(self): pass\n"
        "    def has(self, cell, options): return False\n"
        "    def log_cell(self, cell, options):\n"
        "        with open(self.path, 'a') as file: print(cell.label, file=file)\n"
        "    def close(self): return ()\n"
    )
    folder = tmp_path / "mine" / "tracking"
    folder.mkdir(parents=True)
    (folder / "lines.yaml").write_text("_target_: my_tracker.Lines\npath: lines.txt\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    done = run("sync", "--config-dir=mine", "tracking=lines")
    assert done.out == "2 written, 0 unchanged, 0 refused.\n"
    assert (tmp_path / "lines.txt").read_text().split() == ["none", "random_over"]
