"""From words to configurations: names, sweeps, folders of the user's own, one-sentence errors."""

import itertools
import json

import pytest
from omegaconf import OmegaConf

from imbench.components.hashing import run_id_of
from imbench.config import catalogue
from imbench.config.compose import Composer, _parse
from imbench.config.parse import Draft, check
from imbench.errors import ConfigError
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # seconds as a whole

MINE = """\
about:
  mine: {summary: A loss of mine., paper: ""}
loss:
  mine: {_target_: imbench.strategies.loss.focal.FocalLoss, gamma: 0.5}
"""

EXPERIMENT = """\
# @package _global_
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      model: mlp,knn
      strategy: none,[smote,focal]
"""


def write(folder, name, text):
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def cells(*words, sweep=False, config_dir=None):
    return Composer(config_dir).cells(words, multirun=sweep)


def labels(configs):
    return [(c["model"]["name"], Draft(c, []).outline.label) for c in configs]


def sentence(*words, sweep=False, config_dir=None):
    with pytest.raises(ConfigError) as caught:
        cells(*words, sweep=sweep, config_dir=config_dir)
    text = str(caught.value)
    assert "\n" not in text, "one sentence"
    assert text.endswith((".", "=..."))
    return text


def in_order(config):
    """Text of a configuration in which the order of keys counts, as it does for resamplers."""
    return json.dumps(config)


def hydra_alone(*words, config_dir=None):
    """Compose a sweep cell by cell, each by nothing but Hydra's public function."""
    composer = Composer(config_dir)
    experiment = [word for word in words if word.startswith("experiment=")]
    with_hydra = composer.compose(experiment, with_hydra=True).hydra
    named = {word.lstrip("+~").partition("=")[0] for word in words}
    params = [f"{k}={v}" for k, v in (with_hydra.sweeper.params or {}).items() if k not in named]
    choices = [composer._choices(o, True) for o in _parse([*params, *words])]
    jobs = itertools.product(*choices)
    return [OmegaConf.to_container(composer.compose(job), resolve=True) for job in jobs]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("strategy=none,[smote,tomek],[tomek,smote,focal,threshold]", "decision=as_is,platt"),
        ("strategy=smote,focal", "tuning=optuna", "metrics=[default,f2]", "splits=holdout"),
        ("strategy=threshold,[smote,threshold],[]", "decision=threshold"),
        ("strategy=smote,[smote,smote],[ldam_drw,smote]", "neighbors=exact,torch"),
        ("strategy=smote,[smote,focal]", "strategy.resample.smote.k_neighbors=3"),
        ("strategy=smote,[smote,focal]", "+strategy.resample.smote.n_jobs=1", "seed=0,1"),
        ("strategy=smote,[smote,focal]", "~strategy.search"),
        ("dataset=mnist,digits", "dataset/imbalance=long_tail", "dataset.imbalance.ratio=10,20"),
        ("model=mlp,cnn", "device=cpu", "amp=true", "+strategy.loss.x={_target_: a.b}"),
        ("model=mlp", "model.estimator.lr=0.1,0.2", "~model.search", "strategy=none,focal"),
        ("strategy=glob(*_smote)", "model=knn,svm"),
        ("experiment=nine_strategies",),
        ("experiment=to_smote_or_not", "dataset.table=yeast4", "model=knn"),
    ],
)
def test_a_sweep_is_composed_as_hydra_composes_each_cell(words):
    found = cells(*words, sweep=True)
    assert list(map(in_order, found)) == list(map(in_order, hydra_alone(*words)))
    assert len(found) > 1


@pytest.mark.slow
def test_strategies_of_a_users_folder_are_composed_as_hydra_composes_them(tmp_path):
    write(tmp_path, "strategy/mine", MINE)
    write(tmp_path, "strategy/both", "defaults: [mine, smote, _self_]\nsearch: {a.b.c: null}\n")
    write(tmp_path, "strategy/packed", "# @package _global_\nstrategy:\n  about: {x: null}\n")
    write(tmp_path, "strategy/of_device", MINE.replace("0.5", "'${seed}'"))
    write(tmp_path, "experiment/fixed", "# @package _global_\nstrategy:\n  search: {d.e.f: null}\n")
    words = ("strategy=mine,[mine,smote],both,[focal,packed],of_device", "decision=as_is,threshold")
    for more in ((), ("experiment=fixed", "seed=7")):
        found = cells(*words, *more, sweep=True, config_dir=tmp_path)
        expected = hydra_alone(*words, *more, config_dir=tmp_path)
        assert list(map(in_order, found)) == list(map(in_order, expected))


