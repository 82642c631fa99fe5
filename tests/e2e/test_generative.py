"""A generative sampler from the command line to the picture in MLflow; three rows are too few."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest

from imbench.results.store import Store
from tests.e2e.conftest import Run

# SQLAlchemy keeps its connections for the life of the process, which is what MLflow wants.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's, of SQLAlchemy
]

SMALL = ("device=cpu", "splits.n_splits=2", "model=logistic_regression")


def test_made_images_arrive_in_the_artifacts_of_the_run_and_with_the_first_fold_alone(
    run: Run, tmp_path: Path, empty_store: Callable[[Path], Path]
) -> None:
    from mlflow import MlflowClient

    empty_store(tmp_path / "results")
    words = (*SMALL, "dataset=digits", "strategy=vae", "strategy.resample.vae.n_steps=30")
    assert run(*words, tracking="mlflow").code == 0
    client = MlflowClient(f"sqlite:///{tmp_path}/results/mlflow.db")
    (experiment,) = [e for e in client.search_experiments() if e.name == "imbench"]
    (found,) = client.search_runs([experiment.experiment_id])
    artifacts = Path(unquote(urlparse(found.info.artifact_uri).path))
    assert (artifacts / "made_rows.png").read_bytes().startswith(b"\x89PNG")

    (cell,) = Store(tmp_path / "results").read_cells()
    first, second = cell.folds
    assert first.picture.shape[1:] == (1, 8, 8)
    assert 0 not in first.picture_y[first.picture_made], "the largest class does not grow"
    assert set(first.picture_y[first.picture_made]) == set(range(1, 10))
    assert len(second.picture) == 0


@pytest.mark.parametrize("name", ["vae", "gan"])
def test_three_rows_to_learn_from_are_one_sentence_and_the_sweep_goes_on(
    run: Run, tmp_path: Path, name: str
) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a:.3f},{'rare' if i < 6 else 'many'}" for i, a in enumerate(rng.normal(size=60))]
    (tmp_path / "table.csv").write_text("\n".join(["a,target", *rows]) + "\n")
    table = ("dataset=table", "dataset.path=table.csv", "dataset.target=target")
    done = run("-m", *SMALL, *table, f"strategy={name},none", "output=json")
    found = {row["label"]: row for row in map(json.loads, done.out.splitlines())}
    assert found["none"]["status"] == "ok"
    assert found[name]["status"] == "failed"
    assert found[name]["reason"] == (
        f"strategy.resample.{name} needs 4 rows of a class, but class 'rare' has 3 in this "
        "training part: use random_over."
    )
    assert "Traceback" not in done.err + done.out
