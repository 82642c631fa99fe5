"""The benchmark of stacks trains what it says, in every way; never is a time asserted."""

import importlib
import json

import pytest

from tests.conftest import ROOT


@pytest.fixture
def stacks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("bench_stacks")


def test_every_way_trains_every_net_once(stacks, monkeypatch):
    shape = stacks.Shape(7, 4, 8, 64, 1)
    trained = []

    class Noted(stacks.StackWork):
        def ends(self, trainings):
            trained.append(len(trainings))

    monkeypatch.setattr(stacks, "StackWork", Noted)
    for way in stacks.ways(shape, 2):
        trained.clear()
        stacks.seconds(shape, way)
        assert sum(trained) == 7
        assert max(trained) == way.size
    assert {way.n_workers for way in stacks.ways(shape, 2)} == {1, 2}


def test_what_is_chosen_is_what_the_engine_does(stacks):
    assert stacks.chosen(stacks.Shape(5, 784, 256, 800, 1), 2) == stacks.Way(1, 2, 1)
    assert stacks.chosen(stacks.Shape(100, 10, 64, 800, 1), 1) == stacks.Way(50, 1, 1)


def test_a_row_holds_the_chosen_and_the_fastest_way(stacks, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(stacks, "seconds", lambda shape, way: 2.0)
    path = tmp_path / "stacks.json"
    assert stacks.main(["--smoke", "--rounds", "1", "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())["rows"]
    assert row["chosen"] == "stacks of 3, 1 at a time, 1 threads each"
    assert (row["chosen_s"], row["best_s"]) == (2.0, 2.0)
    assert "| 1.00 |" in capsys.readouterr().out
