"""Parameter names that are read once are the same names."""

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from imbench.models.nets.classifier import TorchClassifier
from imbench.models.params import NamedOnce
from imbench.pipeline.pipeline import HoldoutPipeline, ResamplingPipeline
from imbench.pipeline.steps import RowCounter


class Base(NamedOnce, BaseEstimator):
    def __init__(self, a=1):
        self.a = a


class Derived(Base):
    def __init__(self, a=1, b=2):
        super().__init__(a)
        self.b = b


def test_every_class_has_its_own_names():
    assert Base().get_params() == {"a": 1}
    assert Derived(b=3).get_params() == {"a": 1, "b": 3}
    assert clone(Derived(a=7)).get_params() == {"a": 7, "b": 2}


def test_names_are_those_that_scikit_learn_reads():
    for kind in (TorchClassifier, RowCounter):
        assert kind._get_param_names() == BaseEstimator._get_param_names.__func__(kind)
    for kind in (ResamplingPipeline, HoldoutPipeline):
        assert kind._get_param_names() == Pipeline._get_param_names.__func__(kind)


def test_they_are_read_once(monkeypatch):
    Derived().get_params()
    monkeypatch.setattr(BaseEstimator, "_get_param_names", None)
    assert Derived(a=5).get_params()["a"] == 5
