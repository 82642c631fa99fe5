"""Search spaces: read, checked, merged by selection, and set in copies."""

import copy
from functools import cache

import pytest

from imbench.api.sweep import parse_all
from imbench.config import catalogue
from imbench.config.compose import Composer
from imbench.config.parse import Draft, check
from imbench.config.search_check import check_space
from imbench.config.search_space import (
    Choices,
    Range,
    dimension,
    grid,
    grid_point,
)
from imbench.errors import ConfigError
from tests.cells import cell_from, cell_of, cells_of

K = "resample.smote.k_neighbors"


@cache
def composed(*words):
    return Composer(None).cells(words, multirun=False)[0]


def compose(*words):
    return copy.deepcopy(composed(*words))


def tuned(*words):
    return cell_of("tuning=optuna", *words)


def space(*words):
    return tuned("model=knn", *words).tuning.space


@pytest.mark.parametrize(
    ("entry", "present", "expected"),
    [
        ({"low": 1, "high": 15, "log": True}, 5, Range(1, 15, log=True, integer=True)),
        ({"low": 1, "high": 2}, 1.5, Range(1, 2)),
        ({"low": 1, "high": 2}, None, Range(1, 2, integer=True)),
        ({"low": 0.0, "high": 2.0, "step": 0.5}, 1.0, Range(0.0, 2.0, step=0.5)),
        ({"low": 1, "high": 9, "step": 2}, 3, Range(1, 9, step=2, integer=True)),
        ({"choices": [None, 1.0, "auto"]}, None, Choices((None, 1.0, "auto"))),
        ({"choices": [1, True]}, 1, Choices((1, True))),
        ({"low": None, "high": None, "choices": [1]}, 1, Choices((1,))),
    ],
)
def test_a_range_is_read(entry, present, expected):
    assert dimension(entry, "key", present) == expected


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (3, "key must be {low: ..., high: ...} or {choices: [...]}, got 3."),
        ({"low": 1}, "key must be {low: ..., high: ...} or {choices: [...]}, got {'low': 1}."),
        ({"low": 5, "high": 1}, "key: low=5 is not below high=1, swap them."),
        (
            {"low": 1, "high": 1},
            "key: low=1 is not below high=1, leave the parameter out of the search.",
        ),
        (
            {"low": 0, "high": 1, "log": True},
            "key: log needs low above 0, got low=0: set it higher.",
        ),
        (
            {"low": 1, "high": 9, "log": True, "step": 1},
            "key: log and step=1 exclude each other, leave one out.",
        ),
        ({"low": 1, "high": 2, "step": 3}, "key: step=3 must lie above 0 and not above 1."),
        ({"low": "a", "high": 2}, "key.low='a' must be a number."),
        ({"low": True, "high": 2}, "key.low=True must be a number."),
        ({"low": 0.0, "high": float("inf")}, "key.high=inf must be a number."),
        ({"low": 1, "high": 2, "log": 1}, "key.log=1 must be true or false."),
        ({"low": 1, "high": 2, "lof": True}, "key.lof: there is no such key (did you mean 'lo"),
        ({"choices": []}, "key.choices must be a list of values, got []."),
        ({"choices": "abc"}, "key.choices must be a list of values, got 'abc'."),
        ({"choices": [1, 2, 1]}, "key.choices holds 1 twice: leave one out."),
        (
            {"choices": [1], "low": 1},
            "key: choices and low exclude each other: set one of them to null.",
        ),
    ],
)
def test_a_range_that_cannot_be_read_is_a_sentence(entry, sentence):
    with pytest.raises(ConfigError) as raised:
        dimension(entry, "key", None)
    assert str(raised.value).startswith(sentence)
    assert str(raised.value).endswith(".")


def test_spaces_merge_by_selection_and_model_and_strategy_lie_side_by_side():
    found = space("strategy=[smote,logit_adjustment]", "model=mlp")
    assert list(found) == [
        "strategy.decision.logit_adjustment.tau",
        "strategy.resample.smote.k_neighbors",
        "model.estimator.lr",
        "model.estimator.weight_decay",
    ]
    assert found == space("strategy=[logit_adjustment,smote]", "model=mlp")


