"""The main job from the command line to table, store, MLflow and report, on small data."""

import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imbench.cli.completion import COMMANDS
from imbench.config import catalogue
from imbench.results.metric_options import HIGHER_IS_BETTER
from tests.conftest import ROOT
from tests.e2e.conftest import Done, Run

CELL = ("dataset=synthetic", "model=mlp", "model.estimator.epochs=2", "strategy=focal")


def rows(done: Done) -> list[dict]:
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_the_first_command_of_the_readme(run: Run, tmp_path: Path) -> None:
    done = run("strategy=focal", "model.estimator.epochs=2")
    assert done.code == 0
    assert "digits · mlp" in done.out
    assert "focal" in done.out
    assert done.err == ""  # no progress bar where there is no terminal
    assert len(list((tmp_path / "results" / "runs").glob("digits-mlp-focal-*/r0-f*.npz"))) == 5


def test_a_second_identical_command_computes_nothing_and_prints_the_same(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(*CELL)
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("r0-f*")}
    monkeypatch.setattr(
        "imbench.run.folds.fit_fold", lambda *a: pytest.fail("a stored fold was fitted")
    )
    second = run(*CELL)
    assert len(files) == 10
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("r0-f*")} == files
    assert second == first


def test_device_and_place_do_not_make_another_cell(run: Run) -> None:
    ids = {rows(run(*CELL, "output=json", *more))[0]["run_id"] for more in ((), ("device=cpu",))}
    assert len(ids) == 1
    assert rows(run(*CELL, "output=json", "seed=1"))[0]["run_id"] not in ids


def test_every_strategy_meets_the_same_folds_in_one_sweep(run: Run, tmp_path: Path) -> None:
    # One strategy a stage; the contract tests meet all of them.
    names = ["none", "random_over", "smote", "weighted_sampler", "minority_augment"]
    names += ["inverse_weights", "focal", "balanced_bagging", "threshold"]
    done = run(
        "-m",
        "dataset=digits",
        "model=mlp",
        "model.estimator.epochs=2",
        "output=json",
        "splits.n_splits=2",
        "splits.n_repeats=1",
        f"strategy={','.join(names)},[focal,smote]",
    )
    found = {row["label"]: row for row in rows(done)}
    assert found.keys() == {*names, "smote+focal"}  # ordered by stage, not by selection
    assert {row["status"] for row in found.values()} == {"ok"}
    assert {row["n_folds"] for row in found.values()} == {2}
    # What errors cost is known with costs=... alone.
    assert set(HIGHER_IS_BETTER) - {"expected_cost"} <= found["none"]["metrics"].keys()
    assert {"precision/0", "recall/9", "f1/5"} <= found["none"]["metrics"].keys()
    tables = run(
        "-m",
        "dataset=digits",
        "model=mlp",
        "model.estimator.epochs=2",
        "splits.n_splits=2",
        "splits.n_repeats=1",
        f"strategy={','.join(names)}",
    )
    assert "baseline" in tables.out
    assert "digits · mlp · 1 repeat of 2 folds" in tables.out
    assert "On digits with mlp" in tables.out


def test_skipped_cells_are_rows_and_the_sweep_succeeds(run: Run) -> None:
    done = run(
        "-m",
        "dataset=synthetic",
        "model=random_forest",
        "model.estimator.n_estimators=5",
        "strategy=none,focal,minority_augment",
        "output=json",
    )
    found = {row["label"]: row for row in rows(done)}
    assert [found[k]["status"] for k in ("none", "focal", "minority_augment")] == [
        "ok",
        "skipped",
        "skipped",
    ]
    assert "random_forest" in found["focal"]["reason"]
    assert "images" in found["minority_augment"]["reason"]


