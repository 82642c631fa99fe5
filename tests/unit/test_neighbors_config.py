"""The configuration group `neighbors`: names, values, run ids, tables, one real run."""

import copy
import json
import re
import sys
from functools import cache

import pytest
import torch
import yaml

from imbench.cli import main
from imbench.components.hashing import run_id_of
from imbench.config import catalogue
from imbench.config.compose import Composer
from imbench.config.identity import identity_of
from imbench.config.neighbors import SHIPPED
from imbench.config.parse import check
from imbench.errors import ConfigError
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import metric_options
from imbench.strategies.neighbors.base import Neighbors
from imbench.strategies.neighbors.exact import ExactNeighbors
from imbench.strategies.neighbors.faiss_search import FaissNeighbors
from imbench.strategies.neighbors.torch_search import TorchNeighbors
from tests.cells import cell_from
from tests.factories import make_cell

pytestmark = pytest.mark.slow  # seconds as a whole

COMPOSER = Composer(None)


@cache
def composed(*words):
    return COMPOSER.cells(["model=knn", *words], multirun=False)[0]


def compose(*words):
    return copy.deepcopy(composed(*words))


def neighbors(*words):
    return cell_from(compose(*words)).strategy.neighbors


def run_id(*words):
    return run_id_of(identity_of(compose(*words)))


def test_every_yaml_file_is_constructed_and_has_its_name():
    paths = sorted((catalogue.conf_dir() / "neighbors").glob("*.yaml"))
    assert [path.stem for path in paths] == ["exact", "faiss", "torch"]
    for path in paths:
        config = compose(f"neighbors={path.stem}", "strategy=smote")
        assert check(config, COMPOSER.folders) == []
        found = cell_from(config).strategy.neighbors
        assert isinstance(found, Neighbors)
        assert found.name == path.stem
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name in set(values) - {"_target_", "device"}:
            default = getattr(type(found)(), name)
            assert default == values[name], "the yaml shows the defaults"


def test_the_default_search_is_not_imported_without_a_sampler():
    path = catalogue.conf_dir() / "neighbors" / "exact.yaml"
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == SHIPPED
    assert cell_from(compose("strategy=balanced_weights")).strategy.neighbors is None
    assert cell_from(compose("strategy=smoteboost")).strategy.neighbors is not None
    assert (
        cell_from(compose("strategy=focal", "neighbors.announce_s=1")).strategy.neighbors
        is not None
    )


def test_exact_is_the_default_and_leaves_run_ids_as_they_were():
    config = compose("strategy=smote")
    assert isinstance(cell_from(config).strategy.neighbors, ExactNeighbors)
    assert "neighbors" not in identity_of(config)
    before = {key: value for key, value in config.items() if key != "neighbors"}
    assert run_id_of(identity_of(config)) == run_id_of(identity_of(before))
    assert run_id("strategy=smote", "neighbors.announce_s=1") == run_id("strategy=smote")


def test_another_search_changes_the_run_id_of_strategies_with_a_sampler():
    ids = {run_id("strategy=smote", f"neighbors={name}") for name in ("exact", "faiss", "torch")}
    assert len(ids) == 3
    assert run_id("strategy=smoteboost", "neighbors=faiss") != run_id("strategy=smoteboost")
    assert run_id("strategy=smote", "neighbors=faiss", "neighbors.links=8") not in ids
    for name in ("none", "balanced_weights", "threshold"):
        assert run_id(f"strategy={name}", "neighbors=faiss") == run_id(f"strategy={name}")


def test_device_and_memory_do_not_change_the_run_id():
    torch_id = run_id("strategy=smote", "neighbors=torch")
    for word in ("device=cpu", "neighbors.memory_bytes=9999999", "neighbors.announce_s=0"):
        assert run_id("strategy=smote", "neighbors=torch", word) == torch_id


def test_an_unknown_name_is_one_sentence():
    with pytest.raises(ConfigError) as caught:
        compose("neighbors=nosuch")
    assert str(caught.value) == (
        "neighbors=nosuch: there is no such neighbors; there are exact, faiss, torch."
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["neighbors=faiss", "neighbors.links=1"], "neighbors: links must be .*, got 1"),
        (["neighbors=faiss", "neighbors.links=many"], r"neighbors\.links='many' must be of type"),
        (["neighbors=torch", "+neighbors.size=3"], r"neighbors\.size: .* has no parameter 'size'"),
        (["neighbors.announce_s=-1"], "neighbors: announce_s must be a number of at least 0"),
    ],
)
def test_values_are_checked_before_anything_runs(words, sentence):
    (problem,) = check(compose(*words), COMPOSER.folders)
    assert re.match(sentence, problem)
    assert problem.endswith(".")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_one_sentence():
    (problem,) = check(compose("neighbors=torch", "device=cuda"), COMPOSER.folders)
    assert problem.startswith("neighbors: device=cuda, but PyTorch sees no CUDA device: set ")


def test_without_faiss_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.delitem(sys.modules, "imbench.strategies.neighbors.faiss_search")
    (problem,) = check(compose("neighbors=faiss"), COMPOSER.folders)
    assert "faiss is not installed, pip install 'imbench[neighbors]' does that." in problem


def test_a_table_tells_equal_strategies_apart_by_their_search():
    cells = []
    coarse = ["neighbors=faiss", "neighbors.links=8"]
    for i, words in enumerate(([], ["neighbors=torch"], ["neighbors=faiss"], coarse)):
        stored = json.loads(json.dumps(identity_of(compose("strategy=smote", *words))))
        cells.append(make_cell("smote", skill=i, config=stored | {"fingerprint": "f"}))
    board = build_leaderboard(cells, metric_options(compose()["metrics"]))
    titles = {row.title for block in board.blocks for row in block.rows}
    assert titles == {
        "smote (neighbors=exact)",
        "smote (neighbors=torch)",
        "smote (neighbors=faiss) (links=32)",
        "smote (neighbors=faiss) (links=8)",
    }


def test_the_strategy_holds_what_is_configured():
    for name, kind in (("torch", TorchNeighbors), ("faiss", FaissNeighbors)):
        assert isinstance(neighbors(f"neighbors={name}"), kind)
    assert cell_from(compose() | {"neighbors": None}).strategy.neighbors is None


def test_a_run_announces_its_search_and_resumes(tmp_path, capsys):
    words = [
        "dataset=synthetic", "model=knn", "strategy=smote", "neighbors=torch", "splits=holdout",
        "neighbors.announce_s=0", "tracking=none", "output=json", f"results_dir={tmp_path}",
    ]  # fmt: skip
    assert main(words) == 0
    out, err = capsys.readouterr()
    sentence = "strategy.resample.smote searches the nearest neighbours of "
    assert err.count(f"imbench: {sentence}") == 1
    assert any(note.startswith(sentence) for note in json.loads(out)["notes"])
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(out)


def test_a_sweep_over_searches_runs_a_strategy_without_one_once(tmp_path, capsys):
    words = [
        "-m", "dataset=synthetic", "model=knn", "strategy=none,smote", "neighbors=exact,torch",
        "splits=holdout", "tracking=none", "output=json", f"results_dir={tmp_path}",
    ]  # fmt: skip
    assert main(words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["label"] for line in lines) == ["none", "smote", "smote"]
