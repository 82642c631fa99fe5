"""A cell: parsed once, located once, sent to other processes, named like its stored results."""

import pickle
from collections import Counter

import pytest

from imbench.components import construct
from imbench.config.cell import Cell, RefusedCell
from imbench.config.parse import Draft, parse
from imbench.run.cell import Runner
from tests.cells import Composer, cell_of

SMALL = ("dataset=synthetic", "dataset.n_rows=80", "splits.n_splits=2", "device=cpu")


def draft(*words):
    composer = Composer(None)
    (config,) = composer.cells([*SMALL, *words], multirun=False)
    return Draft(config, composer.folders)


@pytest.fixture
def located(monkeypatch):
    """How often each path was located."""
    counts, plain = Counter(), construct.locate

    def locate(path, key):
        counts[path] += 1
        return plain(path, key)

    monkeypatch.setattr(construct, "locate", locate)
    return counts


@pytest.mark.parametrize(
    "words",
    [
        ("model=mlp", "model.estimator.epochs=1", "strategy=[smote,focal,threshold]"),
        ("model=decision_tree", "strategy=[smote,bagging]", "tuning=optuna", "tuning.trials=2"),
    ],
    ids=["net", "tuned tree"],
)
def test_each_target_of_a_cell_is_located_once(words, located, tmp_path):
    found = draft(*words)
    assert found.outline.splitter.n_folds == 2
    result = Runner(tmp_path).run(found.cell())
    assert result.status == "ok", result.reason
    assert "imblearn.over_sampling.SMOTE" in located
    assert set(located.values()) == {1}


@pytest.mark.parametrize(
    "words",
    [
        ("model=mlp", "strategy=[smote,focal,threshold]", "tuning=optuna"),
        ("model=hist_gradient_boosting", "strategy=[smote,balanced_bagging,temperature]"),
        ("model=random_forest", "strategy=inverse_weights", "neighbors=torch"),
    ],
)
def test_a_cell_can_be_sent_to_another_process(words):
    cell = cell_of(*SMALL, *words)
    again = pickle.loads(pickle.dumps(cell))
    assert again.key("d", "f") == cell.key("d", "f")
    assert again.strategy.label == cell.strategy.label == cell.label
    assert str(again.model.estimator) == str(cell.model.estimator)
    assert again.parts.keys() == cell.parts.keys()
    for name, wrap in cell.strategy.decision.items():
        assert str(wrap(estimator=None)) == str(again.strategy.decision[name](estimator=None))


@pytest.mark.parametrize("strategy", ["none", "[threshold,tomek,smote]", "ldam_drw"])
def test_the_outline_names_a_cell_as_the_cell_itself_does(strategy):
    found = draft(f"strategy={strategy}", "model=mlp")
    outline, cell = found.outline, found.cell()
    assert outline.key("d", "f") == cell.key("d", "f")
    assert (outline.label, outline.stages) == (cell.strategy.label, cell.strategy.stages)
    assert outline.model_name == cell.model.name


def test_without_its_rule_a_cell_is_the_cell_of_the_other_stages():
    bare = cell_of(*SMALL, "strategy=[smote,threshold]", "model=knn").without_decision()
    assert bare.key("d", "f") == cell_of(*SMALL, "strategy=smote", "model=knn").key("d", "f")
    assert not bare.strategy.decision
    assert bare.parts.keys() == {
        "model.estimator",
        "model.preprocessing",
        "strategy.resample.smote",
    }


def test_a_refused_value_of_the_strategy_is_the_result_of_its_cell(tmp_path):
    found = draft("model=knn", "strategy=threshold", "strategy.decision.threshold.cv=1")
    cell = found.cell()
    assert isinstance(cell, RefusedCell)
    result = Runner(tmp_path).run(cell)
    assert (result.status, result.label, result.n_folds) == ("failed", "threshold", 2)
    assert result.reason.startswith("strategy.decision.threshold: cv must be an integer")
    right = draft("model=knn", "strategy=threshold").cell()
    assert isinstance(right, Cell)
    assert result.config.keys() == right.key("d", "f").config.keys()
    assert not list(tmp_path.rglob("*.json"))


def test_a_cell_is_parsed_without_hydra():
    config = draft("model=knn", "strategy=smote").config
    assert parse(config, []).label == "smote"
