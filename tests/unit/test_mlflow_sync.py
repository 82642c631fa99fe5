"""Cells in the store become MLflow runs: by the child process of a run, and by `imbench sync`."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

import imbench.report.mlflow
from imbench.errors import ConfigError, DataError, ImbenchError
from imbench.report.mlflow import sync as sync_module
from imbench.report.mlflow.export import BackgroundExporter, in_background
from imbench.report.mlflow.sync import SyncReport, export, serve, sync
from imbench.report.mlflow.tracker import MlflowTracker, NullTracker
from imbench.results.fold import CellKey
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.store import Store
from tests.factories import make_cell

ROOT = Path(__file__).parents[2]
OPTIONS = MetricOptions()
# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = [
    pytest.mark.process,  # MLflow: imports, databases, child processes
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@pytest.fixture
def results(tmp_path, empty_store):
    return empty_store(tmp_path / "results").parent


def tracker_of(results):
    return MlflowTracker(f"sqlite:///{results}/mlflow.db", artifact_dir=str(results / "files"))


def exporter_of(results):
    return BackgroundExporter(tracker_of(results), results)


def key_of(cell):
    return CellKey(**{f.name: getattr(cell, f.name) for f in fields(CellKey)})


def stored(results, *labels, **changes):
    """Write cells into the store, and return them as a run has them."""
    store = Store(results)
    cells = [make_cell(label, **changes) for label in labels]
    for cell in cells:
        store.write_cell(key_of(cell))
        for fold in cell.folds:
            store.write_fold(key_of(cell), fold)
    return cells


def exported(results):
    """Return the active runs of a store: (strategy, whether it is complete, MLflow's run id)."""
    query = """
        SELECT strategy.value, digest.value IS NOT NULL, runs.run_uuid FROM runs
        JOIN tags AS strategy ON strategy.run_uuid = runs.run_uuid AND strategy.key = 'strategy'
        LEFT JOIN tags AS digest
            ON digest.run_uuid = runs.run_uuid AND digest.key = 'imbench.digest'
        WHERE runs.lifecycle_stage = 'active' ORDER BY strategy.value
    """
    connection = sqlite3.connect(results / "mlflow.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def labels_of(results):
    assert all(is_complete for _, is_complete, _ in exported(results))
    return [label for label, _, _ in exported(results)]


def command(*words, cwd):
    """Run the command in a process of its own, which knows nothing of earlier connections."""
    return subprocess.run(
        [sys.executable, "-m", "imbench", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


class ListTracker:
    """A tracker that keeps the labels of its cells, and refuses those that are told to be."""

    hint = ""

    def __init__(self):
        self.labels = []
        self.n_opened = 0

    def open(self):
        self.n_opened += 1

    def has(self, cell, options):
        return cell.label in self.labels

    def log_cell(self, cell, options):
        if cell.label == "refused":
            raise ImbenchError("refused it.")
        if cell.label == "wrong":
            raise TypeError("a bug")
        self.labels.append(cell.label)

    def close(self):
        return ()


class TestSync:
    def test_what_is_missing_is_written_and_a_second_call_writes_nothing(self):
        tracker = ListTracker()
        cells = [make_cell(label) for label in ("a", "refused", "b")]
        assert sync(cells, tracker, OPTIONS) == SyncReport(2, 0, 1, ("refused it.",))
        assert sync(cells, tracker, OPTIONS) == SyncReport(0, 2, 1, ("refused it.",))
        assert tracker.labels == ["a", "b"]

    def test_nothing_is_opened_when_nothing_is_missing(self):
        tracker = ListTracker()
        tracker.labels = ["a"]
        sync([make_cell("a")], tracker, OPTIONS)
        assert tracker.n_opened == 0

    def test_a_damaged_fold_is_reported_and_the_others_are_written(self, results):
        (cell,) = stored(results, "a")
        (results / "runs" / key_of(cell).folder / "r0-f1.npz").write_bytes(b"no arrays")
        tracker = ListTracker()
        found = list(Store(results).read_cells())
        report = sync(found, tracker, OPTIONS)
        assert (report.n_written, report.n_refused) == (1, 0)
        assert "r0-f1.npz fails its checksum" in report.problems[0]
        assert [len(c.folds) for c in found if not isinstance(c, DataError)] == [4]

    def test_a_bug_is_not_taken_for_a_refusal(self):
        with pytest.raises(TypeError, match="a bug"):
            export([make_cell("wrong")], ListTracker(), OPTIONS)


class TestServe:
    """The loop of the child process, called in this one."""

    @pytest.fixture
    def answers(self, results, monkeypatch):
        tracker = ListTracker()
        monkeypatch.setattr(sync_module, "MlflowTracker", lambda **_: tracker)
        monkeypatch.setattr(sync_module, "preload", lambda: None)
        monkeypatch.setattr(sync_module, "resume_collection", lambda: None)

        def call(*requests, parent=None):
            settings = {"results_dir": str(results), "tracking": {}}
            first = settings | {"parent": parent or os.getppid()}
            out = io.StringIO()
            serve(map(json.dumps, (first, *requests)), out)
            return [json.loads(line) for line in out.getvalue().splitlines()]

        call.tracker = tracker
        return call

    def test_each_request_has_one_answer_in_its_order(self, results, answers, capfd):
        cells = stored(results, "a", "refused", "wrong", "b")
        requests = [{"folder": key_of(cell).folder, "metrics": {}} for cell in cells]
        found = answers({"open": True}, *requests)
        assert found == [[], [], ["refused it."], ["TypeError: a bug"], []]
        assert answers.tracker.labels == ["a", "b"]
        assert answers.tracker.n_opened == 1
        assert "Traceback" in capfd.readouterr().err  # of the bug

    def test_a_cell_that_is_not_in_the_store_is_one_sentence(self, answers):
        ((sentence,),) = answers({"folder": "gone", "metrics": {}})
        assert sentence.startswith("gone: cell.json cannot be read")

    def test_nothing_is_written_for_a_run_that_is_gone(self, results, answers):
        (cell,) = stored(results, "a")
        request = {"folder": key_of(cell).folder, "metrics": {}}
        assert answers(request, parent=os.getpid()) == []  # the parent of this process is another
        assert answers.tracker.labels == []


class TestBackgroundExporter:
    def test_cells_are_read_from_the_store_and_written_once(self, results):
        exporter = exporter_of(results)
        cells = stored(results, "a", "b")
        for cell in cells:
            exporter.log_cell(cell, OPTIONS)
        assert exporter.close() == []
        before = exported(results)
        assert labels_of(results) == ["a", "b"]

        assert all(exporter.has(cell, OPTIONS) for cell in cells)  # as the run has them in memory
        again = exporter_of(results)
        for cell in cells:
            again.log_cell(cell, OPTIONS)
        assert again._process is None  # none was needed
        again.start()
        for cell in cells:
            again.log_cell(cell, OPTIONS)
        assert again.close() == []
        assert exported(results) == before
        report = sync(Store(results).read_cells(), tracker_of(results), OPTIONS)
        assert report == SyncReport(0, 2, 0, ())

    def test_plots_are_drawn_from_the_store_with_the_metrics_of_the_run(self, results, tmp_path):
        (tmp_path / "my_metric_module.py").write_text(
            "def half(y_true, y_pred, y_score, minority, share): return share\n"
        )
        node = {"_target_": "my_metric_module.half", "share": 0.5}
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(tmp_path))
            exporter = exporter_of(results)
            (cell,) = stored(results, "a")
            exporter.log_cell(cell, metric_options({"extra": {"half": node}}))
            assert exporter.close() == []
        tracker = tracker_of(results)
        tracker.open()
        (run,) = tracker._runs_of(cell.run_id)
        assert run.data.metrics["half"] == 0.5
        assert list(results.glob("files/*/artifacts/roc.png"))

    def test_a_cell_that_failed_before_its_first_fold_is_a_run_with_its_reason(self, results):
        cell = replace(make_cell("a", status="failed", reason="no such file."), folds=())
        exporter = exporter_of(results)
        exporter.log_cell(cell, OPTIONS)
        assert exporter.close() == []
        tracker = tracker_of(results)
        tracker.open()
        (run,) = tracker._runs_of(cell.run_id)
        assert (run.info.status, run.data.tags["reason"]) == ("FAILED", "no such file.")
        assert tracker.has(cell, OPTIONS)  # the child had the same cell

    def test_a_refused_cell_is_a_sentence_at_the_end_and_the_others_are_written(self, results):
        a, b = stored(results, "a", "b")
        (results / "runs" / key_of(a).folder / "cell.json").unlink()
        exporter = exporter_of(results)
        exporter.log_cell(a, OPTIONS)
        exporter.log_cell(b, OPTIONS)
        (sentence,) = exporter.close()
        assert "cell.json cannot be read" in sentence
        assert labels_of(results) == ["b"]

    def test_a_store_that_refuses_is_a_sentence_that_says_how_to_export_later(self, results):
        (results / "files").write_text("where the folder of artifacts would be")
        (cell,) = stored(results, "a")
        exporter = exporter_of(results)
        exporter.log_cell(cell, OPTIONS)
        (sentence,) = exporter.close()
        assert "refused the cell digits/knn/a" in sentence
        assert f"`python -m imbench sync {results}` or the same command again" in sentence
        (results / "files").unlink()
        done = command("sync", results, f"tracking.artifact_dir={results}/files", cwd=results)
        assert done.stdout.startswith("1 written, 0 unchanged, 0 refused.")
        assert labels_of(results) == ["a"]

    def test_a_child_that_is_killed_is_one_sentence_and_sync_writes_the_rest(self, results):
        a, b = stored(results, "a", "b")
        exporter = exporter_of(results)
        exporter.log_cell(a, OPTIONS)
        os.kill(exporter._process.pid, signal.SIGKILL)
        exporter._process.wait()
        exporter.log_cell(b, OPTIONS)
        (sentence,) = exporter.close()
        assert "exit code -9" in sentence
        assert f"python -m imbench sync {results}" in sentence
        report = sync(Store(results).read_cells(), tracker_of(results), OPTIONS)
        assert report.problems == ()
        assert labels_of(results) == ["a", "b"]

    def test_a_run_that_is_killed_takes_its_child_along_and_sync_writes_the_rest(self, results):
        labels = [f"s{i}" for i in range(40)]  # more than the child writes before it notices
        cells = stored(results, *labels)
        code = (
            "import os; from pathlib import Path;"
            "from imbench.report.mlflow.export import *;"
            "from imbench.results.store import Store;"
            f"results = Path({str(results)!r});"
            "tracker = MlflowTracker(f'sqlite:///{results}/mlflow.db',"
            " artifact_dir=f'{results}/files');"
            "exporter = in_background(tracker, results);"
            "[exporter.log_cell(cell, MetricOptions()) for cell in Store(results).read_cells()];"
            "print(exporter._process.pid, flush=True);"
            "print(exporter._answer(), exporter._answer(), flush=True);"  # it has written one
            "os.kill(os.getpid(), 9)"
        )
        killed = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        assert killed.returncode == -signal.SIGKILL
        child, answers = killed.stdout.splitlines()
        assert answers == "[] []"
        deadline = time.monotonic() + 60
        while Path(f"/proc/{child}").exists():
            assert time.monotonic() < deadline, "the child outlived the run"
            time.sleep(0.1)
        n_written = len(exported(results))
        assert 1 <= n_written < len(cells)
        # Few are left missing, for the time that this test takes.
        for cell in cells[n_written + 2 :]:
            shutil.rmtree(results / "runs" / key_of(cell).folder)
        report = sync(Store(results).read_cells(), tracker_of(results), OPTIONS)
        assert report.problems == ()
        assert report.n_written >= 1
        assert len(labels_of(results)) == len(list((results / "runs").iterdir()))

    def test_an_address_that_only_connecting_can_judge_is_judged_before_anything_runs(
        self, tmp_path
    ):
        exporter = BackgroundExporter(MlflowTracker("http://127.0.0.1:9"), tmp_path)
        with pytest.raises(ConfigError, match="nothing answers there"):
            exporter.open()
        assert exporter.close() == []

    def test_a_wrong_address_needs_no_process(self, tmp_path):
        exporter = BackgroundExporter(MlflowTracker("mlruns"), tmp_path)
        with pytest.raises(ConfigError, match="no longer in plain files"):
            exporter.open()
        assert exporter._process is None

    def test_a_process_that_is_not_needed_is_ended_at_once_and_writes_nothing(self, tmp_path):
        exporter = in_background(MlflowTracker(f"sqlite:///{tmp_path}/new/m.db"), tmp_path)
        process = exporter._process
        assert exporter.close() == []
        assert process.returncode == -signal.SIGKILL
        assert list(tmp_path.iterdir()) == []

    def test_an_interrupt_while_cells_are_written_ends_the_child(self, results, monkeypatch):
        exporter = exporter_of(results)
        exporter.log_cell(stored(results, "a")[0], OPTIONS)
        process = exporter._process

        class Interrupted(io.StringIO):
            def readline(self):
                raise KeyboardInterrupt

        process.stdout.close()
        monkeypatch.setattr(process, "stdout", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            exporter.close()
        assert process.returncode == -signal.SIGKILL
        assert exporter.close() == []

    def test_trackers_of_other_classes_stay_in_this_process(self, tmp_path):
        class Mine(MlflowTracker):
            pass

        for tracker in (NullTracker(), ListTracker(), Mine("sqlite:///a.db")):
            assert in_background(tracker, tmp_path) is tracker


def test_an_interrupt_while_cells_are_written_says_that_nothing_is_lost(
    tmp_path, monkeypatch, capsys
):
    from imbench.cli import main

    ends = BackgroundExporter.close

    def interrupted(self):
        is_at_work = self._process is not None
        errors = ends(self)
        if is_at_work:
            raise KeyboardInterrupt
        return errors

    monkeypatch.setattr(BackgroundExporter, "close", interrupted)
    words = ["dataset=synthetic", "dataset.n_rows=100", "model=logistic_regression"]
    assert main([*words, "splits=holdout", f"results_dir={tmp_path}", "device=cpu"]) == 130
    said = capsys.readouterr()
    assert "none" in said.out  # the table
    assert "the results are stored, run `python -m imbench sync` or the same" in said.err
    assert "Traceback" not in said.err


def test_an_experiment_that_was_deleted_is_seen_without_mlflow(results):
    tracker = tracker_of(results)
    assert tracker.check()
    tracker.open()
    assert tracker.check()
    tracker._client.delete_experiment(tracker._experiment_id)
    with pytest.raises(ConfigError, match=r"tracking\.experiment=imbench was deleted.*restore"):
        tracker.check()


def test_the_command_that_exports_later_names_the_store():
    assert MlflowTracker("sqlite:///my runs/mlflow.db").sync_hint == (
        "python -m imbench sync 'my runs'"
    )
    other = MlflowTracker("http://me:secret@host:5000", "other").sync_hint
    assert "secret" not in other
    assert other.endswith("tracking.experiment=other")


def test_nothing_is_pickled():
    for path in Path(imbench.report.mlflow.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "cloudpickle", "joblib", "multiprocessing"} & set(names), path
