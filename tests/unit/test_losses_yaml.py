"""The yaml files of the stages `loss` and `weights` against the classes that they name."""

import inspect

import pytest
import yaml

from imbench.components.construct import TARGET, bind, construct, is_component, locate
from imbench.config import catalogue
from imbench.strategies.loss.ldam import LDAMLoss
from imbench.strategies.weights.deferred import DeferredWeights
from imbench.strategies.weights.effective_number import EffectiveNumberWeights

STAGES = ("weights", "loss")
ITEMS = [
    item
    for item in catalogue.items("strategy", [catalogue.conf_dir()])
    if set(item.stages) & set(STAGES)
]
CONTENT = {item.name: yaml.safe_load(item.path.read_text()) for item in ITEMS}
ENTRIES = [
    pytest.param(stage, name, CONTENT[name][stage][name], id=f"{name}-{stage}")
    for name in CONTENT
    for stage in STAGES
    if stage in CONTENT[name]
]


@pytest.mark.parametrize(("stage", "name", "entry"), ENTRIES)
def test_every_parameter_is_written_out_with_the_default_of_the_class(stage, name, entry):
    assert bind(entry, f"strategy.{stage}.{name}") == []
    parameters = inspect.signature(locate(entry[TARGET], name)).parameters
    # Seeds are set from the place of a fold.
    assert set(entry) - {TARGET} == set(parameters) - {"random_state"}
    for parameter, value in entry.items():
        if parameter != TARGET and not is_component(value):
            default = parameters[parameter].default
            assert (value, type(value)) == (default, type(default))


@pytest.mark.parametrize(("stage", "name", "entry"), ENTRIES)
def test_every_value_that_may_be_searched_can_be_constructed(stage, name, entry):
    for key, wanted in (CONTENT[name].get("search") or {}).items():
        of_stage, of_name, parameter = key.split(".")
        assert of_name == name
        assert parameter in CONTENT[name][of_stage][name]
        if of_stage == stage:
            for value in wanted.get("choices") or (wanted["low"], wanted["high"]):
                construct({**entry, parameter: value}, key)


def test_ldam_drw_is_ldam_with_effective_numbers_in_the_last_fifth():
    content = CONTENT["ldam_drw"]
    loss = construct(content["loss"]["ldam_drw"], "loss")
    weights = construct(content["weights"]["ldam_drw"], "weights")
    assert loss == LDAMLoss(max_m=0.5, s=30.0)
    assert weights == DeferredWeights(EffectiveNumberWeights(0.9999), start=0.8)
