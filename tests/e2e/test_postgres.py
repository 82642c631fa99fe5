"""Studies and MLflow in a PostgreSQL database that several processes write to at once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from imbench.errors import ConfigError
from imbench.results.store import Store
from imbench.run.tuning.optuna import OptunaTuner
from tests.postgres import database, execute, server

pytest.importorskip("psycopg", reason="pip install 'imbench[postgres]' installs psycopg")

QUICK = ("dataset=synthetic", "dataset.n_rows=120", "model=decision_tree", "splits.n_splits=2")
TUNED = ("strategy=smote", "tuning=optuna", "tuning.trials=6", "tuning.inner_splits=2")
N_TRIALS = """
    select studies.study_name, trials.state, count(*) from trials
    join studies on studies.study_id = trials.study_id group by 1, 2 order by 1
"""


@pytest.fixture(scope="module")
def postgres():
    with server() as address:
        yield address


def start(folder: Path, *words: str) -> subprocess.Popen:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "imbench", *QUICK, f"results_dir={folder}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def end(processes: list[subprocess.Popen]) -> None:
    """Wait for commands; what they wrote is shown of one that failed."""
    for process in processes:
        out, _ = process.communicate(timeout=300)
        assert process.returncode == 0, out


def scores_of(folder: Path) -> np.ndarray:
    (cell,) = Store(folder).read_cells()
    assert cell.status == "ok"
    return np.concatenate([fold.y_score for fold in cell.folds])


def trials_of(folder: Path) -> list:
    (cell,) = Store(folder).read_cells()
    return [
        [{k: v for k, v in trial.items() if k != "seconds"} for trial in fold.trials]
        for fold in cell.folds
    ]


def test_several_processes_complete_a_study_to_exactly_n_and_one_that_is_killed_loses_nothing(
    postgres, tmp_path
):
    address = database(postgres, "studies")
    words = (*TUNED, "tracking=none", f"tuning.storage={address}")
    first = start(tmp_path / "killed", *words)
    others = [start(tmp_path / str(i), *words) for i in range(2)]
    _wait_for_trials(address, 2, first)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    end(others)
    counts = Counter()
    for study, state, n in execute(address, N_TRIALS):
        assert state in ("COMPLETE", "PRUNED")
        counts[study] += n
    assert len(counts) == 2  # one of each outer fold
    assert set(counts.values()) == {6}
    end([start(tmp_path / "alone", *TUNED, "tracking=none")])  # a journal file, one process
    for i in range(2):
        np.testing.assert_array_equal(scores_of(tmp_path / str(i)), scores_of(tmp_path / "alone"))
        assert trials_of(tmp_path / str(i)) == trials_of(tmp_path / "alone")


def _wait_for_trials(address: str, n: int, process: subprocess.Popen) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        assert process.poll() is None, process.communicate()
        if execute(address, "select to_regclass('alembic_version')") != [(None,)] and (
            execute(address, "select count(*) from trials")[0][0] >= n
        ):
            return
        time.sleep(0.02)
    pytest.fail("no trials were stored")


def test_four_writers_of_one_mlflow_database_end_well(postgres, tmp_path):
    address = database(postgres, "mlflow")
    strategies = ("none", "smote", "random_over", "random_under")
    folder = f"tracking.artifact_dir={tmp_path / 'artifacts'}"
    end(
        [
            start(tmp_path / name, f"strategy={name}", f"tracking.uri={address}", folder)
            for name in strategies
        ]
    )
    rows = execute(
        address,
        "select tags.value, runs.status from runs join tags on tags.run_uuid = runs.run_uuid "
        "where tags.key = 'strategy' and runs.lifecycle_stage = 'active'",
    )
    assert sorted(rows) == [(name, "FINISHED") for name in sorted(strategies)]


def test_what_cannot_be_opened_is_one_sentence_without_the_password(postgres, tmp_path):
    address = postgres.replace("tester@", "tester:secret@") + "/nowhere"
    with pytest.raises(ConfigError, match=r"cannot be opened .*nowhere") as caught:
        OptunaTuner(storage=address).prepare(tmp_path)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
