"""Repeats from the command line: they add up, stop when told, and end with a budget."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.conftest import says

ROOT = Path(__file__).parents[2]
TABLE = ("-m", "dataset=synthetic", "model=logistic_regression", "strategy=none,random_over")
ONE = ("dataset=synthetic", "dataset.n_rows=200", "model=logistic_regression")


@pytest.fixture
def fitted(monkeypatch):
    """The folds that were fitted, as (label, repeat, fold), from now on."""
    from imbench.run import folds

    found = []
    fitting = folds._fitting

    def spy(task, fold, *rest):
        found.append((task.key.label, fold.repeat, fold.fold))
        return fitting(task, fold, *rest)

    monkeypatch.setattr(folds, "_fitting", spy)
    return found


def lines(done):
    assert done.code == 0, done.err
    return {line["label"]: line for line in map(json.loads, done.out.splitlines())}


def descriptions():
    found = [json.loads(path.read_text()) for path in Path("results/runs").glob("*/cell.json")]
    return {cell["label"]: (cell["n_folds"], cell["sequential"], cell["stopped"]) for cell in found}


def arrays(pattern="r*-f*.npz"):
    found = Path("results/runs").rglob(pattern)
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in found}


class TestAddUp:
    def test_a_second_repeat_fits_its_own_folds_only(self, run, fitted):
        run(*ONE, "splits.n_repeats=1")
        before = arrays()
        del fitted[:]
        done = run(*ONE, "splits.n_repeats=2", "output=json")
        assert lines(done)["none"]["n_folds"] == 10
        assert [(repeat, fold) for _, repeat, fold in fitted] == [(1, fold) for fold in range(5)]
        assert before.items() <= arrays().items()

    def test_fewer_repeats_than_are_stored_show_what_was_asked_for(self, run, fitted):
        run(*ONE, "splits.n_repeats=2")
        del fitted[:]
        less = lines(run(*ONE, "splits.n_repeats=1", "output=json"))["none"]
        assert (less["n_folds"], less["reason"]) == (5, "")
        assert not fitted
        assert descriptions()["none"] == (10, False, "")
        assert "10 folds" in " ".join(run("report").out.split())

    def test_a_net_that_trains_in_stacks_keeps_its_first_repeat(self, run, fitted):
        net = ("dataset=synthetic", "dataset.n_rows=120", "model=mlp", "model.estimator.epochs=2")
        run(*net, "splits.n_repeats=1")
        before = arrays()
        del fitted[:]
        assert run(*net, "splits.n_repeats=3").code == 0
        assert {repeat for _, repeat, _ in fitted} == {1, 2}
        assert before.items() <= arrays().items()
        once = arrays("r[12]-f*.npz")
        next(Path("results/runs").rglob("r2-f3.json")).unlink()
        assert run(*net, "splits.n_repeats=3").code == 0
        assert arrays("r[12]-f*.npz") == once

    @pytest.mark.parametrize("words", [("splits=holdout",), ("splits=official",)])
    def test_seeds_add_up_and_test_the_same_rows(self, run, fitted, tmp_path, words):
        data = tmp_path / "official.py"
        data.write_text(
            "from dataclasses import replace\nimport numpy as np\n"
            "from imbench.data.synthetic import load_synthetic\n"
            "def load():\n"
            "    return replace(load_synthetic(n_rows=200), test_index=np.arange(60))\n"
        )
        folder = tmp_path / "mine" / "dataset"
        folder.mkdir(parents=True)
        (folder / "own.yaml").write_text(
            "defaults: [imbalance: none, _self_]\nabout: {summary: x, source: y}\n"
            "name: own\n_target_: official.load\n"
        )
        net = ("--config-dir=mine", "dataset=own", "model=mlp", "model.estimator.epochs=2", *words)
        run(*net)
        before = arrays()
        del fitted[:]
        row = lines(run(*net, "splits.n_seeds=3", "output=json"))["none"]
        assert (row["n_folds"], row["n_repeats"]) == (3, 3)
        assert [repeat for _, repeat, _ in fitted] == [1, 2]
        assert before.items() <= arrays().items()
        tested, scores = [], []
        for path in Path("results/runs").rglob("*.npz"):
            with np.load(path) as stored:
                tested.append(stored["test_index"].tolist())
                scores.append(stored["y_score"].tobytes())
        assert tested[0] == tested[1] == tested[2]
        assert len(set(scores)) == 3

    def test_the_report_names_the_command_with_its_repeats(self, run):
        run(*ONE, "splits.n_repeats=2")
        run("report")
        page = Path("results/report/index.html").read_text(encoding="utf-8")
        assert "splits.n_repeats=2" in page

    def test_a_sweep_over_numbers_of_repeats_is_one_cell(self, run):
        done = run("-m", *ONE, "splits.n_repeats=1,3", "output=json")
        assert lines(done)["none"]["n_folds"] == 15


class TestAuto:
    def test_what_is_told_stops_and_is_found_again(self, run, fitted):
        first = run(*TABLE, "dataset.n_rows=400", "output=json")
        found = lines(first)
        gone_on = {label: row["n_repeats"] for label, row in found.items()}
        assert set(gone_on.values()) <= {1, 3, 10}
        assert {label: n for label, (n, _, _) in descriptions().items()} == {
            label: 5 * n for label, n in gone_on.items()
        }
        assert all(sequential for _, sequential, _ in descriptions().values())
        assert all(stopped for _, _, stopped in descriptions().values())
        del fitted[:]
        before = {p: p.stat().st_mtime_ns for p in Path("results/runs").rglob("*")}
        again = run(*TABLE, "dataset.n_rows=400", "output=json")
        assert again.out == first.out
        assert not fitted
        assert {p: p.stat().st_mtime_ns for p in Path("results/runs").rglob("*")} == before

    def test_processes_end_as_one_does(self, run, monkeypatch):
        words = (*TABLE, "dataset.n_rows=300", "output=json")
        one = lines(run(*words, "n_jobs=1"))
        two = lines(run(*words, "n_jobs=2", "results_dir=other"))
        for label, row in one.items():
            assert row["metrics"] == two[label]["metrics"]
            assert row["n_repeats"] == two[label]["n_repeats"]

    def test_one_cell_has_one_repeat_and_says_how_to_get_more(self, run, fitted):
        done = run(*ONE)
        assert len(fitted) == 5
        assert "splits.n_repeats=3 makes more." in done.out
        assert descriptions()["none"] == (5, False, "nothing to compare with")

    def test_a_report_judges_by_what_is_stored(self, run):
        run(*TABLE, "dataset.n_rows=300")
        done = run("report")
        assert "looks at 1, 3 and 10 repeats" in " ".join(done.out.split())

    def test_mlflow_has_a_run_for_each_cell_once_it_is_final(self, run, monkeypatch):
        from imbench.report.mlflow.tracker import NullTracker

        logged = []
        monkeypatch.setattr(NullTracker, "log_cell", lambda self, cell, _: logged.append(cell))
        found = lines(run(*TABLE, "dataset.n_rows=300", "output=json"))
        assert sorted(cell.label for cell in logged) == sorted(found)
        assert {c.label: len(c.folds) for c in logged} == {
            k: r["n_folds"] for k, r in found.items()
        }
        del logged[:]
        run(*TABLE, "dataset.n_rows=300", "splits.n_repeats=1")  # MLflow keeps what is stored
        assert {c.label: len(c.folds) for c in logged} == {
            k: r["n_folds"] for k, r in found.items()
        }

    @pytest.mark.process
    def test_an_interrupt_loses_no_fold_and_the_same_command_goes_on(self, run):
        words = ["-m", "dataset=synthetic", "dataset.n_rows=150", "model=random_forest"]
        words += ["model.estimator.n_estimators=25", "strategy=none,random_over"]
        words += ["n_jobs=1", "output=json"]
        command = [sys.executable, "-m", "imbench", *words, "tracking=none"]
        with subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            while not list(Path("results").rglob("r1-f*.json")) and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=120)
        assert process.returncode == 130, said
        assert "interrupted with 0 of 2 cells complete" in said
        assert "the same command goes on from there" in said
        before = arrays()
        found = lines(run(*words))
        assert {row["n_repeats"] for row in found.values()} <= {3, 10}
        assert before.items() <= arrays().items()


class TestBudget:
    def test_it_ends_with_what_there_is_and_goes_on(self, run, fitted):
        words = (*TABLE, "splits.n_repeats=2", "n_jobs=1")
        done = run(*words, "budget=fits=7")
        assert done.code == 0
        assert len(fitted) == 7
        assert "random_over: ok, 2 of 5 folds: run the command again" in done.out
        assert "\nimbench: budget=fits=7 ended after 7 folds: " in done.err
        assert done.err.count("\n") == 2  # and what the table can show
        done = run(*words, "budget=fits=100", "output=json")
        assert done.code == 0
        assert "budget" not in done.err
        assert len(fitted) == 20
        assert {row["n_folds"] for row in lines(done).values()} == {10}
        assert {stopped for _, _, stopped in descriptions().values()} == {""}

    def test_of_what_is_stored_it_takes_nothing(self, run, fitted):
        run(*ONE)
        del fitted[:]
        done = run(*ONE, "budget=0.001s")
        assert done.code == 0
        assert "budget" not in done.err
        assert not fitted

    def test_inside_of_the_first_fold_there_is_nothing_to_show(self, run):
        says(run(*ONE, "budget=0.001s"), "budget=0.001s ended inside of the first fold")
        assert run(*ONE, "budget=0.001s").code == 1

    def test_a_time_ends_inside_of_a_fold(self, run, monkeypatch):
        monkeypatch.setattr("imbench.run.folds.fold_fitting", _never_ends)
        started = time.monotonic()
        says(run(*ONE, "budget=3s"), "budget=3s ended inside of the first fold")
        assert time.monotonic() - started < 30

    def test_the_first_cell_is_shown_while_the_second_has_no_fold(self, run):
        done = run(*TABLE, "splits.n_repeats=1", "n_jobs=1", "budget=fits=5")
        assert done.code == 0
        assert "none" in done.out
        assert "ended after 5 folds" in done.err

    def test_processes_keep_to_it_too(self, run, tmp_path):
        done = run(*TABLE, "n_jobs=2", "budget=fits=4", f"results_dir={tmp_path}/r")
        assert done.code == 0
        assert "ended after" in done.err

    @pytest.mark.parametrize("value", ["10x", "600", "0m", "fits=0", "rows=many"])
    def test_a_wrong_one_is_a_sentence(self, run, value):
        done = run(*ONE, f"budget={value}")
        says(done, f"budget={value}")
        assert done.code == 2


def _never_ends(*_):
    time.sleep(300)
    yield


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("splits.n_repeats=0",), "n_repeats must be auto or an integer of at least 1, got 0."),
        (("splits.n_repeats=often",), "got 'often'."),
        (("splits=holdout", "splits.n_repeats=auto"), "set a number, such as splits.n_repeats=3."),
        (("splits=holdout", "splits.n_seeds=2", "splits.n_repeats=2"), "set splits.n_seeds=1."),
    ],
)
def test_a_wrong_number_of_repeats_is_a_sentence(run, words, said):
    done = run(*ONE, *words)
    says(done, said)
    assert done.code == 2
