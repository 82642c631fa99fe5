from __future__ import annotations

import json
from typing import Any

import pytest

from imbench.cli.reproduce import commands
from imbench.config.compose import Composer
from imbench.config.parse import Draft
from tests.factories import make_cell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def composer():
    return Composer(None)


def stored(composer: Composer, *words: str) -> Any:
    """A cell whose configuration went through the file that a run writes."""
    config = composer.cells(words, multirun=False)[0]
    outline = Draft(config, composer.folders).outline
    identity = json.loads(json.dumps(outline.identity, sort_keys=True))
    return make_cell(outline.label, n_folds=0, config={**identity, "fingerprint": "f"})


@pytest.mark.parametrize(
    "words",
    [
        ("dataset=digits", "model=mlp", "strategy=none"),
        ("dataset=digits", "dataset/imbalance=none", "model=mlp", "strategy=focal"),
        ("dataset=synthetic", "model=random_forest", "strategy=[tomek,smote,threshold]"),
        ("dataset=synthetic", "model=mlp", "splits=holdout", "strategy=ldam_drw"),
        ("dataset=digits", "model=mlp", "model.estimator.backbone.hidden=[64,32]", "strategy=none"),
        ("dataset=digits", "model=mlp", "strategy=focal", "strategy.loss.focal.gamma=0.5"),
        ("dataset=keel", "model=svm", 'dataset.table=abalone9-18', "seed=7", "strategy=smote"),
        ("dataset=digits", "model=knn", "strategy=smote", "neighbors=torch"),
        (
            "dataset=digits",
            "model=own",
            "model.estimator._target_=sklearn.svm.LinearSVC",
            "+model.estimator.C=0.1",
            "strategy=none",
        ),
        ("dataset=digits", "model=knn", "strategy=smote", "neighbors=faiss", "neighbors.links=16"),
    ],
)  # fmt: skip
def test_words_compose_the_same_configuration(composer, words):
    cell = stored(composer, *words)
    found = commands([cell], composer)[cell.run_id]
    assert sorted(found) == sorted(words)
    again = stored(composer, *found)
    assert again.config == cell.config
    assert again.label == cell.label


@pytest.mark.parametrize(
    "words",
    [
        ("dataset=digits", "model=mlp", "strategy=none", "tuning=optuna"),
        ("dataset=digits", "model=knn", "strategy=smote", "tuning=optuna", "tuning.metric=mcc"),
        (
            "dataset=digits",
            "model=knn",
            "strategy=smote",
            "tuning=optuna",
            "tuning.trials=5",
            "+model.search={estimator.n_neighbors:{low:3}}",
            "+strategy.search={resample.smote.k_neighbors:null}",
        ),
    ],
)
def test_tuned_search_spaces_are_reproduced(composer, words):
    cell = stored(composer, *words)
    found = commands([cell], composer)[cell.run_id]
    again = stored(composer, *found)
    assert again.config == cell.config
    assert len(found) == len(words)


def test_a_user_file_is_a_placeholder(composer):
    cell = stored(composer, "dataset=table", "dataset.path=churn.csv", "dataset.target=Churn")
    words = commands([cell], composer)[cell.run_id]
    assert "dataset.path=FILE" in words
    assert "dataset.target=Churn" in words


def test_names_are_quoted_for_the_grammar(composer):
    cell = stored(composer, "dataset=table", 'dataset.target="a, b: {c}"', "dataset.path=x.csv")
    words = commands([cell], composer)[cell.run_id]
    again = composer.cells(list(words), multirun=False)[0]
    assert again["dataset"]["target"] == "a, b: {c}"


def test_user_components_are_written_out(composer):
    cell = stored(composer, "dataset=digits", "model=svm")
    own = {"resample": {"mine": {"_target_": "my.Sampler", "share": 0.5}}}
    cell = make_cell("mine", config={**cell.config, "strategy": own})
    words = commands([cell], composer)[cell.run_id]
    again = composer.cells(list(words), multirun=False)[0]
    assert again["strategy"]["resample"] == own["resample"]


def test_an_incomplete_configuration_has_no_command(composer):
    assert commands([make_cell("none", config={"dataset": {"name": "digits"}})], composer) == {}


@pytest.mark.parametrize(
    "words",
    [
        ("strategy=cost_sensitive", "costs={missed: 20, false_alarm: 1}", "metrics.minority=1"),
        ("strategy=threshold", "metrics=[default,f2]",
         "strategy.decision.threshold.metric=f2_minority",
         "strategy.decision.threshold.subject_to={recall/1: 0.9}"),
    ],
)  # fmt: skip
def test_words_of_a_cell_that_depends_on_costs_or_bounds_compose_it_again(composer, words):
    cell = stored(composer, "dataset=synthetic", "model=knn", *words)
    found = commands([cell], composer)[cell.run_id]
    assert stored(composer, *found).config == cell.config
