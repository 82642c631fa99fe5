"""Which samplers use the configured search: all are run, and docs/neighbors.md lists them."""

import pickle
import weakref
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neighbors._base import KNeighborsMixin

from imbench.config import catalogue
from imbench.config.compose import Composer
from imbench.data.dataset import Dataset
from imbench.models.base import Model
from imbench.pipeline.build import build
from imbench.strategies.base import Strategy
from imbench.strategies.facts import facts_of, fitted_models
from imbench.strategies.neighbors import notice as notices
from imbench.strategies.neighbors.exact import ExactNeighbors
from imbench.strategies.neighbors.faiss_search import FaissNeighbors
from imbench.strategies.neighbors.torch_search import TorchNeighbors
from imbench.testing.data import CASES
from tests.cells import cell_from

CHANGES = {
    "near_miss-2": {"version": 2},
    "near_miss-3": {"version": 3, "n_neighbors_ver3": 20},
    "borderline_smote-2": {"kind": "borderline-2"},
    "one_sided-none": {"n_neighbors": None},
    "condensed_nn-none": {"n_neighbors": None},
}
SMALL = {"n_steps": 3, "n_estimators": 2, "min_samples_leaf": 20}
OWN_ONLY = {"all_knn", "condensed_nn", "one_sided", "smoten", "tomek"}
BOTH = {"neighbourhood_cleaning", "smote_tomek"}  # a part searches by itself
NOTED = OWN_ONLY | {"smote_tomek"}
# smoten is not announced: its value differences are a matrix of distances between rare rows.


class Kept(LogisticRegression):
    """Keeps the rows that it is fitted on."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_ = X.copy(), y.copy()
        return super().fit(X, y, sample_weight)


def entries(content):
    return [e for stage in ("resample", "ensemble") for e in (content.get(stage) or {}).values()]


@cache
def strategies():
    """Every strategy that may search, made small, and those changed as above."""
    found = {}
    for item in catalogue.items("strategy", [catalogue.conf_dir()]):
        text = item.path.read_text(encoding="utf-8").replace("${device}", "cpu")
        content = yaml.safe_load(text)
        for entry in entries(content):
            for node in (entry, entry.get("estimator") or {}):
                node |= {name: SMALL[name] for name in SMALL.keys() & node.keys()}
        if entries(content):
            found[item.name] = content
    for name, changes in CHANGES.items():
        content = yaml.safe_load(yaml.safe_dump(found[name.partition("-")[0]]))
        entries(content)[0].update(changes)
        found[name] = content
    (config,) = Composer(None).cells(["model=knn"], multirun=False)
    return {
        name: cell_from({**config, "strategy": content}).strategy for name, content in found.items()
    }


@cache
def data_for(name):
    if name in ("smotenc", "smoten"):
        return CASES["mixed_table" if name == "smotenc" else "only_categories"]()
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(3), (160, 60, 30)))
    X = rng.normal(size=(250, 5)) + 1.2 * y[:, None]  # distances are distinct
    return Dataset("t", X, y.astype(np.int64), ("a", "b", "c"), tuple("vwxyz"))


def fitted(name, neighbors=None, own_search=False):
    data = data_for(name)
    strategy = replace(strategies()[name], neighbors=neighbors)
    estimator = build(Model("kept", Kept(max_iter=300)), strategy, data.info, seed=0)
    if own_search:
        names = [p for p in estimator.get_params() if p.split("__")[-1] == "neighbors"]
        estimator.set_params(**dict.fromkeys(names))
    return estimator.fit(data.X, data.y)


def kept(estimator):
    return [(p["model"].X_, p["model"].y_) for p in fitted_models(estimator)]


def assert_same(found, wanted):
    assert len(found) == len(wanted) > 0
    for (X, y), (X_wanted, y_wanted) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(X, X_wanted)
        np.testing.assert_array_equal(y, y_wanted)


def spy_on(monkeypatch, owner, name, calls):
    method = getattr(owner, name)

    def counted(self, *args, **kwargs):
        calls.append(type(self).__name__)
        return method(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, counted)


@pytest.fixture
def theirs(name, monkeypatch):
    """Calls of scikit-learn's searches, without those of the sampler's own search."""
    plain(name)
    calls = []
    spy_on(monkeypatch, KNeighborsMixin, "kneighbors", calls)
    spy_on(monkeypatch, KNeighborsClassifier, "predict", calls)
    return calls


@cache
def plain(name):
    """Rows with the sampler's own search, and whether it searches."""
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        spy_on(patch, KNeighborsMixin, "kneighbors", calls)
        spy_on(patch, KNeighborsClassifier, "predict", calls)
        rows = kept(fitted(name, own_search=True))
    return rows, bool(calls)


@pytest.fixture(autouse=True)
def _as_recorded_with_the_fold():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of samplers and of a model that does not converge
        notices._printed.cache_clear()
        yield
        notices._printed.cache_clear()