def test_hydra_composes_once_for_each_choice_that_is_no_strategy(monkeypatch, tmp_path):
    composed = []
    compose = Composer.compose

    def spy(self, *args, **more):
        composed.append(args)
        return compose(self, *args, **more)

    monkeypatch.setattr(Composer, "compose", spy)
    write(tmp_path, "strategy/mine", MINE)
    words = ("model=knn,svm", "strategy=none,smote,[smote,mine]")
    found = cells(*words, sweep=True, config_dir=tmp_path)
    assert [label for _, label in labels(found)] == ["none", "smote", "smote+mine"] * 2
    assert len(composed) == 1 + 2  # the first for what Hydra itself is told


def test_without_words_there_is_one_cell_that_is_right():
    composer = Composer(None)
    (config,) = composer.cells([], multirun=False)
    assert check(config, composer.folders) == []
    assert "hydra" not in config


@pytest.mark.parametrize(
    ("word", "start"),
    [
        ("strategy=smoot", "strategy=smoot: there is no such strategy (did you mean 'smote'?)"),
        ("strategy=[focal,smoot]", "strategy=smoot: there is no such strategy"),
        ("model=mpl", "model=mpl: there is no such model (did you mean 'mlp'?)"),
        ("dataset=digit", "dataset=digit: there is no such dataset (did you mean 'digits'?)"),
        ("splits=kfol", "splits=kfol: there is no such splits (did you mean 'kfold'?)"),
        ("tracking=mlfow", "tracking=mlfow: there is no such tracking (did you mean 'mlflow'?)"),
        ("metrics=[defalt]", "metrics=defalt: there is no such metrics (did you mean 'default'?)"),
        ("experiment=no_such", "experiment=no_such: there is no such experiment"),
        (
            "dataset/imbalance=long_tial",
            "dataset/imbalance=long_tial: there is no such dataset/imbalance (did you mean 'long",
        ),
        ("sed=3", "sed: there is no such key (did you mean 'seed'?)"),
        ("splits.n_split=3", "splits.n_split: there is no such key (did you mean 'n_splits'?)"),
    ],
)
def test_an_unknown_name_is_one_sentence_with_the_nearest_one(word, start):
    assert sentence(word).startswith(start)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("dataset=synthetic", "dataset.rati=8"), "ratio"),
        (("strategy=smote", "strategy.resample.smote.k_neighbours=3"), "k_neighbors"),
        (("strategy=focal", "strategy.loss.focal.gama=3"), "gamma"),
        (("model=knn", "model.estimator.n_neighbours=3"), "n_neighbors"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_the_nearest_key_is_looked_for_in_what_was_selected_and_not_in_the_default(words, near):
    found = sentence(*words)
    key = words[1].split("=")[0]
    assert found.startswith(f"{key}: there is no such key (did you mean {near!r}?)")


@pytest.mark.parametrize(
    ("words", "advised"),
    [
        (("dataset.path=a.csv", "dataset.target=y"), "set dataset=table beside it"),
        (("dataset.target=y", "dataset.path=a.csv"), "set dataset=table beside it"),
        (("dataset.path=a.csv",), "set dataset=image_folder or dataset=table beside it"),
        (("strategy.resample.smote.k_neighbors=3",), "set strategy=smote beside it"),
        (("tuning.trials=3",), "set tuning=optuna beside it"),
        (("splits=time", "splits.n_repeats=3"), "set splits=group or splits=holdout or splits=k"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_file_that_has_a_key_is_named(words, advised):
    found = sentence(*words)
    assert advised in found
    assert "+" not in found
    choice = advised.split()[-3] if advised.endswith("it") else advised.split()[1]
    assert cells(choice, *(word for word in words if not word.startswith("splits=")))


def test_a_key_is_to_be_added_only_where_the_target_takes_it():
    taken = ("model=hist_gradient_boosting", "model.estimator.max_features=0.5")
    assert sentence(*taken).endswith(
        "; to add it on purpose write +model.estimator.max_features=..."
    )
    assert cells(taken[0], f"+{taken[1]}")
    for word in ("dataset.nonsense=3", "model.estimator.nonsense=3", "nonsense=3", "limits.x=1"):
        assert "; the keys are " in sentence(word)
        assert "+" not in sentence(word)
    assert "+strategy.search=..." in sentence("strategy.search={}")


@pytest.mark.parametrize(
    "words",
    [
        ("strategy=null",),
        ("strategy=3",),
        ("~dataset",),
        ("~model",),
        ("~strategy",),
        ("strategy",),
        ("=",),
        ("strategy=[",),
        ("strategy=[smote",),
        ("seed=${nowhere}",),
        ("seed=???",),
        ("dataset=mnist", "dataset=nothing"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_composed_or_checked_is_one_sentence(words):
    composer = Composer(None)
    try:
        configs = composer.cells(words, multirun=False)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017, either outcome is right
        return
    assert check(configs[0], composer.folders)


def test_a_value_that_is_not_set_names_its_key():
    assert sentence("seed=???").startswith("seed is not set")


def test_a_ratio_can_be_added_for_a_class_that_is_named_by_a_number():
    # YAML reads 1 as a number, and the tutorial's {"0": 0.9} stands beside it.
    (config,) = cells("dataset=digits", "+dataset.imbalance.ratios={1:0.5}")
    ratios = config["dataset"]["imbalance"]["ratios"]
    assert {str(k): v for k, v in ratios.items()} == {"0": 0.9, "1": 0.5}
    assert len(run_id_of(config["dataset"])) == 16


def test_a_key_that_a_mapping_does_not_have_is_not_confused_with_the_mapping():
    found = sentence("dataset=digits", "dataset.imbalance.ratios={1:0.5}")
    assert "did you mean 'ratios'" not in found
    assert "+dataset.imbalance.ratios" in found


def test_a_sweep_without_m_is_explained():
    found = sentence("strategy=none,focal")
    assert found.startswith("strategy=none,focal: several values need -m")
    assert "'strategy=[a,b]'" in found


def test_only_a_strategy_is_told_to_become_a_list():
    found = sentence("dataset=digits,synthetic")
    assert "need -m" in found
    assert "[a,b]" not in found


def test_an_interval_cannot_be_swept():
    assert sentence("seed=interval(0,1)", sweep=True).startswith("seed=interval(0,1): a sweep ")


def test_a_list_selects_several_strategies_for_one_cell():
    assert labels(cells("strategy=[threshold,smote]", "model=knn")) == [("knn", "smote+threshold")]


def test_lists_can_be_swept_over_beside_names():
    found = cells("strategy=none,[smote,focal],[smote]", sweep=True)
    assert labels(found) == [("mlp", "none"), ("mlp", "smote+focal"), ("mlp", "smote")]


def test_the_last_override_of_a_sweep_varies_fastest():
    found = cells("model=knn,svm", "strategy=none,smote", sweep=True)
    assert labels(found) == [(m, s) for m in ("knn", "svm") for s in ("none", "smote")]
    other = cells("strategy=none,smote", "model=knn,svm", sweep=True)
    assert labels(other) == [(m, s) for s in ("none", "smote") for m in ("knn", "svm")]


def test_m_without_several_values_is_one_cell():
    assert len(cells("strategy=focal", sweep=True)) == 1


def test_numbers_are_swept_as_numbers():
    assert [c["seed"] for c in cells("seed=0,1,2", sweep=True)] == [0, 1, 2]
    assert [c["seed"] for c in cells("seed=range(0,2)", sweep=True)] == [0, 1]


def test_an_experiment_of_a_folder_sweeps_without_m(tmp_path):
    write(tmp_path, "experiment/small", EXPERIMENT)
    found = cells("experiment=small", config_dir=tmp_path)
    expected = [("mlp", "none"), ("mlp", "smote+focal"), ("knn", "none"), ("knn", "smote+focal")]
    assert labels(found) == expected


def test_the_command_line_wins_over_an_experiment(tmp_path):
    write(tmp_path, "experiment/small", EXPERIMENT)
    found = cells("experiment=small", "model=svm", config_dir=tmp_path)
    assert labels(found) == [("svm", "none"), ("svm", "smote+focal")]
    found = cells("experiment=small", "seed=0,1", "model=svm", config_dir=tmp_path)
    assert [c["seed"] for c in found] == [0, 1, 0, 1]


def test_a_sweep_over_experiments_runs_the_sweep_of_each_or_says_that_it_cannot(tmp_path):
    write(tmp_path, "experiment/small", EXPERIMENT)
    write(tmp_path, "experiment/plain", "# @package _global_\nseed: 3\n")
    try:
        found = cells("experiment=small,plain", sweep=True, config_dir=tmp_path)
    except ConfigError as error:
        assert "experiment" in str(error)  # noqa: PT017, either outcome is right
        return
    assert len(found) == 5


def test_an_experiment_that_fixes_values_needs_no_sweep(tmp_path):
    write(tmp_path, "experiment/plain", "# @package _global_\nseed: 3\n")
    (config,) = cells("experiment=plain", config_dir=tmp_path)
    assert config["seed"] == 3


def test_a_folder_of_the_users_adds_a_strategy_and_the_shipped_ones_stay(tmp_path):
    write(tmp_path, "strategy/mine", MINE)
    composer = Composer(tmp_path)
    configs = composer.cells(["strategy=mine,focal,[mine,smote]"], multirun=True)
    assert labels(configs) == [("mlp", "mine"), ("mlp", "focal"), ("mlp", "smote+mine")]
    assert configs[0]["strategy"]["loss"]["mine"]["gamma"] == 0.5
    assert all(check(config, composer.folders) == [] for config in configs)
    names = [item.name for item in catalogue.items("strategy", composer.folders)]
    assert len(names) == 1 + len(catalogue.items("strategy", [catalogue.conf_dir()]))


def test_names_of_the_users_folder_are_offered_too(tmp_path):
    write(tmp_path, "strategy/my_special_loss", MINE)
    assert "did you mean 'my_special_loss'?" in sentence(
        "strategy=my_special_los", config_dir=tmp_path
    )


def test_a_strategy_of_the_users_with_a_shipped_name_is_not_ignored(tmp_path):
    # Used, or refused with both files named; never passed over without a word.
    write(tmp_path, "strategy/focal", MINE.replace("mine", "focal"))
    try:
        (config,) = cells("strategy=focal", config_dir=tmp_path)
    except ConfigError as error:
        assert "focal.yaml" in str(error)  # noqa: PT017, either outcome is right
        return
    assert config["strategy"]["loss"]["focal"]["gamma"] == 0.5


def test_a_folder_with_spaces_and_quotes_in_its_name_works(tmp_path):
    folder = tmp_path / "it's my, folder"
    write(folder, "strategy/mine", MINE)
    assert labels(cells("strategy=mine", config_dir=folder)) == [("mlp", "mine")]


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"^--config-dir=.*nowhere is not a folder\.$"):
        Composer(tmp_path / "nowhere")


@pytest.mark.parametrize("word", ["strategy=broken", "strategy=focal"])
def test_a_yaml_that_cannot_be_read_is_one_sentence_where_it_is_used(tmp_path, word):
    write(tmp_path, "strategy/broken", "loss: [a\n")
    if word == "strategy=broken":
        assert "broken.yaml" in sentence(word, config_dir=tmp_path)
    else:
        assert len(cells(word, config_dir=tmp_path)) == 1


def test_every_unknown_name_of_a_sweep_is_reported_at_once():
    with pytest.raises(ConfigError) as caught:
        cells("strategy=smoot,focl,none", "model=mpl,knn", sweep=True)
    for name in ("smoot", "focl", "mpl"):
        assert name in str(caught.value)


def test_composing_leaves_no_global_state_behind():
    from hydra.core.global_hydra import GlobalHydra

    cells("strategy=focal")
    assert not GlobalHydra.instance().is_initialized()


def test_data_and_results_follow_the_environment(monkeypatch):
    assert (cells()[0]["data_dir"], cells()[0]["results_dir"]) == (None, "results")
    monkeypatch.setenv("IMBENCH_DATA", "/some/data")
    monkeypatch.setenv("IMBENCH_RESULTS", "/some/results")
    (config,) = cells("dataset=mnist")
    assert config["dataset"]["data_dir"] == "/some/data"
    assert config["tracking"]["uri"] == "sqlite:////some/results/mlflow.db"
    assert cells("results_dir=here")[0]["tracking"]["artifact_dir"] == "here/mlflow-artifacts"


@pytest.mark.contract
def test_a_glob_sweeps_over_every_file_of_a_group():
    cells = Composer(None).cells(["strategy=glob(*)", "model=glob(*_forest)"], multirun=True)
    names = sorted(p.stem for p in (ROOT / "conf" / "strategy").glob("*.yaml"))
    found = sorted({next(iter(c["strategy"]["about"])) for c in cells})
    assert found == names


def test_a_glob_that_matches_nothing_is_a_sentence():
    with pytest.raises(ConfigError, match=r"strategy=glob\(zz\*\): matches no file"):
        Composer(None).cells(["strategy=glob(zz*)"], multirun=True)


def test_a_cell_of_a_sweep_does_not_see_what_another_cell_overrides():
    words = ["strategy=focal,smote,focal", "model.estimator.lr=0.5,0.25"]
    cells = Composer(None).cells(words, multirun=True)
    assert [c["model"]["estimator"]["lr"] for c in cells] == [0.5, 0.25] * 3
    assert cells[0]["strategy"] == cells[4]["strategy"] != cells[2]["strategy"]
