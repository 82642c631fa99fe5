from __future__ import annotations

import pytest

from imbench.report.canvas import save_png
from imbench.report.diagram import figure_critical_difference
from imbench.report.statistics.across import cliques
from imbench.report.tables import build_leaderboard
from imbench.results.metric_options import MetricOptions
from tests.factories import make_cell


def ranking(n_strategies, datasets="abcd"):
    cells = [
        make_cell(label, dataset=d, n=100, skill=0.5 * i)
        for d in datasets
        for i, label in enumerate(["none", *(f"$s_{i}$" for i in range(1, n_strategies))])
    ]
    return build_leaderboard(cells, MetricOptions()).rankings[0]


def test_diagram_has_a_name_for_each_strategy_and_a_bar_for_each_clique(tmp_path):
    found = ranking(7)
    figure = figure_critical_difference(found)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [s.title.replace("$", r"\$") for s in found.standings]
    ranks = [s.average_rank for s in found.standings]
    bars = [line for line in axes.get_lines() if line.get_gid() == "clique"]
    expected = cliques(ranks, found.critical_difference)
    assert [tuple(map(int, bar.get_ydata())) for bar in bars] == expected
    assert len(expected) > 1
    save_png(figure, tmp_path / "cd.png")
    assert (tmp_path / "cd.png").stat().st_size > 5000


@pytest.mark.slow
def test_a_hundred_strategies_fit(tmp_path):
    figure = figure_critical_difference(ranking(100, "abc"))
    save_png(figure, tmp_path / "cd.png")
    assert figure.get_size_inches()[1] > 20


def test_without_a_ranking_the_reason_is_the_error():
    with pytest.raises(ValueError, match="2 data sets"):
        figure_critical_difference(ranking(4, "ab"))
