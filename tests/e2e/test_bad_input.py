"""The list of bad inputs: one clear sentence each, an exit code, no traceback, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.conftest import Run, says, table_words

QUICK = ("dataset=synthetic", "model=logistic_regression")


def change(path: Path, line: int, text: str) -> Path:
    lines = path.read_text().splitlines()
    lines[line] = text
    path.write_text("\n".join(lines) + "\n")
    return path


NAMES = [
    (("strategy=smot",), ("strategy=smot", "smote")),
    (("strategy=[focal,nonsense]",), ("strategy=nonsense", "list strategies")),
    (("model=mpl",), ("model=mpl", "mlp")),
    (("dataset=minst",), ("dataset=minst", "mnist")),
    (("splits=kfolds",), ("splits=kfolds", "kfold")),
    (("stratgy=focal",), ("stratgy", "strategy")),
    (("splits.n_split=5",), ("splits.n_split", "n_splits")),
    (("+strategy.losses.x._target_=y",), ("strategy.losses", "loss")),
    (("+strategy.loss.mine._target_=no.such.Loss",), ("strategy.loss.mine", "no.such.Loss")),
    (("+model.estimator.epoch=3", "model=mlp"), ("model.estimator.epoch", "epochs")),
    (("device=gpu",), ("device=gpu", "auto, cpu, cuda")),
    (("output=xml",), ("output=xml", "table, json")),
    (("seed=-1",), ("seed=-1",)),
    (("strategy=focal", "strategy.loss.focal.gamma=-1", "model=mlp"), ("gamma", "-1")),
    (("splits.n_splits=1",), ("splits", "n_splits", "1")),
    (("splits=holdout", "splits.test_size=1.5"), ("splits", "test_size", "1.5")),
    (("splits=official",), ("splits=official", "kfold")),
    (("metrics.sort=f1_makro",), ("f1_makro", "f1_macro")),
    (("metrics.minority=nobody",), ("metrics.minority=nobody",)),
    (("strategy=none,focal",), ("-m",)),
    (("strategy=[none",), ("strategy=[none",)),
    (("--config-dir=nowhere",), ("nowhere",)),
    (("model=mlp", "model.estimator.lr=0"), ("model.estimator", "lr", "0")),
    (("dataset/imbalance=keep", "dataset.imbalance.ratios={nobody: 0.5}"), ("nobody",)),
    (("dataset.n_rows=ten",), ("n_rows", "ten")),
    (("tracking=mlflow", "tracking.uri=./mlruns"), ("tracking.uri", "sqlite:///")),
]


@pytest.mark.parametrize(("words", "parts"), NAMES, ids=[" ".join(w) for w, _ in NAMES])
def test_a_wrong_name_or_value_is_one_sentence(run: Run, words, parts) -> None:
    says(
        run(*QUICK, *words)
        if "tracking=mlflow" not in words
        else run(*QUICK, *words[1:], tracking="mlflow"),
        *parts,
    )


def test_a_wrong_configuration_runs_nothing(run: Run, tmp_path: Path) -> None:
    done = run("-m", *QUICK, "strategy=none,threshold", "strategy.decision.threshold.cv=1")
    assert done.code == 2
    assert not (tmp_path / "results" / "runs").exists()


def test_every_wrong_cell_of_a_sweep_is_named_at_once(run: Run) -> None:
    done = run("-m", *QUICK, "device=gpu,tpu", "seed=-1")
    assert done.code == 2
    assert len(done.err.splitlines()) == 3


def test_two_losses_at_once_name_both_files(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "strategy"
    folder.mkdir(parents=True)
    (folder / "other.yaml").write_text(
        "loss: {other: {_target_: imbench.strategies.loss.cross_entropy.CrossEntropyLoss}}\n"
    )
    says(
        run("--config-dir=mine", "strategy=[focal,other]"),
        "conf/strategy/focal.yaml",
        "mine/strategy/other.yaml",
        "loss",
    )


def test_a_focal_loss_on_a_forest_is_skipped_with_the_reason(run: Run) -> None:
    says(
        run("dataset=synthetic", "model=random_forest", "strategy=focal"),
        "focal",
        "random_forest",
        "net",
    )


def test_cuda_where_there_is_none(run: Run) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    says(run("dataset=synthetic", "model=mlp", "device=cuda"), "device=cuda", "device=cpu")


def test_a_missing_file(run: Run, tmp_path: Path) -> None:
    says(run(*table_words(tmp_path / "none.csv")), "dataset.path", "none.csv")


def test_no_file_named(run: Run) -> None:
    says(run("dataset=table", "model=knn"), "dataset.path")


def test_an_empty_file(run: Run, table: Path) -> None:
    table.write_text("")
    says(run(*table_words(table)), "table.csv", "empty")


def test_an_unknown_column(run: Run, table: Path) -> None:
    says(run(*table_words(table, "dataset.target=targt")), "targt", "target")


def test_a_target_with_one_class(run: Run, table: Path) -> None:
    table.write_text(table.read_text().replace("yes", "no"))
    says(run(*table_words(table)), "dataset.target=target", "'no'", "two classes")


def test_infinite_features(run: Run, table: Path) -> None:
    says(run(*table_words(change(table, 3, "inf,1.0,no"))), "'a'", "infinite")


def test_missing_features_where_the_model_cannot_take_them(run: Run, table: Path) -> None:
    change(table, 3, ",1.0,no")
    says(
        run(*table_words(table, "model.preprocessing.impute=false")),
        "missing values",
        "model.preprocessing.impute=true",
    )


def test_missing_features_are_imputed_by_default(run: Run, table: Path) -> None:
    assert run(*table_words(change(table, 3, ",1.0,no"))).code == 0


def test_a_class_smaller_than_the_folds(run: Run, table: Path) -> None:
    lines = table.read_text().splitlines()
    rare = [line for line in lines if line.endswith("yes")][:3]
    table.write_text("\n".join([*(x for x in lines if not x.endswith("yes")), *rare]) + "\n")
    says(run(*table_words(table)), "'yes'", "3 rows", "splits.n_splits=3")


def test_more_neighbours_than_minority_rows_are_clipped_and_the_table_says_so(
    run: Run, table: Path
) -> None:
    words = table_words(table, "strategy=smote", "strategy.resample.smote.k_neighbors=30")
    done = run(*words, "output=json")
    assert done.code == 0, done.err
    notes = json.loads(done.out)["notes"]
    assert sum(notes.values()) == 5
    for note in notes:
        assert note.startswith("strategy.resample.smote.k_neighbors=30 was clipped to ")
        assert "class 'yes' has " in note
    assert "k_neighbors=30 was clipped to 8" in " ".join(run(*words).out.split())


def test_an_unknown_class_name(run: Run, table: Path) -> None:
    words = ("dataset/imbalance=keep", "dataset.imbalance.ratios={yess: 0.5}")
    says(run(*table_words(table, *words)), "yess", "yes")


def test_a_results_folder_that_cannot_be_written(run: Run, table: Path) -> None:
    # Below a file nobody can make a folder, not even root, for whom permissions do not hold.
    says(run(*QUICK, f"results_dir={table}/results"), "results_dir", "IMBENCH_RESULTS")


def test_a_failed_cell_is_a_row_and_the_sweep_goes_on(run: Run, table: Path) -> None:
    words = table_words(table, "strategy=smote,none", "output=json")
    done = run("-m", *words, "+strategy.resample.smote.k_neighbors=30")
    assert done.code == 2  # `none` has no such entry: nothing runs, the fix is in the sentence
    done = run(
        "-m", *table_words(table, "strategy=smote,none", "output=json", "splits.n_splits=6,12")
    )
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["status"] for row in rows].count("ok") == 4
    assert done.code == 0


def test_errors_are_shown_in_full_when_asked_for(run: Run) -> None:
    from imbench.errors import ConfigError

    with pytest.raises(ConfigError, match="smot"):
        run(*QUICK, "strategy=smot", "--traceback")


def test_tracebacks_of_failed_folds_are_shown_when_asked_for_and_only_then(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*QUICK, "strategy=threshold", "dataset.n_rows=20", "dataset.weights=[18,2]")
    words += ("splits.n_splits=2",)
    asked = run(*words, "--traceback")
    assert asked.code == 1
    assert "Traceback" in asked.err
    # The words of the process are not those of the call.
    monkeypatch.setattr("sys.argv", ["imbench", "--traceback"])
    again = run(*words, "checks.ignore=[small-class]")
    says(again, "strategy.decision.threshold.cv=5 needs two rows of each class")


def test_ctrl_c_keeps_what_was_finished_and_the_rerun_goes_on(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "imbench",
        "dataset=synthetic",
        "model=mlp",
        "tracking=none",
        "splits.n_repeats=40",  # more folds than are trained together
        "output=json",
        f"results_dir={tmp_path}",
    ]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("runs/*/r*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    stored = sorted(tmp_path.glob("runs/*/r*.json"))
    before = {path: path.read_bytes() for path in stored}
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "goes on from there" in err
    assert 3 <= len(stored) < 200

    rerun = subprocess.run(
        words,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert json.loads(rerun.stdout)["n_folds"] == 200
    assert {path: path.read_bytes() for path in stored} == before
