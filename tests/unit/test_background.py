from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imbench.errors import ConfigError, ImbenchError
from imbench.report.mlflow.export import Background, in_background
from imbench.report.mlflow.tracker import MlflowTracker, NullTracker
from imbench.results.metric_options import MetricOptions
from imbench.run import environment
from tests.factories import make_cell

ROOT = Path(__file__).parents[2]
OPTIONS = MetricOptions()
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


class FileTracker:
    """Appends a line for each cell, and refuses or dies where it is told to."""

    hint = "look at the file"

    def __init__(self, path: str) -> None:
        self.path = path

    def check(self) -> bool:
        return not self.path.startswith("server:")

    def warm_up(self) -> None:
        pass

    def has(self, cell, options) -> bool:
        return False

    def open(self) -> None:
        if self.path.startswith("server:"):
            raise ConfigError("nothing answers there.")
        self._write("open")

    def draw(self, cell, options, folder) -> None:
        (folder / "picture").write_text(str(os.getpid()))
        if cell.label == "undrawable":
            raise ValueError("no")

    def log_cell(self, cell, options, drawn=None) -> None:
        if cell.label == "refused":
            raise ImbenchError("refused it.")
        if cell.label == "wrong":
            raise TypeError("a bug")
        if cell.label == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if cell.label == "slow":
            time.sleep(1)
        print("a line that is no answer")
        by = "" if drawn is None else (drawn / "picture").read_text()
        self._write(f"{cell.label} {by}")

    def close(self) -> list[str]:
        return []

    def _write(self, word: str) -> None:
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {word}\n")


def written(path: Path) -> list[str]:
    return [line.split()[1] for line in path.read_text().splitlines()]


def processes(path: Path) -> set[int]:
    return {int(line.split()[0]) for line in path.read_text().splitlines()}


def drawn_here(path: Path) -> list[str]:
    lines = [line.split() for line in path.read_text().splitlines()]
    return [label for _, label, *by in lines if by == [str(os.getpid())]]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def test_cells_are_written_in_their_order_by_one_other_process(path):
    tracker = Background(FileTracker(str(path)))
    tracker.open()
    for label in ("slow", "b", "c"):
        tracker.log_cell(make_cell(label), OPTIONS)
    assert tracker.close() == []
    assert written(path) == ["open", "slow", "b", "c"]
    (process,) = processes(path)
    assert process != os.getpid()


def test_handing_over_a_cell_does_not_wait_for_it(path):
    tracker = Background(FileTracker(str(path)))
    tracker.open()
    started = time.perf_counter()
    for _ in range(3):  # more than a pipe holds
        tracker.log_cell(make_cell("slow", k=20, n=2000), OPTIONS)
    assert time.perf_counter() - started < 2
    tracker.close()
    assert written(path).count("slow") == 3


def test_cells_that_wait_are_drawn_by_whoever_waits_for_them_and_written_in_their_order(
    path, monkeypatch
):
    monkeypatch.setattr(environment, "n_cores", lambda: 2)
    folders = []

    class Noting(FileTracker):
        def draw(self, cell, options, folder):
            folders.append(folder)
            super().draw(cell, options, folder)

    tracker = Background(FileTracker(str(path)))
    tracker.open()
    labels = ["slow", "slow", "a", "undrawable", "b", "c"]
    for label in labels:  # each more than a pipe holds
        tracker.log_cell(make_cell(label, k=20, n=2000), OPTIONS)
    tracker.tracker = Noting(str(path))  # of this process; the other has its own
    assert tracker.close() == []
    assert written(path) == ["open", *labels]
    assert drawn_here(path)[-3:] == ["a", "b", "c"]
    assert len(processes(path)) == 1
    assert len(folders) >= 4
    assert not any(folder.exists() for folder in folders)


def test_few_cells_and_a_single_core_leave_the_drawing_to_the_other_process(path, monkeypatch):
    for n_cores, labels in ((2, ["slow", "a"]), (1, ["slow", *"abcdef"])):
        monkeypatch.setattr(environment, "n_cores", lambda n=n_cores: n)
        tracker = Background(FileTracker(str(path)))
        for label in labels:
            tracker.log_cell(make_cell(label, k=20, n=2000), OPTIONS)
        assert tracker.close() == []
        assert written(path)[-len(labels) :] == labels
        assert drawn_here(path) == []


def test_nothing_is_drawn_for_a_writer_that_was_killed(path, monkeypatch):
    monkeypatch.setattr(environment, "n_cores", lambda: 2)
    tracker = Background(FileTracker(str(path)))
    for label in ("killed", *"abcdef"):
        tracker.log_cell(make_cell(label, k=20, n=2000), OPTIONS)
    tracker._process.wait()
    asked = []
    monkeypatch.setattr(FileTracker, "draw", lambda *words: asked.append(words))
    (sentence,) = tracker.close()
    assert "-9" in sentence
    assert asked == []


