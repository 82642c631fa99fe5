"""Plot rows that a sampler generated next to training rows of their class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imbench.report.canvas import AFTER, BEFORE, MAX_CURVES, class_names, grid_figure
from imbench.results.fold import CellResult, FoldResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_made_rows(cell: CellResult) -> Figure:
    """Draw generated rows next to training rows of their class, for the first fold with any."""
    fold = next(f for f in cell.finished if len(f.picture))
    shown = list(dict.fromkeys(fold.picture_y[fold.picture_made].tolist()))[:MAX_CURVES]
    what = f"rows of fold {fold.repeat}.{fold.fold}, training rows and made ones"
    draw = _made_images if fold.picture.ndim == 4 else _made_points
    return draw(cell, fold, sorted(shown), what)


def _made_images(cell: CellResult, fold: FoldResult, shown: list[int], what: str) -> Figure:
    """Draw one panel per class, with a line of training images above a line of generated ones."""
    names = class_names(cell)
    columns = 1 if len(shown) <= 3 else 2
    lines = -(-len(shown) // columns)
    figure = grid_figure(cell, what, (5.2 * columns, 0.7 + 1.35 * lines))
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.remove()
    for k, axes in zip(shown, grid.flat, strict=False):
        own, made = fold.picture_y == k, fold.picture_made
        height = fold.picture.shape[2] + 1  # a white pixel between images
        axes.imshow(_mosaic([fold.picture[own & ~made], fold.picture[own & made]]))
        axes.set_yticks([height / 2, 1.5 * height], ["real", "made"], fontsize="small")
        axes.set(xticks=[], frame_on=False)
        axes.tick_params(length=0)
        axes.set_title(f"class {names[k]}", fontsize="small", loc="left")
    return figure


def _mosaic(lines: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Join lines of images of shape (n, C, H, W) to one white image of shape (H', W', 3)."""
    _, channels, height, width = lines[0].shape
    n_columns = max(map(len, lines))
    ground = np.full((len(lines) * (height + 1) - 1, n_columns * (width + 1) - 1, 3), 255, np.uint8)
    for line, images in enumerate(lines):
        for column, image in enumerate(images):
            top, left = line * (height + 1), column * (width + 1)
            pixels = np.moveaxis(image[:3] if channels >= 3 else image[:1], 0, -1)
            ground[top : top + height, left : left + width] = pixels
    return ground


def _made_points(cell: CellResult, fold: FoldResult, shown: list[int], what: str) -> Figure:
    """Draw one panel per class in the plane of the first two principal components."""
    names, points = class_names(cell), fold.picture
    columns = min(len(shown), 3)
    lines = -(-len(shown) // columns)
    figure = grid_figure(cell, what, (max(3.2 * columns, 5.2), 1.2 + 3.4 * lines))
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(shown) :]:
        axes.remove()
    for k, axes in zip(shown, grid.flat, strict=False):
        own, made = fold.picture_y == k, fold.picture_made
        layers = (
            (~own & ~made, "training rows of other classes", {"color": BEFORE, "alpha": 0.45}),
            (own & ~made, "training rows of the class", {"color": "black"}),
            (own & made, "made rows", {"color": AFTER, "marker": "x"}),
        )
        for chosen, label, style in layers:
            axes.scatter(*points[chosen].T, s=16, linewidths=1, label=label, **style)
        axes.set_title(f"class {names[k]}", fontsize="small")
        axes.grid(alpha=0.25)
        axes.set(xlabel="first principal component", ylabel="second")
        axes.label_outer()
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, fontsize="small", ncols=min(columns, 2), loc="outside lower center"
    )
    return figure
