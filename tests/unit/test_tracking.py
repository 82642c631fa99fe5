from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pandas as pd
import pytest
import yaml

from imbench.components.construct import bind, construct
from imbench.errors import ConfigError, ImbenchError
from imbench.report.mlflow.content import digest_of, mlflow_names
from imbench.report.mlflow.tracker import VIEW, MlflowTracker, NullTracker
from imbench.report.mlflow.views import shared_view
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions, metric_options
from imbench.results.metrics import compute_folds, summarise
from tests.factories import make_cell

ROOT = Path(__file__).parents[2]
OPTIONS = MetricOptions()
# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = [
    pytest.mark.process,  # MLflow: imports, databases, child processes
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """One migrated SQLite file for all tests; each takes an experiment of its own."""
    return tmp_path_factory.mktemp("mlflow store")  # with a space, as user folders have


@pytest.fixture
def tracker(store):
    return MlflowTracker(f"sqlite:///{store}/mlflow.db", uuid.uuid4().hex, str(store / "artifacts"))


def runs(tracker):
    return tracker._client.search_runs([tracker._experiment_id])


def artifacts(run):
    return Path(unquote(urlparse(run.info.artifact_uri).path))


def test_importing_imbench_tracking_loads_no_mlflow():
    code = "import sys, imbench.report.mlflow.tracker; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_cell_is_one_run_with_metrics_tags_and_parameters(tracker):
    config = {"model": {"name": "knn", "n_neighbors": 5}, "splits": {"n_splits": 5}}
    cell = make_cell("smote+threshold", config=config)
    tracker.log_cell(cell, OPTIONS)
    (run,) = runs(tracker)
    folds = compute_folds(cell, OPTIONS)
    mean, std = summarise(folds)
    for name in mean:
        assert run.data.metrics[name] == pytest.approx(mean[name])
        assert run.data.metrics[f"std/{name}"] == pytest.approx(std[name])
    history = tracker._client.get_metric_history(run.info.run_id, "fold/f1_macro")
    assert [(m.step, m.value) for m in history] == [
        (i, pytest.approx(fold["f1_macro"])) for i, fold in enumerate(folds)
    ]
    assert run.data.params == {
        "strategy": "smote+threshold",
        "dataset": "digits",
        "model": "knn",
        "model.name": "knn",
        "model.n_neighbors": "5",
        "splits.n_splits": "5",
    }
    expected = {
        "imbench.run_id": cell.run_id, "dataset": "digits", "model": "knn", "status": "ok",
        "strategy": "smote+threshold", "stages": "resample", "stage.resample": "true",
        "folds": "5/5",
        "mlflow.runName": "digits/knn/smote+threshold",
    }  # fmt: skip
    assert expected.items() <= run.data.tags.items()
    assert run.info.status == "FINISHED"


def test_steps_go_on_over_repeats(tracker):
    cell = make_cell("none", n_folds=4)
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    folds = tuple(
        dataclasses.replace(f, repeat=r, fold=k)
        for f, (r, k) in zip(cell.folds, places, strict=True)
    )
    tracker.log_cell(dataclasses.replace(cell, folds=folds), OPTIONS)
    (run,) = runs(tracker)
    history = tracker._client.get_metric_history(run.info.run_id, "fold/accuracy")
    assert [m.step for m in history] == [0, 1, 2, 3]


def test_plots_and_fold_table_are_artifacts(tracker, store):
    curve = np.column_stack([np.ones(3), np.arange(3.0)])
    tracker.log_cell(make_cell("none", history=curve), OPTIONS)
    (run,) = runs(tracker)
    folder = artifacts(run)
    assert folder.is_relative_to(store / "artifacts")
    assert sorted(p.name for p in folder.iterdir()) == [
        "class_distribution.png", "confusion_matrix.png", "folds.csv", "folds.json",
        "precision_recall.png", "roc.png", "training_curve.png",
    ]  # fmt: skip
    assert (folder / "folds.csv").read_text().count("f1_macro") == 5


