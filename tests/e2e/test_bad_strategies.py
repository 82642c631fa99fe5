"""Strategies that cannot work: one clear sentence each, and a sweep goes on with the others."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, says, table_words

NET = ("model=mlp", "model.estimator.epochs=2", "splits.n_splits=2")

# Name of a strategy: what to add to the command, and what the sentence says.
BAD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cost_matrix": (
        ("strategy.weights.cost_matrix.costs=[[0,1,2],[1,0,2],[1,2,0]]",),
        ("strategy.weights.cost_matrix.costs is 3 x 3", "2 classes"),
    ),
    "cost_sensitive": (
        ("strategy.decision.cost_sensitive.costs=[[0,1,2],[1,0,2],[1,2,0]]",),
        ("strategy.decision.cost_sensitive.costs is 3 x 3", "2 classes"),
    ),
    "adacost": (
        ("strategy.ensemble.adacost.costs=[1,2,3]",),
        ("strategy.ensemble.adacost.costs", "3 values", "2 classes"),
    ),
    "weighted_sampler": (
        ("strategy.batches.weighted_sampler.target=[0.2,0.3,0.5]",),
        ("strategy.batches.weighted_sampler.target has 3 shares", "2 classes"),
    ),
    "bagging": (
        ("strategy.ensemble.bagging.n_estimators=61",),
        ("strategy.ensemble.bagging.n_estimators=61 is more than the 30 rows", "set it lower"),
    ),
    "balanced_bagging": (
        ("strategy.ensemble.balanced_bagging.n_estimators=61",),
        ("strategy.ensemble.balanced_bagging.n_estimators=61 is more than the 30 rows",),
    ),
    "easy_ensemble": (
        ("strategy.ensemble.easy_ensemble.n_estimators=61",),
        ("strategy.ensemble.easy_ensemble.n_estimators=61 is more than the 30 rows",),
    ),
    "[random_under,enn]": (
        (
            "strategy.resample.enn.sampling_strategy=all",
            "strategy.resample.enn.kind_sel=all",
        ),
        ("strategy.resample.enn leaves no row of class", "kind_sel=mode"),
    ),
    "minority_augment": ((), ("strategy=minority_augment needs images", "is a table")),
    "[mixup,noise]": ((), ("strategy=mixup mixes rows", "strategy=noise", "select mixup last")),
    "[soft_f1,inverse_weights]": ((), ("strategy=soft_f1", "strategy=inverse_weights")),
}

# Values that no data could make right: refused before anything runs, or in a sweep in their cell.
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    "cost_matrix": (
        "strategy.weights.cost_matrix.costs=[[0,-1],[1,0]]",
        ("strategy.weights.cost_matrix", "costs", "at least 0", "-1"),
    ),
    "cost_sensitive": (
        "strategy.decision.cost_sensitive.costs=[[0,-1],[1,0]]",
        ("strategy.decision.cost_sensitive", "at least 0", "-1"),
    ),
    "adacost": (
        "strategy.ensemble.adacost.costs=[1,-2]",
        ("strategy.ensemble.adacost", "above 0", "-2"),
    ),
    "[cost_matrix]": (
        "strategy.weights.cost_matrix.costs=[[0,1],[1,0],[1,1]]",
        ("strategy.weights.cost_matrix", "square matrix"),
    ),
    "weighted_sampler": (
        "strategy.batches.weighted_sampler.target=[0.2,0.3]",
        ("strategy.batches.weighted_sampler", "must sum to one", "0.5"),
    ),
    "effective_number": (
        "strategy.weights.effective_number.beta=1",
        ("strategy.weights.effective_number", "beta", "[0, 1)"),
    ),
    "[effective_number]": (
        "strategy.weights.effective_number.beta=-0.1",
        ("strategy.weights.effective_number", "beta", "-0.1"),
    ),
    "class_balanced_focal": (
        "strategy.loss.class_balanced_focal.beta=1.0",
        ("strategy.loss.class_balanced_focal", "beta", "[0, 1)"),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_strategy_that_cannot_work_on_the_data_is_one_sentence(run: Run, table: Path, name):
    words, parts = BAD[name]
    says(run(*table_words(table, *NET, f"strategy={name}", *words)), *parts)


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_no_data_make_right_is_one_sentence_and_nothing_runs(
    run: Run, table: Path, tmp_path: Path, name
):
    word, parts = REFUSED[name]
    done = run(*table_words(table, *NET, f"strategy={name}", word))
    says(done, *parts)
    assert done.code == 2
    assert not (tmp_path / "results" / "runs").exists()


def test_a_sweep_over_bad_strategies_goes_on_with_the_others(run: Run, table: Path, tmp_path: Path):
    """Each is a yaml of the user's, so that all of them are cells of one sweep."""
    folder = tmp_path / "mine" / "strategy"
    folder.mkdir(parents=True)
    expected = {}
    plain = "imbench.strategies"
    for name, stage, entry, parts in (
        (
            "other_shape",
            "weights",
            f"{plain}.weights.cost_matrix.CostMatrixWeights, costs: [[0,1,2],[1,0,2],[1,2,0]]",
            ("costs is 3 x 3",),
        ),
        (
            "below_zero",
            "weights",
            f"{plain}.weights.cost_matrix.CostMatrixWeights, costs: [[0,-1],[1,0]]",
            ("strategy.weights.below_zero", "got -1 in costs"),
        ),
        (
            "not_one",
            "batches",
            f"{plain}.batches.weighted_sampler.WeightedSampler, target: [0.2, 0.3]",
            ("strategy.batches.not_one", "must sum to one"),
        ),
        (
            "beta_one",
            "weights",
            f"{plain}.weights.effective_number.EffectiveNumberWeights, beta: 1.0",
            ("strategy.weights.beta_one", "[0, 1)"),
        ),
        (
            "emptied",
            "resample",
            "imblearn.under_sampling.EditedNearestNeighbours, sampling_strategy: all, "
            "kind_sel: all",
            ("strategy.resample.emptied leaves no row of class 'yes'",),
        ),
        (
            "many",
            "ensemble",
            f"{plain}.ensemble.bagging.Bagging, n_estimators: 61",
            ("is more than the 30 rows",),
        ),
    ):
        (folder / f"{name}.yaml").write_text(f"{stage}: {{{name}: {{_target_: {entry}}}}}\n")
        expected[name] = parts
    names = ["none", *expected, "minority_augment", "focal"]
    words = table_words(table, *NET, f"strategy={','.join(names)}", "output=json")
    done = run("-m", "--config-dir=mine", *words, "splits.n_repeats=1")
    rows = {row["label"]: row for row in map(json.loads, done.out.splitlines())}
    assert done.code == 1
    assert "Traceback" not in done.err
    assert rows.keys() == set(names)
    assert [rows[name]["status"] for name in ("none", "focal")] == ["ok", "ok"]
    assert rows["focal"]["gain"] is not None, "the same folds as `none`, in the same table"
    assert rows["minority_augment"]["status"] == "skipped"
    for name, parts in expected.items():
        assert rows[name]["status"] == "failed", name
        reason = rows[name]["reason"]
        assert reason.endswith(".")
        assert "\n" not in reason
        for part in parts:
            assert part in reason


def test_a_refused_value_stands_in_the_table_of_the_cells_that_ran(run: Run, table: Path):
    words = table_words(table, "strategy=effective_number", "splits.n_splits=2")
    done = run("-m", *words, "strategy.weights.effective_number.beta=0.9,1.5")
    assert done.code == 1
    assert done.out.count("table · logistic_regression") == 1
    assert "beta=1.5" in done.out
    assert "must be a number in [0, 1), got beta=1.5." in " ".join(done.out.split())


def test_a_sweep_of_nothing_but_refused_values_runs_nothing(run: Run, table: Path, tmp_path: Path):
    words = table_words(table, "strategy=effective_number", "splits.n_splits=2")
    done = run("-m", *words, "strategy.weights.effective_number.beta=-1,1.5")
    assert done.code == 2
    assert len(done.err.splitlines()) == 2
    assert not (tmp_path / "results" / "runs").exists()


def test_a_wrong_name_in_one_cell_of_a_sweep_still_stops_all_of_it(run: Run, table: Path):
    words = table_words(table, "strategy=effective_number,none", "splits.n_splits=2")
    done = run("-m", *words, "strategy.weights.effective_number.beta=1.5")
    assert done.code == 2  # `none` has no such entry