def test_a_space_can_be_changed_on_the_command_line():
    assert space("strategy=smote", f"strategy.search={{{K}:{{low:2,high:3}}}}") == {
        f"strategy.{K}": Range(2, 3, log=True, integer=True),
        "model.estimator.n_neighbors": Range(1, 30, log=True, integer=True),
    }
    assert list(space("strategy=smote", f"strategy.search={{{K}:null}}")) == [
        "model.estimator.n_neighbors"
    ]
    assert space("strategy=smote", "strategy.search=null", "model.search=null") == {}


def test_values_are_set_in_copies():
    cell = cell_of("strategy=smote", "model=mlp")
    changed = cell.with_values({f"strategy.{K}": 3, "model.estimator.lr": 0.5})
    assert changed.strategy.resample["smote"].k_neighbors == 3
    assert changed.model.estimator.lr == 0.5
    assert cell.strategy.resample["smote"].k_neighbors == 5
    assert cell.model.estimator.lr == 0.001
    assert changed.key("d", "f") == cell.key("d", "f")


def test_values_that_are_refused_together_are_a_sentence():
    with pytest.raises(ConfigError, match=r"^model\.estimator: lr must be a number above 0"):
        cell_of("model=mlp").with_values({"model.estimator.lr": -1.0})


def test_a_parameter_that_no_yaml_names_has_its_default():
    values = tuned("model=hist_gradient_boosting", "strategy=none").present_values()
    assert values["model.estimator.max_leaf_nodes"] == 31  # scikit-learn's
    assert values["model.estimator.learning_rate"] == 0.1  # the yaml's


def test_present_values_outside_of_a_space_are_left_out():
    cell = tuned("model=knn", "strategy=tau_norm")  # null: chosen on inner folds
    assert cell.present_values() == {"model.estimator.n_neighbors": 5}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (
            (f"strategy.search={{{K}:{{low:0,high:3,log:false}}}}",),
            (f"strategy.search.{K}: low=0 is not what the parameter takes", "k_neighbors", "SMOTE"),
        ),
        (
            (f"+strategy.search={{{K}:{{low:null,high:null,log:null,choices:[3,word]}}}}",),
            (f"strategy.search.{K}: choices[1]='word' is not what",),
        ),
        (
            ("+strategy.search={resample.smote.k_neigbors:{low:1,high:3}}",),
            ("has no parameter 'k_neigbors' (did you mean 'k_neighbors'?)",),
        ),
        (
            ("+strategy.search={resample.smot.k_neighbors:{low:1,high:3}}",),
            ("strategy.resample holds no 'smot' (did you mean 'smote'?)",),
        ),
        (
            ("+strategy.search={k_neighbors:{low:1,high:3}}",),
            ("a path has the form resample.smote.k_neighbors, got 'k_neighbors'.",),
        ),
        (
            ("model.search={estimator.lr:{low:-1.0,high:0.1,log:false}}",),
            ("model.search.estimator.lr: low=-1.0 is not what", "lr must be a number above 0"),
        ),
        (
            ("+model.search={preprocessing.scale:{choices:[true,maybe]}}",),
            ("model.search.preprocessing.scale: choices[1]='maybe' is not what",),
        ),
        (
            ("strategy=focal", "strategy.search={loss.focal.gamma:{low:-1.0}}"),
            ("low=-1.0 is not what the parameter takes: strategy.loss.focal: gamma must be",),
        ),
        (
            ("strategy=bagging", "strategy.search={ensemble.bagging.max_samples:{high:1.5}}"),
            ("strategy.search.ensemble.bagging.max_samples: high=1.5 is not what",),
        ),
        (("strategy=smote", "strategy.search=3"), ("strategy.search must be a mapping",)),
    ],
)
def test_a_range_outside_of_the_domain_is_a_sentence_before_anything_runs(words, parts):
    config = compose("model=mlp", "strategy=smote", "tuning=optuna", *words)
    (problem,) = check(config, [catalogue.conf_dir()])
    for part in parts:
        assert part in problem
    assert problem.endswith(".")
    config["tuning"] = {}
    assert not check(config, [catalogue.conf_dir()]), "nothing is searched without tuning"