def test_a_picture_of_made_rows_is_an_artifact_and_replaces_a_run_without_it(tracker):
    tracker.log_cell(make_cell("vae"), OPTIONS)
    shown = {
        "picture": np.zeros((4, 2), np.float32),
        "picture_y": np.array([0, 1, 1, 1]),
        "picture_made": np.array([False, False, True, True]),
    }
    tracker.log_cell(make_cell("vae", **shown), OPTIONS)
    (run,) = runs(tracker)
    assert (artifacts(run) / "made_rows.png").read_bytes().startswith(b"\x89PNG")


def test_shown_means_have_the_intervals_of_the_table(tracker):
    cell = make_cell("none", n_folds=4, n=60)
    tracker.log_cell(cell, OPTIONS)
    (run,) = runs(tracker)
    found = run.data.metrics
    (row,) = build_leaderboard([cell], OPTIONS, with_intervals=True).rows
    assert set(row.intervals) == set(OPTIONS.shown)
    for name, interval in row.intervals.items():
        assert found[f"{name}_low"] == pytest.approx(interval.low)
        assert found[f"{name}_high"] == pytest.approx(interval.high)
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]
    assert {n for n in found if n.endswith(("_low", "_high"))} == {
        f"{name}_{end}" for name in OPTIONS.shown for end in ("low", "high")
    }


def test_the_interval_of_a_metric_at_its_bound_ends_there(tracker):
    cell = make_cell("none")
    folds = tuple(dataclasses.replace(f, y_pred=f.y_true) for f in cell.folds)
    tracker.log_cell(dataclasses.replace(cell, folds=folds), OPTIONS)
    (run,) = runs(tracker)
    assert run.data.metrics["f1_macro"] == 1.0
    assert 0.5 < run.data.metrics["f1_macro_low"] < 1.0
    assert run.data.metrics["f1_macro_high"] == pytest.approx(1.0)
    assert run.data.metrics["brier_low"] < run.data.metrics["brier_high"]


def test_the_reason_why_no_repeat_was_added_is_a_tag(tracker):
    cell = dataclasses.replace(make_cell("none"), sequential=True, stopped="told after 3 repeats")
    tracker.log_cell(cell, OPTIONS)
    (run,) = runs(tracker)
    assert run.data.tags["stopped"] == "told after 3 repeats"


@pytest.mark.parametrize("change", ["metrics.rare", "fold.rare", "stopped"])
def test_what_the_numbers_depend_on_is_in_the_digest(change):
    cell, options = make_cell("none", k=3), OPTIONS
    before = digest_of(cell, options)
    if change == "metrics.rare":
        options = dataclasses.replace(options, rare=("c0",))
    elif change == "fold.rare":
        folds = tuple(dataclasses.replace(f, rare=(0,)) for f in cell.folds)
        cell = dataclasses.replace(cell, folds=folds)
    else:
        cell = dataclasses.replace(cell, stopped="told")
    assert digest_of(cell, options) != before


def test_the_table_of_folds_can_be_compared_over_runs(tracker):
    labels = ("none", "smote")
    for label in labels:
        tracker.log_cell(make_cell(label, n_folds=3), OPTIONS)
    table = pd.concat(
        pd.read_json(artifacts(run) / "folds.json", orient="split") for run in runs(tracker)
    )
    assert sorted(table["strategy"]) == sorted(3 * labels)
    expected = [fold["f1_macro"] for fold in compute_folds(make_cell("none", n_folds=3), OPTIONS)]
    assert table[table["strategy"] == "none"]["f1_macro"].tolist() == pytest.approx(expected)
    for run in runs(tracker):
        logged = json.loads(run.data.tags["mlflow.loggedArtifacts"])
        assert logged == [{"path": "folds.json", "type": "table"}]


