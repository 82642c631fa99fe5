"""The benchmark of products compares what is equal; never is a time asserted."""

import importlib
import json

import pytest
import torch

from tests.conftest import ROOT


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("bench_products")


def test_both_ways_give_the_same(bench):
    for shape in bench.SHAPES:
        for one, other in bench.products(shape).values():
            torch.testing.assert_close(one(), other(), rtol=1e-3, atol=1e-3)


def test_a_row_holds_both_ways_of_the_three_products(bench, tmp_path, capsys):
    path = tmp_path / "products.json"
    assert bench.main(["--smoke", "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())["rows"]
    assert list(row["us"]) == ["outputs", "gradient of weights", "gradient of inputs"]
    assert all(t["as_they_come"] > 0 < t["chosen"] for t in row["us"].values())
    assert "| 2 x 4 rows, 3 to 2 |" in capsys.readouterr().out
