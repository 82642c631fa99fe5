"""Checks of a composed configuration: every error at once, before anything runs."""

import copy
from functools import cache

import pytest

from imbench.api.sweep import parse_all
from imbench.config import catalogue
from imbench.config.compose import Composer
from imbench.config.identity import identity_of
from imbench.config.parse import Draft, check
from imbench.data.splits import Holdout, RepeatedKFold
from imbench.errors import ConfigError
from imbench.strategies.decision.threshold import TunedThreshold
from imbench.strategies.loss.focal import FocalLoss
from tests.cells import cell_of

LOSS = """\
about:
  {name}: {{summary: A loss of mine.}}
loss:
  {name}: {{_target_: imbench.strategies.loss.focal.FocalLoss, gamma: 1.0}}
"""


@cache
def composed(*words, config_dir=None):
    composer = Composer(config_dir)
    return composer.cells(words, multirun=False)[0], composer.folders


def compose(*words):
    return copy.deepcopy(composed(*words)[0])


def problems(*words, config_dir=None, changes=()):
    config, folders = copy.deepcopy(composed(*words, config_dir=config_dir))
    for path, value in changes:
        *parents, last = path.split(".")
        node = config
        for parent in parents:
            node = node[parent]
        node[last] = value
    return check(config, folders)


def strategy_file(folder, name, text):
    path = folder / "strategy" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.contract
@pytest.mark.parametrize("group", ["strategy", "model", "splits"])
def test_what_is_shipped_has_no_problems(group):
    found = sorted(path.stem for path in (catalogue.conf_dir() / group).glob("*.yaml"))
    names = [name for name in found if name != "own"]  # which lacks a class, and says so
    composer = Composer(None)
    configs = composer.cells([f"{group}={','.join(names)}"], multirun=True)
    assert len(configs) == len(names)
    for config in configs:
        assert check(config, composer.folders) == []


def test_an_unknown_stage_is_a_sentence_with_the_nearest_name():
    (problem,) = problems("+strategy.los.x=1")
    assert problem.startswith("strategy.los: there is no stage 'los' (did you mean 'loss'?)")
    assert "resample, batches, augment, weights, loss, ensemble, decision" in problem


def test_an_unknown_key_of_a_model_is_a_sentence_with_the_nearest_name():
    (problem,) = problems("+model.estimater.x=1")
    assert problem.startswith("model.estimater: ")
    assert "did you mean 'estimator'?" in problem


@pytest.mark.parametrize(
    ("word", "key", "near"),
    [
        ("+model.estimator.epoch=3", "model.estimator.epoch", "epochs"),
        ("+model.estimator.backbone.droput=0.1", "model.estimator.backbone.droput", "dropout"),
        ("+model.preprocessing.scael=true", "model.preprocessing.scael", "scale"),
        ("+splits.n_split=3", "splits.n_split", "n_splits"),
        ("+dataset.imbalance.other=0.5", "dataset.imbalance.other", "others"),
    ],
)
def test_an_unknown_parameter_is_a_sentence_with_key_and_nearest_name(word, key, near):
    (problem,) = problems(word)
    assert problem.startswith(f"{key}: ")
    assert f"did you mean '{near}'?" in problem


def test_two_losses_at_once_name_both_yaml_files(tmp_path):
    strategy_file(tmp_path, "my_loss", LOSS.format(name="my_loss"))
    (problem,) = problems("strategy=[focal,my_loss]", config_dir=tmp_path)
    assert "conf/strategy/focal.yaml" in problem
    assert f"{tmp_path.name}/strategy/my_loss.yaml" in problem
    assert "'loss', which holds one" in problem
    assert problem.endswith(".")