def test_the_shared_view_groups_by_strategy_and_shows_columns_that_are_there(tracker):
    options = metric_options({"sort": "brier", "columns": ["f1_macro", "recall/c1"]})
    tracker.log_cell(make_cell("none"), options)
    experiment = tracker._client.get_experiment(tracker._experiment_id)
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{VIEW}"])
    (run,) = runs(tracker)
    known = {f"metrics.`{name}`" for name in run.data.metrics}
    known |= {f"tags.`{name}`" for name in run.data.tags}
    assert set(view["selectedColumns"]) <= known
    assert {"metrics.`brier`", "metrics.`brier_low`", "metrics.`brier_high`"} <= set(
        view["selectedColumns"]
    )
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`brier`", True)
    assert view["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "strategy"}]


def test_no_metric_stands_before_the_sort_metric_in_the_order_of_the_ui():
    for sort in ("f1_macro", "roc_auc", "average_precision", "recall/c1"):
        view = shared_view(metric_options({"sort": sort}), mlflow_names)
        columns = view["selectedColumns"]
        metrics = [name[9:-1] for name in columns if name.startswith("metrics.")]
        assert min(metrics) == metrics[0] == sort
        assert view["orderByKey"] == f"metrics.`{sort}`"
    view = shared_view(metric_options({"sort": "f1_macro"}), mlflow_names)
    assert "metrics.`roc_auc`" in view["selectedColumns"]


def test_runs_are_filtered_by_dataset_model_and_stage(tracker):
    for label, dataset, model in (("none", "a", "knn"), ("smote", "a", "knn"), ("smote", "b", "m")):
        tracker.log_cell(make_cell(label, dataset=dataset, model=model, n_folds=2), OPTIONS)
    found = tracker._client.search_runs(
        [tracker._experiment_id],
        "tags.dataset = 'a' AND tags.model = 'knn' AND tags.`stage.resample` = 'true'",
    )
    assert [run.data.tags["mlflow.runName"] for run in found] == ["a/knn/smote"]


def test_what_tuning_found_is_parameters_metrics_and_a_table(tracker):
    inner = {"inner": [0.5], "state": "complete", "value": 0.5, "seconds": 1.0, "reason": ""}
    gamma = {"strategy.loss.focal.gamma": 1.5}
    facts = {"trials": ({"number": 0, "values": gamma, **inner},), "n_trials": 1, "tuned": gamma}
    tuning = {"trials": 1, "inner_splits": 2, "sampler": "tpe", "metric": "f1_macro"}
    config = {"tuning": tuning}
    plain = make_cell("focal", config=config)
    tuned = make_cell("focal", config=config, importance=dict.fromkeys(gamma, 1.0), **facts)
    tracker.log_cell(plain, OPTIONS)
    tracker.log_cell(tuned, OPTIONS)
    (run,) = runs(tracker)
    assert run.data.params["tuned/strategy.loss.focal.gamma"] == "1.5"
    assert run.data.params["tuning.metric"] == "f1_macro"
    assert run.data.metrics["tuning/n_trials"] == 1
    assert run.data.metrics["importance/strategy.loss.focal.gamma"] == 1
    names = {path.name for path in artifacts(run).iterdir()}
    assert {"tuning.csv", "tuning_history.png"} <= names


@pytest.mark.parametrize("connected", [True, False])
def test_writing_again_writes_nothing(tracker, connected):
    cell = make_cell("none")
    tracker.log_cell(cell, OPTIONS)
    before = runs(tracker)
    again = MlflowTracker(tracker.uri, tracker.experiment, tracker.artifact_dir)
    if connected:
        again.open()
    again.log_cell(cell, OPTIONS)
    after = runs(tracker)
    assert [r.info.run_id for r in before] == [r.info.run_id for r in after]
    assert before[0].info.end_time == after[0].info.end_time


def test_what_a_server_or_no_file_holds_is_not_known_without_connecting(tmp_path):
    cell = make_cell("none")
    for uri in ("http://localhost:1", f"sqlite:///{tmp_path}/none.db", "sqlite:///:memory:"):
        assert not MlflowTracker(uri).has(cell, OPTIONS)
    assert not list(tmp_path.iterdir())
    assert NullTracker().has(cell, OPTIONS)


def test_a_cell_that_went_on_replaces_its_run(tracker):
    cell = make_cell("none")
    tracker.log_cell(dataclasses.replace(cell, folds=cell.folds[:2]), OPTIONS)
    tracker.log_cell(cell, OPTIONS)
    (run,) = runs(tracker)
    assert run.data.tags["folds"] == "5/5"


def test_other_metric_options_replace_the_run(tracker):
    tracker.log_cell(make_cell("none"), OPTIONS)
    extra = {"f2": {"_target_": "imbench.results.metrics.fbeta_minority"}}
    tracker.log_cell(make_cell("none"), metric_options({"extra": extra}))
    (run,) = runs(tracker)
    assert "f2" in run.data.metrics


def test_a_run_that_was_killed_while_writing_is_written_anew(tracker, monkeypatch):
    cell = make_cell("none")
    tracker.open()
    with monkeypatch.context() as patch:
        patch.setattr(tracker._client, "log_artifacts", _killed)
        with pytest.raises(KeyboardInterrupt):
            tracker.log_cell(cell, OPTIONS)
    assert len(runs(tracker)) == 1
    tracker.log_cell(cell, OPTIONS)
    (run,) = runs(tracker)
    assert run.info.status == "FINISHED"
    assert "imbench.digest" in run.data.tags


def test_a_run_stays_until_its_successor_is_complete(tracker, monkeypatch):
    cell = make_cell("none")
    tracker.log_cell(cell, OPTIONS)
    with monkeypatch.context() as patch:
        patch.setattr(tracker._client, "log_artifacts", _killed)
        with pytest.raises(KeyboardInterrupt):
            tracker.log_cell(cell, MetricOptions(ece_bins=3))
    assert sum("imbench.digest" in run.data.tags for run in runs(tracker)) == 1
    with pytest.raises(ConfigError, match="minority"):
        tracker.log_cell(cell, MetricOptions(minority="nobody"))
    assert sum("imbench.digest" in run.data.tags for run in runs(tracker)) == 1
    tracker.log_cell(cell, MetricOptions(ece_bins=3))
    assert len(runs(tracker)) == 1


def _killed(*_):
    raise KeyboardInterrupt


def test_skipped_and_failed_cells_are_runs_too(tracker):
    failed = make_cell("smote", status="failed", reason="out of memory")
    fold = dataclasses.replace(failed.folds[0], traceback="Traceback: here")
    tracker.log_cell(dataclasses.replace(failed, folds=(fold,)), OPTIONS)
    tracker.log_cell(make_cell("focal", status="skipped", reason="needs a net"), OPTIONS)
    found = {r.data.tags["strategy"]: r for r in runs(tracker)}
    assert found["smote"].info.status == "FAILED"
    assert found["smote"].data.tags["reason"] == "out of memory"
    assert (artifacts(found["smote"]) / "traceback.txt").read_text() == "Traceback: here"
    assert found["focal"].info.status == "FINISHED"
    assert found["focal"].data.tags["status"] == "skipped"
    assert found["focal"].data.metrics == {}


def test_undefined_metrics_are_left_out(tracker):
    cell = make_cell("none", n_folds=1)
    fold = dataclasses.replace(cell.folds[0], y_true=np.zeros_like(cell.folds[0].y_true))
    tracker.log_cell(dataclasses.replace(cell, folds=(fold,)), OPTIONS)
    (run,) = runs(tracker)
    assert "roc_auc" not in run.data.metrics
    assert "std/accuracy" not in run.data.metrics
    assert "accuracy" in run.data.metrics
    assert not tracker._client.get_metric_history(run.info.run_id, "fold/roc_auc")
    assert not any(math.isnan(v) for v in run.data.metrics.values())


def test_odd_class_names_stay_apart(tracker):
    names = ("a/../b", "<b>", "(b)", "..")
    tracker.log_cell(make_cell("none", k=4, class_names=names), OPTIONS)
    (run,) = runs(tracker)
    recalls = {name for name in run.data.metrics if name.startswith("recall/")}
    assert recalls == {"recall/a/_/b", "recall/_b_", "recall/_b__2", "recall/_"}


def test_ordinary_names_are_not_changed(tracker):
    names = ("T-shirt/top", "Ankle boot", "größe: 1.5")
    tracker.log_cell(make_cell("none", k=3, class_names=names), OPTIONS)
    (run,) = runs(tracker)
    assert {f"f1/{name}" for name in names} <= set(run.data.metrics)


def test_large_configurations_and_many_metrics_fit(tracker):
    config = {f"key{i}": "x" * 7000 if i == 0 else i for i in range(230)}
    tracker.log_cell(make_cell("none", k=40, n=200, n_folds=10, config=config), OPTIONS)
    (run,) = runs(tracker)
    assert len(run.data.params) == 3 + 230
    assert len(run.data.params["key0"]) == 6000
    assert len(run.data.metrics) >= 3 * 15


def test_a_full_store_is_one_sentence_and_keeps_the_results(tracker, monkeypatch):
    tracker.open()

    def refuse(*_, **__):
        raise OSError("No space left on device\nand a manual")

    monkeypatch.setattr(tracker._client, "create_run", refuse)
    with pytest.raises(
        ImbenchError, match=r"tracking\.uri=.*\(No space left on device\)"
    ) as caught:
        tracker.log_cell(make_cell("none"), OPTIONS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("", "is empty"),
        ("{}/mlruns", "no longer in plain files"),
        ("file:///{}", "no longer in plain files"),
        ("mlruns", "no longer in plain files"),
        ("sqlite:///{}", "cannot be opened for writing"),
        ("sqlite:///{}/text.db", "cannot be opened for writing"),
        ("sqlite:////proc/none/x.db", "cannot be opened for writing"),
        ("http://user:secret@127.0.0.1:9", "nothing answers there"),
    ],
)
def test_a_wrong_uri_is_one_sentence(uri, sentence, tmp_path):
    (tmp_path / "text.db").write_text("no database" * 100)
    with pytest.raises(ConfigError, match=sentence) as caught:
        MlflowTracker(uri.format(tmp_path)).open()
    message = str(caught.value)
    assert message.startswith("tracking.uri=")
    assert "tracking=none" in message
    assert "\n" not in message
    assert "secret" not in message


