"""Critical-difference diagram of a ranking, with one line per strategy so that 100 names fit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from imbench.report.ranking import Ranking
from imbench.report.statistics.across import cliques

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST, REST = "#1f6feb", "#5b6472"


def figure_critical_difference(ranking: Ranking) -> Figure:
    """Draw average ranks, with bars that join strategies whose ranks do not differ significantly.

    Raises
    ------
    ValueError
        If nothing is ranked. The message is ``ranking.reason``.

    References
    ----------
    Demsar 2006, JMLR 7, section 3.2.4 and figure 1. Here each name has a line of its own.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if math.isnan(ranking.critical_difference):
        raise ValueError(ranking.reason)
    ranks = [s.average_rank for s in ranking.standings]
    groups = cliques(ranks, ranking.critical_difference)
    n = len(ranks)
    figure = Figure(figsize=(7.0, 1.3 + 0.24 * n), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    colours = [BEST if s.among_best else REST for s in ranking.standings]
    axes.hlines(range(n), 1, ranks, color="#d0d4da", linewidth=0.8)
    axes.scatter(ranks, range(n), c=colours, s=26, zorder=3)
    # The bars are to the right of the worst rank, each in its own column.
    step = 0.035 * max(ranks[-1] - 1, 1)
    for column, (first, last) in enumerate(groups):
        place = ranks[-1] + step * (2 + column)
        axes.plot([place, place], [first, last], color="#16191d", linewidth=3, gid="clique")
    end = ranks[0] + ranking.critical_difference
    axes.plot([ranks[0], end], [-1, -1], color=BEST, linewidth=2)
    label = f"critical difference {ranking.critical_difference:.2f}"
    axes.text(ranks[0], -1.25, label, color=BEST, fontsize="small", va="bottom")
    axes.set_yticks(range(n), [s.title.replace("$", r"\$") for s in ranking.standings])
    axes.set_ylim(n - 0.5, -2.1)
    axes.set_xlabel(
        f"average rank of {ranking.metric} over {len(ranking.datasets)} data sets; "
        "bars: no significant difference"
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure
