"""Empty axes for the figures of a cell, and how a figure becomes a file.

Called by :mod:`imbench.report.plots`. Margins are given in inches: they are known beforehand, and
matplotlib's constrained layout finds them by drawing everything once more. Grids of many panels are
left to it.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from imbench.results.fold import CellResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 90
LABELS = 0.6  # inches: the label of an axis and its ticks, without the words at the ticks
PER_CHARACTER = 0.085  # inches of a letter of 8.3 points, upper case too
WIDE = "MWmw@%—…"
N_STEPS = 4  # between the numbers of an axis, at most: they take most of the drawing


def axes_of(
    cell: CellResult,
    what: str,
    size: tuple[float, float],
    *,
    left: float = 0.75,
    right: float = 0.2,
    bottom: float = LABELS,
    top: float = 0.65,
    pad: float | None = None,
) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes under the names of a cell.

    Parameters
    ----------
    cell : CellResult
    what : str
        Second line of the title.
    size : (float, float)
        Width and height in inches.
    left, right, bottom, top : float
        Margins in inches.
    pad : float or None
        Points between the title and the axes.
    """
    figure = _figure(size)
    width, height = size
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    axes = figure.subplots()
    # A title with a place is not moved about, for which every label would be measured.
    axes.set_title(_title(cell, what), fontsize="medium", y=1.0, pad=pad)
    return figure, axes


def row_of_axes(
    cell: CellResult, what: str, size: tuple[float, float]
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with two pairs of axes beside each other."""
    figure = _figure(size)
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.14, top=0.84, wspace=0.32)
    figure.suptitle(_title(cell, what), fontsize="medium")
    return figure, list(figure.subplots(1, 2))


def grid_figure(cell: CellResult, what: str, size: tuple[float, float]) -> Figure:
    """Return a figure without axes, for grids of many."""
    figure = _figure(size, layout="constrained")
    figure.suptitle(_title(cell, what), fontsize="medium")
    return figure


def width_of(names: Sequence[str]) -> float:
    """Return the inches that the longest name takes in small letters, at most."""
    return PER_CHARACTER * max((sum(map(_share, name)) for name in names), default=0)


def _share(character: str) -> float:
    """Return how much wider a character is than a letter of ordinary width."""
    if unicodedata.east_asian_width(character) in "WF":
        return 2.0
    return 1.4 if character in WIDE else 1.0


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure. A character that the font lacks becomes a box, without a warning.

    It is compressed fast, and letters are not fitted to the pixels: a sweep waits for its plots.
    """
    from matplotlib import rc_context
    from PIL import Image

    with warnings.catch_warnings(), rc_context({"text.hinting": "none"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    Image.fromarray(pixels).convert("RGB").save(path, "PNG", compress_level=1)


def plain(text: str, width: int) -> str:
    """Shorten a name, on one line, and keep a dollar from starting a formula."""
    text = " ".join(text.split())
    text = text if len(text) <= width else f"{text[: width - 1]}…"
    return text.replace("$", r"\$")


def _figure(size: tuple[float, float], layout: Literal["constrained"] | None = None) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def _title(cell: CellResult, what: str) -> str:
    return plain(f"{cell.dataset} · {cell.model} · {cell.label}", 70) + f"\n{what}"