def test_an_experiment_deleted_in_mlflow_is_named(tracker):
    tracker.open()
    tracker._client.delete_experiment(tracker._experiment_id)
    again = MlflowTracker(tracker.uri, tracker.experiment)
    with pytest.raises(ConfigError, match=r"tracking\.experiment=.*deleted"):
        again.open()


def test_two_processes_open_one_new_file_at_once_in_silence(tmp_path):
    code = (
        "import sys; from imbench.results.metric_options import MetricOptions;"
        "from imbench.report.mlflow.tracker import *;"
        "from tests.factories import make_cell;"
        f"tracker = MlflowTracker('sqlite:///{tmp_path}/new/m.db', artifact_dir='{tmp_path}/a');"
        "tracker.log_cell(make_cell(sys.argv[1], status='skipped', reason='r'), MetricOptions())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, label],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for label in ("none", "smote")
    ]  # fmt: skip
    outputs = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    assert outputs == ["", ""]
    tracker = MlflowTracker(f"sqlite:///{tmp_path}/new/m.db")
    tracker.open()
    assert {r.data.tags["strategy"] for r in runs(tracker)} == {"none", "smote"}


def test_null_tracker_does_nothing():
    tracker = NullTracker()
    tracker.open()
    tracker.log_cell(make_cell("none"), OPTIONS)
    assert tracker.hint == ""


