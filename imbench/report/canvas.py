"""Create the figures and axes of plots, and write them as PNG files.

Margins of single plots are given in inches, because matplotlib's constrained layout finds them by
drawing everything twice. It is used for grids of panels only.
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
LABELS = 0.6  # inches for the label and the ticks of an axis, without tick labels
PER_CHARACTER = 0.085  # inches of a letter of 8.3 points
WIDE = "MWmw@%—…"
MAX_CURVES = 10  # more colours cannot be told apart
BEFORE, AFTER = "#9aa5b1", "#1f6feb"  # colours of training rows, and of rows after the strategy
N_STEPS = 4  # maximum number of tick intervals, because ticks take most of the drawing time


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
    """Return a figure with one plot, titled with the names of a cell.

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
    # With a fixed y, matplotlib does not measure all labels to place the title.
    axes.set_title(_title(cell, what), fontsize="medium", y=1.0, pad=pad)
    return figure, axes


def row_of_axes(
    cell: CellResult, what: str, size: tuple[float, float]
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with two plots next to each other."""
    figure = _figure(size)
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.14, top=0.84, wspace=0.32)
    figure.suptitle(_title(cell, what), fontsize="medium")
    return figure, list(figure.subplots(1, 2))


def grid_figure(cell: CellResult, what: str, size: tuple[float, float]) -> Figure:
    """Return a figure without axes, for a grid of plots."""
    figure = _figure(size, layout="constrained")
    figure.suptitle(_title(cell, what), fontsize="medium")
    return figure


def width_of(names: Sequence[str]) -> float:
    """Return an upper bound for the width of the longest name in small type, in inches."""
    return PER_CHARACTER * max((sum(map(_share, name)) for name in names), default=0)


def _share(character: str) -> float:
    """Return the width of a character relative to an average letter."""
    if unicodedata.east_asian_width(character) in "WF":
        return 2.0
    return 1.4 if character in WIDE else 1.0


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, optimised for speed: fast compression and no hinting of glyphs.

    Characters that the font lacks become boxes, without a warning.
    """
    from matplotlib import rc_context
    from PIL import Image

    with warnings.catch_warnings(), rc_context({"text.hinting": "none"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    Image.fromarray(pixels).convert("RGB").save(path, "PNG", compress_level=1)


def plain(text: str, width: int) -> str:
    r"""Put a name on one line, truncate it to `width` characters, and escape dollar signs.

    Examples
    --------
    >>> print(plain("cost in $", 20), plain("a long name", 7))
    cost in \$ a long…
    """
    text = " ".join(text.split())
    text = text if len(text) <= width else f"{text[: width - 1]}…"
    return text.replace("$", r"\$")


def class_names(cell: CellResult) -> list[str]:
    """Return the class names of a cell, shortened for axes and legends."""
    return [plain(name, 16) for name in cell.finished[0].class_names]


def _figure(size: tuple[float, float], layout: Literal["constrained"] | None = None) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def _title(cell: CellResult, what: str) -> str:
    return plain(f"{cell.dataset} · {cell.model} · {cell.label}", 70) + f"\n{what}"
