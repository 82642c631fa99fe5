"""The scale benchmark measures, fits exponents and judges; never is a time asserted."""

import importlib
import json
import math

import numpy as np
import pytest

from tests.conftest import ROOT


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("benchmarks.scale")


@pytest.fixture
def cell(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("benchmarks.scale_cell")


def points_of(bench, sizes, seconds, peak=2.0):
    return [bench.Point(n, seconds(n), 1.0, peak, n) for n in sizes]


SIZES = (1_000, 10_000, 100_000, 1_000_000)
LINEAR = {"name": "x", "stage": "none", "words": ("strategy=none",)}


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (lambda n: 3e-6 * n, 1.0),
        (lambda n: 1e-9 * n**2, 2.0),
        (lambda n: 7.0, 0.0),
        # The slope of n log n over three decades, by hand: mean of 1 + log(log ratios) / log 10.
        (lambda n: n * math.log(n), 1 + math.log10(6 / 4) / 2),
    ],
)
def test_exponents_of_known_curves(bench, curve, expected):
    assert bench.exponent(SIZES, [curve(n) for n in SIZES]) == pytest.approx(expected)


def test_small_sizes_do_not_enter_the_exponent(bench):
    seconds = [100.0, 1.0, 10.0, 100.0]
    assert bench.exponent(SIZES, seconds) == pytest.approx(1.0)
    assert math.isnan(bench.exponent(SIZES[:1], seconds[:1]))


@pytest.mark.parametrize(
    ("curve", "peak", "more", "ok"),
    [
        (lambda n: n * math.log(n), 2.9, {}, True),
        (lambda n: n**1.2, 2.9, {}, False),
        (lambda n: n**1.2, 2.9, {"is_exact_search": True}, True),
        (lambda n: n, 3.1, {}, False),
        (lambda n: n, 3.1, {"is_exact_search": True}, False),
        (lambda n: n, 30.0, {"adds_rows": True}, True),
    ],
)
def test_time_and_memory_are_judged(bench, curve, peak, more, ok):
    case = bench.Case(**LINEAR, **more)
    row = bench.judged(case, "rows", points_of(bench, SIZES, curve, peak), "words")
    assert row["ok"] is ok
    assert bool(row["reasons"]) is (not ok or "is_exact_search" in more)
    assert {"name", "ratio", "reach", "ok", "conditions"} <= row.keys()


def test_memory_of_few_rows_is_not_judged_and_two_sizes_are_too_few(bench):
    case = bench.Case(**LINEAR)
    small = bench.judged(case, "rows", points_of(bench, (1_000, 2_000, 4_000), float, 9.0), "")
    assert (small["ok"], small["peak_per_data"]) == (True, None)
    assert bench.judged(case, "rows", points_of(bench, (1_000, 2_000), float), "")["ok"] is None


def test_what_was_not_measured_is_shown_and_stops_larger_sizes(bench):
    def measured(size):
        why = "timed out after 5 s" if size == 10_000 else ""
        return bench.Point(size, math.nan if why else 1.0, why_not=why)

    points = list(bench.grow(SIZES, measured, timeout=5))
    assert [bool(p.why_not) for p in points] == [False, True, True, True]
    row = bench.judged(bench.Case(**LINEAR), "rows", points, "")
    lines = list(bench.lines_of(row))
    assert len(lines) == len(SIZES) + 1
    assert "timed out after 5 s" in lines[1]
    assert "skipped: 10000 was not measured" in lines[2]
    assert "too few sizes" in lines[-1]


def test_a_size_that_would_take_too_long_is_skipped(bench):
    asked = []

    def quadratic(size):
        asked.append(size)
        return bench.Point(size, 1e-8 * size**2)

    points = list(bench.grow(SIZES, quadratic, timeout=50))
    assert asked == [1_000, 10_000]
    assert points[2].why_not == "skipped: about 100 s expected"


def test_an_unknown_strategy_is_refused_with_the_names(bench, capsys):
    with pytest.raises(SystemExit):
        bench.main(["--strategies", "smote,nosuch"])
    assert "'nosuch' is none of none, none-mlp" in capsys.readouterr().err


def test_every_stage_has_a_case(bench):
    from imbench.strategies import STAGES

    assert {case.stage for case in bench.cases()} == {"none", *STAGES}


def test_classes_have_the_sizes_that_are_asked_for(cell):
    data = cell.load_table(5_000, 5, True)
    assert data.X.shape == (5_000, 30)
    assert data.X.dtype == np.float64
    assert data.counts.tolist() == cell.class_sizes(5_000, 5, True)
    assert data.counts.sum() == 5_000
    fraud = cell.load_table(20_000, 2, False)
    assert fraud.counts.tolist() == [19_960, 40]


@pytest.mark.process
def test_smoke(bench, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "CLASSES", (2,))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = tmp_path / "scale.json"
    rows = []
    for words, sizes in (
        (["--strategies", "random_under", "--class-rows", "1000"], (1_000, 2_000)),
        (["--strategies", "focal", "--axis", "rows"], (2_000,)),
    ):
        monkeypatch.setattr(bench, "ROWS", sizes)
        assert bench.main([*words, "--json", str(path)]) == 0
        rows += json.loads(path.read_text(), parse_constant=pytest.fail)["rows"]
    assert [row["name"] for row in rows] == [
        "scale: random_under, rows", "scale: random_under, classes", "scale: focal, rows",
    ]  # fmt: skip
    for row in rows:
        assert row["ok"] is None
        for point in row["points"]:
            assert point["why_not"] == ""
            assert point["seconds"] > 0
            assert point["us_a_row"] == pytest.approx(
                1e6 * point["seconds"] / (point["size"] if row["name"].endswith("rows") else 1_000)
            )
            assert point["peak"] >= 1, "the data itself is counted"
    under, focal = rows[0]["points"], rows[2]["points"]
    assert [p["n_trained"] for p in under] == [30, 30], "15 of 20 rare rows, and as many others"
    assert [p["n_trained"] for p in focal] == [1351], "0.75 of the rows, a tenth held out"
    out = capsys.readouterr().out
    assert out.count("us/row") == 4
    assert out.count("too few sizes") == 3


@pytest.mark.process
def test_a_cell_that_fails_is_a_sentence(bench):
    case = bench.Case("x", "none", ("strategy=focal", "model=logistic_regression"))
    point = bench.measure(case, 1_000, 2, False, timeout=60)
    assert point.why_not.startswith("failed: strategy=focal acts on the loss of a net")
    assert math.isnan(point.seconds)