def test_hint_opens_the_store():
    assert (
        MlflowTracker("sqlite:///r/m.db").hint == "mlflow ui --backend-store-uri sqlite:///r/m.db"
    )
    assert MlflowTracker("sqlite:///my runs/mlflow.db").hint == "python -m imbench ui 'my runs'"
    other = MlflowTracker("sqlite:///runs/mlflow.db", "other")  # `ui` opens the yaml's experiment
    assert other.hint == "mlflow ui --backend-store-uri sqlite:///runs/mlflow.db"
    assert "secret" not in MlflowTracker("mysql://me:secret@host/runs").hint
    assert MlflowTracker("http://me:secret@host:5000").hint == "http://me:***@host:5000"


def test_shipped_yamls_construct_trackers():
    found = {p.stem: yaml.safe_load(p.read_text()) for p in (ROOT / "conf/tracking").glob("*.yaml")}
    assert sorted(found) == ["mlflow", "none"]
    for node in found.values():
        assert bind(node, "tracking") == []
    assert isinstance(construct(found["none"], "tracking"), NullTracker)
    assert isinstance(construct(found["mlflow"], "tracking"), MlflowTracker)


def test_a_relative_address_is_one_of_the_folder_it_was_opened_in(tmp_path, monkeypatch):
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        tracker = MlflowTracker("sqlite:///mlflow.db", artifact_dir="artifacts")
        tracker.open()
        tracker.log_cell(make_cell(name), OPTIONS)
        (run,) = runs(tracker)
        assert run.data.tags["strategy"] == name
        assert (folder / "mlflow.db").exists()
