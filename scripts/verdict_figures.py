"""Draw the figures of docs/verdict.md; used by verdict_check.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def draw_power(curves: Mapping[str, NDArray[np.float64]], path: Path) -> None:
    """Draw the share of tables that tell a planted gain: one panel for each kind of table."""
    plt = _pyplot()
    figure, grid = plt.subplots(
        1, len(curves), figsize=(3.1 * len(curves), 3.3), layout="constrained", sharey=True,
        squeeze=False,
    )  # fmt: skip
    for axes, (name, power) in zip(grid[0], curves.items(), strict=True):
        gain, new, probably, old = power.T
        axes.plot(gain, 100 * new, marker="o", markersize=4, color="C0", label="better")
        axes.plot(
            gain, 100 * probably, linestyle=":", color="C0", label="better or probably better"
        )
        axes.plot(
            gain, 100 * old, marker="s", markersize=4, color="C1", linestyle="--",
            label="corrected t-test, Holm",
        )  # fmt: skip
        axes.set(title=name, xlabel="planted gain in macro F1", ylim=(-2, 102))
        axes.title.set_fontsize(9)
        axes.grid(alpha=0.3)
    grid[0, 0].set_ylabel("tables that tell it, %")
    grid[0, -1].legend(frameon=False, fontsize=8, loc="center right")
    _save(plt, figure, path)


def draw_coverage(found: Sequence[tuple[str, int, int, int, float]], path: Path) -> None:
    """Draw the coverage of intervals of metrics over the rare rows of a fold."""
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for i, metric in enumerate(dict.fromkeys(entry[0] for entry in found)):
        own = [(n_rare, 100 * count / n) for name, n_rare, count, n, _ in found if name == metric]
        x, y = zip(*own, strict=True)
        axes.plot(
            x, y, marker="o", markersize=3, label=metric, color=f"C{i % 10}",
            linestyle="-" if i < 10 else "--",
        )  # fmt: skip
    axes.axhline(95, color="grey", linewidth=0.8)
    axes.set(xlabel="rare rows in a fold", ylabel="intervals that hold the truth, %", xscale="log")
    ticks = sorted({entry[1] for entry in found})
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_ylim(80, 100.5)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=7, ncols=2, loc="lower right")
    _save(plt, figure, path)


def _pyplot():  # type: ignore[no-untyped-def]
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def _save(plt, figure, path: Path) -> None:  # type: ignore[no-untyped-def]
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)
