"""Losses of users with a fault that used to show in nothing but the results."""

import json
from pathlib import Path

import numpy as np
import pytest

from imbench.results.store import Store
from tests.e2e.conftest import Run

NET = (
    "--config-dir=mine",
    "dataset=synthetic",
    "model=mlp",
    "model.estimator.epochs=2",
    "splits.n_splits=2",
)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Write a yaml for each loss of ``tests/own_losses.py``."""
    folder = tmp_path / "mine" / "strategy"
    folder.mkdir(parents=True)
    for name in ("Scalar", "Mean", "Plain", "SharedDifficulty", "OwnDifficulty"):
        entry = f"{{_target_: tests.own_losses.{name}Loss}}"
        (folder / f"{name.lower()}.yaml").write_text(f"loss: {{{name.lower()}: {entry}}}\n")
    return folder


def statuses(out: str) -> dict[str, tuple[str, str]]:
    rows = map(json.loads, out.splitlines())
    return {row["label"]: (row["status"], row.get("reason", "")) for row in rows}


def test_a_scalar_and_a_mean_loss_say_what_is_wrong_and_the_sweep_goes_on(run: Run, own: Path):
    words = "strategy=scalar,mean,[mean,inverse_weights],[plain,inverse_weights]"
    done = run("-m", *NET, words, "output=json")
    assert done.code == 1
    assert "Traceback" not in done.err + done.out
    found = statuses(done.out)
    status, reason = found["scalar"]
    assert status == "failed"
    assert "the loss ScalarLoss returns shape () for a batch of 8 rows" in reason
    assert reason.endswith("use reduction='none' and leave the mean to the trainer.")
    status, reason = found["inverse_weights+mean"]
    assert status == "skipped"
    assert reason.startswith("strategy=mean computes one loss for a whole batch, so ")
    assert found["mean"][0] == found["inverse_weights+plain"][0] == "ok"


def test_a_wrong_stacked_form_gives_the_predictions_of_nets_trained_alone(run: Run, own: Path):
    assert run("-m", *NET, "strategy=shareddifficulty,owndifficulty").code == 0
    cells = {cell.label: cell.folds for cell in Store(Path("results")).read_cells()}
    together = [fold.n_together for folds in cells.values() for fold in folds]
    assert together == [2] * 4, "the folds are trained together"
    pairs = zip(cells["shareddifficulty"], cells["owndifficulty"], strict=True)
    for wrong, alone in pairs:
        np.testing.assert_array_equal(wrong.y_score, alone.y_score)
