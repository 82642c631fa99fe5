"""Figures of the gallery that are not pyplot's, such as those of ``result.plot``."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

_drawn: WeakSet[Figure] = WeakSet()


def own_figures(block: Any, found: dict[str, Any], conf: dict[str, Any]) -> str:
    """Return the markup of the figures that a block of a script has made."""
    paths = []
    for value in found["example_globals"].values():
        if not isinstance(value, Figure) or value in _drawn:
            continue
        _drawn.add(value)
        if value.canvas.manager is None:  # those of pyplot are shown by another scraper
            paths.append(str(next(found["image_path_iterator"])))
            value.savefig(paths[-1], dpi=100)
    return str(figure_rst(paths, conf["src_dir"]))
