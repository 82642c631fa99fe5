"""From yaml nodes to objects: every mistake is one sentence with the key."""

import pickle
from dataclasses import dataclass

import pytest
from sklearn.linear_model import LogisticRegression

from imbench.components import construct as module
from imbench.components.construct import (
    bind,
    closest,
    construct,
    is_component,
    locate,
    resolve,
)
from imbench.errors import ConfigError

HERE = __name__
FOCAL = "imbench.strategies.loss.focal.FocalLoss"
NET = "imbench.models.nets.classifier.TorchClassifier"
MLP = "imbench.models.nets.backbones.mlp.MLP"

COUNT = 3
CALLS = []


@dataclass
class Part:
    size: int
    share: float = 0.5
    name: str | None = None
    inner: object = None

    def __post_init__(self):
        CALLS.append(self.size)
        if self.size < 0:
            raise ValueError(f"size must be at least 0, got {self.size}.")


class Wrapper:
    def __init__(self, estimator, *, depth=1, **anything):
        self.estimator, self.depth, self.anything = estimator, depth, anything


def node(name, **values):
    return {"_target_": name if "." in name else f"{HERE}.{name}", **values}


def test_a_class_is_found_by_its_path():
    assert locate("sklearn.linear_model.LogisticRegression", "model") is LogisticRegression


@pytest.mark.parametrize(
    "path",
    [
        "no_such_package.Thing",
        "sklearn.no_such_module.Thing",
        "sklearn.linear_model.NoSuchClass",
        "NoModule",
        "",
        "..relative.Thing",
        ".Thing",
        "a..b",
        "sklearn.linear_model.",
    ],
)
def test_a_path_that_leads_nowhere_is_a_sentence_with_key_and_path(path):
    with pytest.raises(ConfigError) as caught:
        locate(path, "model.estimator")
    sentence = str(caught.value)
    assert sentence.startswith(f"model.estimator._target_={path}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_what_cannot_be_called_is_no_component():
    with pytest.raises(ConfigError, match=r"COUNT: is not a class or a function\.$"):
        locate(f"{HERE}.COUNT", "x")


def test_a_module_with_a_mistake_in_it_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "broken_component.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"^x\._target_=broken_component\.f: "):
        locate("broken_component.f", "x")


def test_a_node_that_fits_has_no_problems_and_nothing_is_constructed():
    CALLS.clear()
    assert bind(node("Part", size=1, inner=node("Part", size=2)), "x") == []
    assert CALLS == []


def test_an_unknown_parameter_is_a_sentence_with_the_nearest_name():
    (problem,) = bind(node(FOCAL, gama=2.0), "strategy.loss.focal")
    assert problem.startswith(f"strategy.loss.focal.gama: {FOCAL} has no parameter 'gama'")
    assert "did you mean 'gamma'?" in problem
    assert problem.endswith("it takes gamma.")


def test_a_missing_parameter_is_a_sentence_unless_imbench_supplies_it():
    assert bind(node("Part"), "x") == [f"x.size is missing: {HERE}.Part needs a value."]
    assert bind(node("Wrapper"), "x") == [f"x.estimator is missing: {HERE}.Wrapper needs a value."]
    assert bind(node("Wrapper"), "x", supplied=("estimator",)) == []


def test_a_parameter_that_imbench_supplies_is_not_offered():
    (problem,) = bind(
        node("imbench.strategies.decision.threshold.TunedThreshold", mertic="g_mean"),
        "x",
        supplied=("estimator",),
    )
    assert "did you mean 'metric'?" in problem
    assert "estimator" not in problem


def test_a_parameter_that_imbench_supplies_cannot_be_given_too():
    (problem,) = bind(node("Wrapper", estimator=1), "x", supplied=("estimator",))
    assert "x.estimator" in problem


def test_a_target_that_takes_anything_is_given_anything():
    assert bind(node("Wrapper", estimator=1, whatever=2), "x") == []


def test_all_problems_of_a_node_and_of_nodes_inside_it_are_named_at_once():
    inner = node("Part", sise=1)
    problems = bind(node("Part", sizze=1, inner=inner), "x")
    assert len(problems) == 4
    assert [p.split(" ")[0] for p in problems] == [
        "x.sizze:",
        "x.size",
        "x.inner.sise:",
        "x.inner.size",
    ]


def test_a_nested_backbone_of_a_net_is_checked():
    (problem,) = bind(node(NET, backbone=node(MLP, hiden=[4])), "model.estimator")
    assert problem.startswith("model.estimator.backbone.hiden: ")
    assert "'hidden'" in problem


def test_a_path_that_leads_nowhere_inside_a_node_is_a_problem():
    (problem,) = bind(node("Part", size=1, inner=node("nowhere.X")), "x")
    assert problem.startswith("x.inner._target_=nowhere.X: ")


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"gamma": "two"}, "gamma='two'"),
        ({"gamma": [2]}, r"gamma=\[2\]"),
        ({"gamma": True}, "True"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_sentence_with_the_type(values, key):
    problems = bind(node(FOCAL, **values), "strategy.loss.focal")
    assert len(problems) == 1
    assert key.replace("\\", "") in problems[0]
    assert "float" in problems[0]


def test_integers_are_fine_where_floats_are_wanted_and_null_where_it_is_allowed():
    assert bind(node(FOCAL, gamma=2), "x") == []
    assert bind(node(NET, random_state=None, validation_fraction=0), "x") == []


def test_nodes_are_constructed_from_the_inside_out_with_their_values():
    found = construct(node("Part", size=1, inner=node("Part", size=2, share=0.1)), "x")
    assert found == Part(1, inner=Part(2, share=0.1))


def test_what_imbench_supplies_reaches_the_outer_object_alone():
    found = construct(node("Wrapper", depth=2, part=node("Part", size=1)), "x", estimator="e")
    assert (found.estimator, found.depth, found.anything) == ("e", 2, {"part": Part(1)})


@pytest.mark.parametrize(
    ("bad", "key"),
    [(node("Part", size=-1), "x"), (node("Part", size=1, inner=node("Part", size=-1)), "x.inner")],
)
def test_a_value_that_a_constructor_refuses_keeps_its_sentence_behind_the_key(bad, key):
    with pytest.raises(ConfigError) as caught:
        construct(bad, key="x")
    assert str(caught.value) == f"{key}: size must be at least 0, got -1."
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_resolved_node_is_constructed_anew_at_each_call_and_not_before():
    CALLS.clear()
    wrap = resolve(node("Wrapper", part=node("Part", size=1)), "x", ("estimator",)).construct
    assert CALLS == []
    first, second = wrap(estimator="a"), wrap(estimator="b")
    assert (first.estimator, second.estimator) == ("a", "b")
    assert CALLS == [1, 1]


def test_a_resolved_node_is_located_once_and_can_be_pickled(monkeypatch):
    outer = node("Part", size=1, inner=node("Part", size=2))
    found = pickle.loads(pickle.dumps(resolve(outer, "x")))
    monkeypatch.setattr(module, "locate", lambda *_: pytest.fail("located again"))
    assert found.construct() == found.construct() == Part(1, inner=Part(2))


def test_values_are_read_and_changed_in_copies():
    found = resolve(
        {**node("Part", size=1, inner=node("Part", size=2)), "name": {"a": {"b": 1}}}, "x"
    )
    assert [found.value(path) for path in ("size", "share", "inner.size", "inner.name")] == [
        *(1, 0.5, 2, None)
    ]
    assert found.value("nothing") is found.value("size.nothing") is None
    assert found.value("name.a.b") == 1
    assert found.with_value("inner.size", 7).construct().inner == Part(7)
    assert found.with_value("name.a.b", 8).construct().name == {"a": {"b": 8}}
    assert found.with_value("inner", node("Part", size=9)).construct().inner == Part(9)
    assert found.construct() == Part(1, inner=Part(2), name={"a": {"b": 1}})


def test_a_changed_value_is_checked_when_that_is_asked_for():
    found = resolve(node("Part", size=1, inner=node("Part", size=2)), "x")
    assert found.problems() == []
    (problem,) = found.with_value("inner.sise", 7).problems()
    assert problem.startswith("x.inner.sise: ")


def test_what_names_no_component_cannot_be_resolved():
    with pytest.raises(ConfigError, match=r"^x must name a class or function in _target_, got 3"):
        resolve(3, "x")


def test_the_node_is_left_as_it_was():
    inner = node("Part", size=2)
    outer = node("Part", size=1, inner=inner)
    construct(outer, "x")
    assert outer == node("Part", size=1, inner=node("Part", size=2))
    assert outer["inner"] is inner


@pytest.mark.parametrize("value", [None, 1, "text", [], {}, {"target": "x"}])
def test_only_a_mapping_with_a_target_is_a_component(value):
    assert not is_component(value)
    assert is_component({"_target_": "x"})


def test_the_nearest_name_is_offered_and_no_far_one():
    assert closest("gama", ["gamma", "delta"]) == " (did you mean 'gamma'?)"
    assert closest("zzz", ["gamma", "delta"]) == ""