def test_in_a_sweep_a_refused_range_is_the_matter_of_its_own_cell():
    words = ["model=knn", "tuning=optuna", "strategy=none,smote"]
    cells = Composer(None).cells(words, multirun=True)
    cells[1]["strategy"]["search"][K] = {"low": 3, "high": 1}
    drafts = [Draft(cell, [catalogue.conf_dir()]) for cell in cells]
    _, refused = parse_all(drafts).values()
    assert "low=3 is not below high=1" in refused.reason
    with pytest.raises(ConfigError, match=r"low=3 is not below high=1"):
        parse_all(drafts[1:])


@pytest.mark.contract
def test_what_is_shipped_can_be_constructed_at_both_ends():
    n = 0
    for part in ("strategy", "model"):
        found = sorted(path.stem for path in (catalogue.conf_dir() / part).glob("*.yaml"))
        names = [name for name in found if name != "own"]
        words = [f"{part}={','.join(names)}"]
        for name, config in zip(names, Composer(None).cells(words, multirun=True), strict=True):
            assert check_space(config[part], part, cell_from(config).parts) == [], name
            n += len(config[part].get("search") or {})
    assert n == 152


@pytest.mark.contract
def test_every_parameter_of_a_model_with_a_space_is_searched_around_its_default():
    found = sorted(path.stem for path in (catalogue.conf_dir() / "model").glob("*.yaml"))
    names = [name for name in found if name != "own"]  # whose parameters are not known
    for cell in cells_of(f"model={','.join(names)}", "tuning=optuna"):
        assert cell.tuning.space, cell.model.name
        assert cell.present_values().keys() == cell.tuning.space.keys()


SMALL = {"a": Range(1, 3, integer=True), "b": Choices(("x", "y")), "c": Range(0.0, 1.1, step=0.5)}


def test_a_grid_holds_every_combination_once():
    size, axes = grid(SMALL)
    assert size == 3 * 2 * 3
    assert list(axes["c"]) == [0.0, 0.5, 1.0]
    points = [tuple(grid_point(SMALL, i, 18, seed=0).values()) for i in range(18)]
    assert len(set(points)) == 18


def test_of_a_grid_with_too_many_points_some_are_drawn_by_the_seed():
    def points(seed):
        return [tuple(grid_point(SMALL, i, 5, seed).values()) for i in range(5)]

    assert len(set(points(0))) == 5
    assert points(0) == points(0) != points(1)


def test_a_grid_over_a_range_without_a_step_is_a_sentence():
    with pytest.raises(ConfigError) as raised:
        grid({"strategy.loss.focal.gamma": Range(0.0, 5.0)})
    assert str(raised.value) == (
        "strategy.search.loss.focal.gamma: tuning.sampler=grid needs a step or choices, got "
        "low=0.0 and high=5.0: add step, or set tuning.sampler=tpe."
    )


@pytest.mark.parametrize(
    ("dimension", "value", "holds"),
    [
        (Range(1, 5, integer=True), 5, True),
        (Range(1, 5, integer=True), 2.5, False),
        (Range(1, 5), 6, False),
        (Range(1, 5), "3", False),
        (Range(1, 5), True, False),
        (Range(0.0, 1.0, step=0.1), 0.3, True),
        (Range(0.0, 1.0, step=0.1), 0.35, False),
        (Choices((1, None)), None, True),
        (Choices((1, None)), True, False),
    ],
)
def test_whether_a_dimension_holds_a_value(dimension, value, holds):
    assert dimension.holds(value) is holds


def test_choices_of_lists_are_stored_as_text_and_found_again():
    found = Choices(([64], [64, 64], None, 1, True))
    for value in found.values:
        again = found.decode(found.encode(value))
        assert again == value
        assert type(again) is type(value)