def test_two_resamplers_are_no_clash():
    assert problems("strategy=[smote,random_over]") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("strategy=focal", "strategy.loss.focal.gamma=-1"),
            "strategy.loss.focal: gamma must be a number of at least 0, got gamma=-1.",
        ),
        (
            ("strategy=threshold", "strategy.decision.threshold.cv=1"),
            "strategy.decision.threshold: cv must be an integer of at least 2, got 1.",
        ),
        (("model.estimator.epochs=0",), "model.estimator: epochs must be an integer of at least 1"),
        (("splits.n_splits=1",), "splits: n_splits must be an integer of at least 2, got 1."),
        (("splits=holdout", "splits.test_size=2"), "splits: test_size must lie between 0 and 1"),
        (("device=gpu",), "device=gpu is not one of auto, cpu, cuda."),
        (("output=xml",), "output=xml is not one of table, json."),
        (("seed=-1",), "seed=-1 must be an integer of at least 0."),
        (("seed=one",), "seed=one must be an integer of at least 0."),
        (("seed=1.5",), "seed=1.5 must be an integer of at least 0."),
        (("seed=true",), "seed=True must be an integer of at least 0."),
        (("model.estimator.lr=abc",), "model.estimator.lr"),
        (("model.estimator.validation_fraction=abc",), "model.estimator.validation_fraction"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_one_sentence_with_its_key(words, sentence):
    (problem,) = problems(*words)
    assert problem.startswith(sentence)
    assert problem.endswith(".")


@pytest.mark.parametrize("model", ["mlp", "knn"])
def test_amp_is_true_or_false_whether_the_model_looks_at_it_or_not(model):
    found = problems(f"model={model}", "amp=maybe")
    assert found
    assert all("amp='maybe'" in p or "amp=maybe" in p for p in found)


@pytest.mark.parametrize("hidden", ["256", "[0]", "[]", "wide"])
def test_sizes_of_layers_are_explained(hidden):
    (problem,) = problems(f"model.estimator.backbone.hidden={hidden}")
    assert "hidden" in problem
    assert "at least 1" in problem


def test_cuda_where_there_is_none_is_one_sentence_before_anything_runs(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (problem,) = problems("device=cuda")
    assert "set device=cpu or device=auto" in problem


def test_wrong_names_of_all_parts_are_reported_at_once():
    found = problems(
        "strategy=[focal,smote]",
        "device=gpu",
        "seed=-1",
        "+strategy.loss.focal.gama=1",
        "+strategy.resample.smote.k=1",
        "+model.estimator.epoch=1",
        "+dataset.nonsense=1",
        "+splits.nonsense=1",
    )
    starts = [
        "device=gpu",
        "seed=-1",
        "strategy.resample.smote.k:",
        "strategy.loss.focal.gama:",
        "model.estimator.epoch:",
        "dataset.nonsense:",
        "splits.nonsense:",
    ]
    assert len(found) == len(starts)
    for start in starts:
        assert any(problem.startswith(start) for problem in found), start


def test_wrong_values_of_all_parts_are_reported_at_once():
    found = problems(
        "strategy=[focal,threshold]",
        "strategy.loss.focal.gamma=-1",
        "strategy.decision.threshold.cv=1",
        "model.estimator.epochs=0",
        "splits.n_splits=1",
    )
    for key in ("gamma", "cv", "epochs", "n_splits"):
        assert any(key in problem for problem in found), key


@pytest.mark.parametrize(
    ("strategy", "override", "words"),
    [
        ("prowsyn", "strategy.resample.prowsyn.n_levels=0", "n_levels must be an integer"),
        ("random_under", "strategy.resample.random_under.ratio=0.5", "ratio must be a number"),
    ],
)
def test_a_resamplers_value_is_refused_before_anything_runs(strategy, override, words):
    (problem,) = problems(f"strategy={strategy}", override)
    assert problem.startswith(f"strategy.resample.{strategy}: {words}")


def test_all_errors_of_a_sweep_are_reported_at_once_and_each_once():
    composer = Composer(None)
    configs = composer.cells(
        [
            "strategy=focal,none",
            "+model.estimator.epoch=1",
            "splits.n_splits=5,3",
            "metrics.sort=f1",
        ],
        multirun=True,
    )
    assert len(configs) == 4
    with pytest.raises(ConfigError) as caught:
        parse_all([Draft(config, composer.folders) for config in configs])
    lines = str(caught.value).splitlines()
    assert len(lines) == len(set(lines))
    assert sum(line.startswith("model.estimator.epoch:") for line in lines) == 1
    assert any("metrics.sort" in line for line in lines)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("strategy.loss", "focal", "strategy.loss must hold entries by name"),
        ("strategy.loss", {"focal": {"gamma": 1}}, "each with a _target_"),
        ("strategy.loss", {"_target_": "x.Y"}, "strategy.loss must hold entries by name"),
        ("model.estimator", None, "model.estimator must name a class in _target_"),
        ("model.estimator", {"lr": 1}, "model.estimator must name a class in _target_"),
        ("model.needs", ["image"], "'image' is not a kind of data (did you mean 'images'?)"),
        ("strategy.needs", {"focal": ["tabels"]}, "(did you mean 'tables'?)"),
        ("strategy.needs", ["images"], "strategy.needs"),
        ("strategy.needs", {"focal": "images"}, "strategy.needs"),
        ("strategy.about", "A strategy of mine.", "strategy.about"),
        ("model.needs", "images", "model.needs"),
        ("model.preprocessing", "scale", "model.preprocessing"),
        ("strategy", None, "strategy"),
        ("model", "mlp", "model"),
        ("splits", {"n_splits": 5}, "splits"),
        ("dataset", {"name": "digits"}, "dataset"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_a_yaml_of_the_wrong_form_is_a_sentence_that_names_the_key(path, value, words):
    found = problems("strategy=focal", changes=[(path, value)])
    assert len(found) == 1
    assert words in found[0]
    assert found[0].endswith(".")


def test_the_strategy_is_constructed_stage_by_stage():
    strategy = cell_of("strategy=[threshold,focal,smote]").strategy
    assert strategy.label == "smote+focal+threshold"
    assert strategy.loss == {"focal": FocalLoss(2.0)}
    assert strategy.resample["smote"].k_neighbors == 5
    wrapped = strategy.entry("decision")(estimator="e")
    assert isinstance(wrapped, TunedThreshold)
    assert wrapped.estimator == "e"
    assert strategy.needs == {"smote": ("no_categories",)}
    assert strategy.hints == {"smote": "smotenc"}


def test_without_a_strategy_every_stage_is_empty_and_the_label_says_none():
    strategy = cell_of("strategy=none").strategy
    assert strategy.stages == ()
    assert strategy.label == "none"


def test_model_and_splitter_are_constructed_with_their_values():
    cell = cell_of("model=hist_gradient_boosting", "splits=holdout", "splits.test_size=0.4")
    model = cell.model
    assert model.name == "hist_gradient_boosting"
    assert model.training_stages == ()
    assert not model.preprocessing.impute
    assert cell.splitter == Holdout(0.4)
    assert cell_of("splits.n_repeats=2").splitter == RepeatedKFold(5, 2)


def test_the_device_of_the_command_line_reaches_the_net():
    assert cell_of("device=cpu").model.estimator.device == "cpu"
    assert cell_of("amp=true", "device=cpu").model.estimator.amp is True


def test_the_identity_leaves_the_configuration_as_it_was():
    config = compose("model=mlp")
    identity_of(config)
    assert config["model"]["estimator"]["device"] == "auto"
    assert "about" in config["model"]


def test_the_order_of_a_chain_is_part_of_what_a_cell_is():
    from imbench.components.hashing import run_id_of

    one, other = (
        run_id_of(identity_of(compose(f"strategy=[{chain}]")))
        for chain in ("smote,tomek", "tomek,smote")
    )
    assert one != other
    mixed = [
        run_id_of(identity_of(compose(f"strategy=[{c}]"))) for c in ("smote,focal", "focal,smote")
    ]
    assert mixed[0] == mixed[1], "between stages the order is fixed"