def test_a_refused_cell_is_a_sentence_at_the_end_and_the_others_are_written(path, capfd):
    tracker = Background(FileTracker(str(path)))
    for label in ("a", "refused", "wrong", "b"):
        tracker.log_cell(make_cell(label), OPTIONS)
    assert tracker.close() == ["refused it.", "TypeError: a bug"]
    assert written(path) == ["open", "a", "b"]
    assert "TypeError: a bug" in capfd.readouterr().err  # where it comes from


def test_a_writer_that_is_killed_is_one_sentence(path):
    tracker = Background(FileTracker(str(path)))
    for label in ("a", "killed", "b"):
        tracker.log_cell(make_cell(label), OPTIONS)
    (sentence,) = tracker.close()
    assert "-9" in sentence
    assert "run the same command again" in sentence
    assert written(path) == ["open", "a"]


def test_an_address_that_only_connecting_can_judge_is_judged_before_anything_runs():
    tracker = Background(FileTracker("server:nowhere"))
    with pytest.raises(ConfigError, match="nothing answers there"):
        tracker.open()
    assert tracker.close() == []


def test_a_wrong_address_is_said_without_waiting_for_the_process(tmp_path):
    tracker = Background(MlflowTracker("mlruns"))
    with pytest.raises(ConfigError, match="no longer in plain files"):
        tracker.open()
    assert tracker._process is None


def test_a_process_that_is_not_needed_is_ended_at_once_and_writes_nothing(tmp_path):
    tracker = in_background(MlflowTracker(f"sqlite:///{tmp_path}/new/m.db"))
    process = tracker._process
    assert tracker.close() == []
    assert process.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_sent_stays_where_it_is():
    tracker = NullTracker()
    assert in_background(tracker) is tracker
    assert Background(MlflowTracker("sqlite:///a.db")).hint.endswith("sqlite:///a.db")


def test_an_experiment_that_was_deleted_is_seen_without_mlflow(tmp_path):
    tracker = MlflowTracker(f"sqlite:///{tmp_path}/m.db", artifact_dir=str(tmp_path))
    assert tracker.check()
    tracker.open()
    assert tracker.check()
    tracker._client.delete_experiment(tracker._experiment_id)
    with pytest.raises(ConfigError, match=r"tracking\.experiment=imbench was deleted.*restore"):
        tracker.check()


def test_killing_the_command_ends_the_writer_and_a_rerun_exports_all(tmp_path):
    uri = f"sqlite:///{tmp_path}/m.db"
    code = (
        "import os, sys; from imbench.report.mlflow.export import *;"
        "from imbench.results.metrics import *;"
        "from imbench.report.mlflow.tracker import *; from tests.factories import make_cell;"
        f"tracker = in_background(MlflowTracker({uri!r}, artifact_dir={str(tmp_path)!r}));"
        "[tracker.log_cell(make_cell(label), MetricOptions()) for label in ('a', 'b', 'c')];"
        "print(tracker._process.pid, flush=True);"
        "print(tracker.close(), flush=True) if len(sys.argv) > 1 else os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert killed.returncode == -9
    writer = int(killed.stdout)
    rerun = subprocess.run([sys.executable, "-c", code, "on"], cwd=ROOT, stdout=subprocess.PIPE)
    assert rerun.stdout.split()[1:] == [b"[]"]
    for _ in range(100):
        if not Path(f"/proc/{writer}").exists():
            break
        time.sleep(0.1)
    else:
        pytest.fail("the writer outlived the command")
    tracker = MlflowTracker(uri, artifact_dir=str(tmp_path))
    tracker.open()
    found = tracker._client.search_runs([tracker._experiment_id])
    assert sorted(run.data.tags["strategy"] for run in found) == ["a", "b", "c"]
    assert all("imbench.digest" in run.data.tags for run in found)


def test_an_interrupt_while_cells_are_written_says_that_nothing_is_lost(
    tmp_path, monkeypatch, capsys
):
    from imbench.cli import main

    ends = Background.close

    def interrupted(self):
        is_at_work = self._process is not None
        errors = ends(self)
        if is_at_work:
            raise KeyboardInterrupt
        return errors

    monkeypatch.setattr(Background, "close", interrupted)
    words = ["dataset=synthetic", "dataset.n_rows=100", "model=logistic_regression"]
    assert main([*words, "splits=holdout", f"results_dir={tmp_path}", "device=cpu"]) == 130
    said = capsys.readouterr()
    assert "none" in said.out  # the table
    assert "the results are stored, run the same command again to export" in said.err
    assert "Traceback" not in said.err