def test_a_failed_cell_fails_the_sweep_after_its_end(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    lines = [f"{i % 7},{i % 11},{'yes' if i % 30 == 0 else 'no'}" for i in range(60)]
    table.write_text("\n".join(["a,b,target", *lines]) + "\n")
    words = (
        "-m",
        "dataset=table",
        f"dataset.path={table}",
        "dataset.target=target",
        "model=logistic_regression",
        "strategy=threshold,none",
        "splits.n_splits=2",
    )
    done = run(*words, "output=json")
    found = {row["label"]: row for row in map(json.loads, done.out.splitlines())}
    assert done.code == 1
    assert found["threshold"]["status"] == "failed"
    assert "strategy.decision.threshold.cv=5 needs two rows" in found["threshold"]["reason"]
    assert found["none"]["status"] == "ok"
    assert "failed" in run(*words).out


def test_an_experiment_file_is_a_named_sweep(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "two.yaml").write_text(
        "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: "
        "{strategy: 'none,[random_over,threshold]', dataset: synthetic}}}\n"
    )
    done = run("--config-dir=mine", "experiment=two", "model=decision_tree", "output=json")
    assert {r["label"] for r in rows(done)} == {"none", "random_over+threshold"}


def test_a_folder_of_the_users_adds_a_strategy(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "strategy"
    folder.mkdir(parents=True)
    (folder / "tomek_all.yaml").write_text(
        "about: {tomek_all: {summary: Remove Tomek links., paper: Tomek 1976}}\n"
        "resample: {tomek_all: {_target_: imblearn.under_sampling.TomekLinks}}\n"
    )
    done = run(
        "--config-dir", "mine", "dataset=synthetic", "model=knn", "strategy=[tomek_all,threshold]"
    )
    assert done.code == 0
    assert "tomek_all+threshold" in done.out
    assert "Tomek 1976" in run("list", "strategies", "--config-dir", "mine").out


@pytest.mark.parametrize("group", ["strategies", "datasets", "models"])
def test_list_shows_every_file_with_its_line(run: Run, group: str) -> None:
    done = run("list", group)
    items = catalogue.items(catalogue.GROUPS[group], [catalogue.conf_dir()])
    assert done.code == 0
    for item in items:
        assert f" {item.name} " in done.out
        assert item.summary.split()[0] in done.out
    if group == "strategies":
        assert "decision" in done.out
        assert "arXiv 1708.02002" in done.out


def test_help_fits_on_a_screen(run: Run) -> None:
    lines = run("--help").out.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 80
    words = set(re.findall(r"\w+", "\n".join(lines)))
    assert set(COMMANDS) - {"run", "help"} <= words
    assert lines[3].split()[0] == "recommend"  # the first thing to try


def test_cfg_prints_and_runs_nothing(run: Run, tmp_path: Path) -> None:
    done = run("--cfg", "strategy=[smote,focal]")
    assert "gamma: 2.0" in done.out
    assert "k_neighbors: 5" in done.out
    assert not (tmp_path / "results").exists()


def test_results_dir_moves_everything_that_is_written(run: Run, tmp_path: Path) -> None:
    done = run(*CELL, "results_dir=elsewhere", tracking="mlflow")
    assert done.code == 0
    assert {p.name for p in tmp_path.iterdir()} == {"elsewhere"}
    assert {"runs", "mlflow.db", "mlflow-artifacts"} <= {
        p.name for p in (tmp_path / "elsewhere").iterdir()
    }
    assert run("report", "elsewhere/runs").code == 0
    assert (tmp_path / "elsewhere" / "report" / "index.html").stat().st_size > 1000


def test_the_environment_variable_moves_results(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMBENCH_RESULTS", str(tmp_path / "env"))
    assert run(*CELL).code == 0
    assert list((tmp_path / "env" / "runs").iterdir())
    assert "focal" in run("report").out


# The command writes in a process of its own: MLflow is new to this one, and warns of SQLAlchemy.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_mlflow_holds_one_run_a_cell_however_often_it_is_exported(
    run: Run, tmp_path: Path, empty_store: Callable[[Path], Path]
) -> None:
    from mlflow import MlflowClient

    empty_store(tmp_path / "results")  # that a command makes one is seen above
    words = (
        "-m",
        "dataset=synthetic",
        "model=mlp",
        "model.estimator.epochs=2",
        "splits.n_splits=3",
        "splits.n_repeats=1",
        "strategy=none,focal,minority_augment",
    )
    for _ in range(2):
        assert run(*words, tracking="mlflow").code == 0
    client = MlflowClient(f"sqlite:///{tmp_path}/results/mlflow.db")
    experiment = client.get_experiment_by_name("imbench")
    runs = {r.data.tags["strategy"]: r for r in client.search_runs([experiment.experiment_id])}
    assert len(client.search_runs([experiment.experiment_id])) == 3
    assert runs["minority_augment"].data.tags["status"] == "skipped"
    focal = runs["focal"]
    assert {"f1_macro", "std/f1_macro", "fold/f1_macro"} <= focal.data.metrics.keys()
    steps = client.get_metric_history(focal.info.run_id, "fold/f1_macro")
    assert sorted(m.step for m in steps) == [0, 1, 2]
    mean = sum(m.value for m in steps) / 3
    assert focal.data.metrics["f1_macro"] == pytest.approx(mean)
    assert focal.data.params["strategy.loss.focal.gamma"] == "2.0"
    names = {a.path for a in client.list_artifacts(focal.info.run_id)}
    names |= {a.path for n in names for a in client.list_artifacts(focal.info.run_id, n)}
    for plot in ("confusion_matrix", "precision_recall", "roc", "class_distribution", "training"):
        assert any(plot in name for name in names), (plot, names)


def test_the_official_test_set_of_mnist(run: Run, data_dir: Path) -> None:
    row = rows(
        run(
            "dataset=mnist",
            f"data_dir={data_dir}",
            "splits=official",
            "strategy=focal",
            "model.estimator.epochs=1",
            "output=json",
        )
    )[0]
    assert row["n_folds"] == 1
    assert row["metrics"]["accuracy"] > 0.8  # 10,734 training images, one epoch


def test_telco_churn_with_a_threshold(run: Run, data_dir: Path) -> None:
    done = run(
        "-m",
        "dataset=telco_churn",
        f"data_dir={data_dir}",
        "splits=holdout",
        "model=hist_gradient_boosting",
        "strategy=none,threshold",
        "output=json",
    )
    found = {r["label"]: r["metrics"] for r in rows(done)}
    assert found["threshold"]["recall/Yes"] > found["none"]["recall/Yes"]
    assert found["threshold"]["roc_auc"] == pytest.approx(found["none"]["roc_auc"])


def test_the_wheel_holds_the_configuration_and_runs(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    assert {"imbench/conf/run.yaml", "imbench/report/assets/page.html"} <= names
    assert not [n for n in names if n.startswith(("tests/", "conf/", "results/"))]
    done = subprocess.run(
        [sys.executable, "-m", "imbench", "list", "models"],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "resnet18" in done.stdout


def test_the_console_script_is_the_same_command() -> None:
    (script,) = [
        e for e in importlib.metadata.entry_points(group="console_scripts") if e.name == "imbench"
    ]
    assert script.value == "imbench.cli:main"


def test_output_into_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m imbench list strategies | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.stderr == ""


def test_the_command_of_the_report_is_named_and_works(run: Run, tmp_path: Path) -> None:
    words = ("dataset=synthetic", "model=decision_tree", "splits.n_repeats=1", "baseline=threshold")
    first = run("-m", *words, "strategy=none,threshold", "results_dir=my results")
    *_, line = (line for line in first.out.splitlines() if line.startswith("report: "))
    assert line == "report: python -m imbench report 'my results/runs' --set baseline=threshold"
    done = run(*shlex.split(line)[4:])
    assert done.code == 0
    assert (tmp_path / "my results" / "report" / "index.html").is_file()
    assert "report: " not in run(*words, "output=json").out