def names():
    files = sorted((catalogue.conf_dir() / "strategy").glob("*.yaml"))
    contents = [(path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in files]
    return [name for name, content in contents if entries(content)] + list(CHANGES)


def strategy_name(name):
    return name.partition("-")[0]


@pytest.mark.contract
def test_the_table_in_the_docs_lists_every_strategy_that_searches():
    text = (Path(__file__).parents[2] / "docs" / "neighbors.md").read_text(encoding="utf-8")
    section = text.partition("## Which samplers use it")[2].partition("\n## ")[0]
    lines = [line.strip("| ") for line in section.splitlines() if line.startswith("| `")]
    table = {}
    for listed, used, _ in (line.split(" | ") for line in lines):
        table |= {word.strip("`"): used for word in listed.split(", ")}
    assert set(table) == {name for name in names() if plain(name)[1]} - set(CHANGES)
    assert len(table) == 21
    assert {name for name, used in table.items() if used == "no"} == OWN_ONLY
    assert {name for name, used in table.items() if used == "in part"} == BOTH


@pytest.mark.contract
@pytest.mark.parametrize("name", names())
class TestEverySampler:
    def test_exact_gives_the_bits_of_its_own_search(self, name):
        assert_same(kept(fitted(name)), plain(name)[0])

    def test_torch_gives_the_same_rows_and_is_all_that_is_queried(self, name, theirs, monkeypatch):
        ours = []
        spy_on(monkeypatch, TorchNeighbors, "_query", ours)
        rows, searches = plain(name)
        estimator = fitted(name, TorchNeighbors(device="cpu"))
        assert_same(kept(estimator), rows)
        assert bool(ours) == (searches and strategy_name(name) not in OWN_ONLY)
        assert bool(theirs) == (strategy_name(name) in OWN_ONLY | BOTH)

    def test_faiss_is_queried_and_gives_rows_of_every_class(self, name, theirs, monkeypatch):
        ours = []
        spy_on(monkeypatch, FaissNeighbors, "_query", ours)
        estimator = fitted(name, FaissNeighbors(flat_below=0, ef_search=200))
        assert bool(ours) == (plain(name)[1] and strategy_name(name) not in OWN_ONLY)
        assert bool(theirs) == (strategy_name(name) in OWN_ONLY | BOTH)
        assert all(len(np.unique(y)) == len(data_for(name).class_names) for _, y in kept(estimator))
        said = [
            note
            for note in facts_of(estimator).notes
            if "neighbors=faiss has no part in it" in note
        ]
        assert len(said) == (strategy_name(name) in NOTED)

    def test_an_exact_search_of_any_length_is_announced(self, name, capsys):
        estimator = fitted(name, ExactNeighbors(announce_s=1e-9))
        said = [note for note in facts_of(estimator).notes if "nearest neighbours" in note]
        announced = plain(name)[1] and name != "smoten"
        assert bool(said) == announced
        assert len(capsys.readouterr().err.splitlines()) == announced


def test_the_note_names_the_sampler_and_the_search():
    sentence = (
        "strategy.resample.smote_tomek: TomekLinks accepts no other search: its own exact search "
        "is used, neighbors=faiss has no part in it."
    )
    assert sentence in facts_of(fitted("smote_tomek", FaissNeighbors())).notes
    assert not any(
        "no part in it" in note for note in facts_of(fitted("tomek", ExactNeighbors())).notes
    )


def test_the_search_is_passed_to_all_samplers_of_a_chain(monkeypatch):
    asked = []
    spy_on(monkeypatch, TorchNeighbors, "_query", asked)
    chain = strategies()["smote"].resample | strategies()["tomek"].resample
    data = data_for("smote")
    for search in (None, TorchNeighbors(device="cpu")):
        strategy = Strategy(resample=chain, neighbors=search)
        model = Model("kept", Kept(max_iter=300))
        rows = kept(build(model, strategy, data.info, seed=0).fit(data.X, data.y))
        if search is None:
            wanted = rows
    assert_same(rows, wanted)
    assert len(asked) == 2  # for each of two classes that grow; the links search by themselves


def test_too_many_neighbors_are_clipped_with_every_search():
    data = data_for("smote")
    few = np.flatnonzero(data.y == 2)[4:]
    X, y = np.delete(data.X, few, 0), np.delete(data.y, few)
    found = []
    for search in (None, TorchNeighbors(device="cpu"), FaissNeighbors()):
        strategy = replace(strategies()["smote_enn"], neighbors=search)
        estimator = build(Model("kept", Kept(max_iter=300)), strategy, data.info, seed=0)
        estimator.fit(X, y)
        found.append((kept(estimator), facts_of(estimator).notes))
    for rows, said in found:
        assert_same(rows, found[0][0])
        assert any(".smote.k_neighbors=5 was clipped to 3: class 'c' has 4" in n for n in said)


def test_a_user_sampler_gets_the_search_as_its_parameter_neighbors():
    class Mine:
        def __init__(self, n_neighbors=3, neighbors=None):
            self.n_neighbors, self.neighbors = n_neighbors, neighbors

        def get_params(self, deep=True):
            return {"n_neighbors": self.n_neighbors, "neighbors": self.neighbors}

        def set_params(self, **params):
            vars(self).update(params)
            return self

        def fit_resample(self, X, y):
            assert isinstance(self.neighbors, TorchNeighbors)
            return X, y

    class Alone(Mine):
        def get_params(self, deep=True):
            return {"n_neighbors": self.n_neighbors}

        def fit_resample(self, X, y):
            return X, y

    data = data_for("smote")
    for sampler, n_notes in ((Mine(), 0), (Alone(), 1)):
        strategy = Strategy(resample={"x": sampler}, neighbors=TorchNeighbors(device="cpu"))
        estimator = build(Model("kept", Kept(max_iter=300)), strategy, data.info, seed=0)
        estimator.fit(data.X, data.y)
        said = [note for note in facts_of(estimator).notes if "accepts no other search" in note]
        assert len(said) == n_notes


def test_a_fitted_step_keeps_neither_rows_nor_graph():
    data = data_for("enn")
    for search in (ExactNeighbors(), FaissNeighbors(flat_below=0)):
        strategy = replace(strategies()["enn"], neighbors=search)
        estimator = build(Model("kept", Kept(max_iter=300)), strategy, data.info, seed=0)
        X = data.X.copy()
        rows = weakref.ref(X)
        estimator.fit(X, data.y)
        del X
        assert rows() is None
        assert len(pickle.dumps(estimator["enn"])) < data.X.nbytes / 2
