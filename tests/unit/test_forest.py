"""The forest plot of the terminal."""

from __future__ import annotations

import dataclasses

import pytest

from imbench.report.forest import forest
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell
from tests.pages import sweep


def block(cells, **options):
    return build_leaderboard(cells, MetricOptions(**options)).blocks[0]


@pytest.mark.parametrize("width", [50, 80, 100, 120, 200])
def test_bars_fit_and_are_where_the_numbers_are(width):
    axis, *lines = [text for text, _ in forest(block(sweep()), width)]
    assert max(map(len, [axis, *lines])) <= width
    assert [line.split()[0] for line in lines] == ["smote", "threshold", "noise"]
    smote, _, noise = lines
    zero = noise.index("│")
    assert smote.index("│") == zero  # under the same place in every line
    assert smote.index("━") > zero
    assert smote.index("━") < smote.index("●") < smote.rindex("━")
    assert noise.rindex("━") < zero
    assert abs(axis.index(" 0 ") + 1 - zero) <= 1
    assert "░" in noise


def test_a_wider_region_is_shaded_wider():
    wide, narrow = (forest(block(sweep(), rope=rope), 100) for rope in (0.05, 0.01))
    assert wide[-1][0].count("░") > 3 * narrow[-1][0].count("░") > 0


def test_each_line_has_the_verdict_that_colours_it():
    assert [told for _, told in forest(block(sweep()), 100)] == ["", "better", "open", "worse"]


def test_without_an_interval_nothing_is_drawn():
    assert forest(block([make_cell("none"), make_cell("twin")]), 100) == []
    assert forest(block([make_cell("smote")]), 100) == []
    assert forest(block(sweep()), 30) == []


def test_long_titles_are_cut():
    cells = sweep()[:2]
    cells[1] = dataclasses.replace(cells[1], label="x" * 60)
    lines = [text for text, _ in forest(block(cells), 80)]
    assert max(map(len, lines)) <= 80
    assert "x…" in lines[1]
