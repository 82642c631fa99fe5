"""The page of the break-even curves: from how many rare rows on, a table, and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from imbench.report.statistics.random_effects import MIN_DATASETS, random_effects
from imbench.run.environment import conditions

CONTROLS = ("none", "threshold")  # the others are remedies
TITLES = {
    "f1_macro": "F1 (macro)",
    "f1_minority": "F1 of the rare class",
    "average_precision": "average precision",
    "brier": "Brier score",
    "expected_cost": "expected cost",
}
DRAWN = {"f1_macro": "break-even.png", "average_precision": "break-even-ranking.png"}
LINTHRESH = 0.02
TICKS = (-0.5, -0.1, -0.02, 0.0, 0.02, 0.1, 0.5)


@dataclass(frozen=True)
class Shape:
    """A table and the size of a training sample."""

    table: str
    rare: int
    ratio: float
    noise: float


@dataclass(frozen=True)
class Gain:
    """What a strategy gains over a moved threshold in one setting and measure.

    Parameters
    ----------
    shape : Shape
    model, strategy, measure : str
    value : float or None
        Mean of the measure over draws; None if the strategy did not finish.
    gain, low, high : float or None
        Positive if better, and the simultaneous 95 % interval; None of the threshold itself.
    verdict : str
        Of imbench, see docs/verdict.md.
    reason : str
        Why it did not finish.
    error : float or None
        Standard error of the gain.
    """

    shape: Shape
    model: str
    strategy: str
    measure: str
    value: float | None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: str = ""
    reason: str = ""
    error: float | None = None

    @property
    def curve(self) -> tuple[str, str, float, float, str]:
        """What stays the same along a curve over the number of rare rows."""
        return (self.shape.table, self.model, self.shape.ratio, self.shape.noise, self.measure)


@dataclass(frozen=True)
class Crossing:
    """Where a curve of a table and model crosses a moved threshold.

    Parameters
    ----------
    n_rare : tuple of int
        Rare rows of the settings that were run, ascending.
    winners : mapping of int to list of str
        Remedies that are better, by rare rows; without an entry none is.
    """

    n_rare: tuple[int, ...]
    winners: dict[int, list[str]]

    @property
    def first(self) -> int | None:
        """The smallest number of rare rows at which a remedy is better."""
        return min(self.winners, default=None)

    @property
    def since(self) -> int | None:
        """The number of rare rows from which on there is always a better one."""
        found = None
        for n in reversed(self.n_rare):
            if n not in self.winners:
                break
            found = n
        return found

    def __str__(self) -> str:
        """Return it as a cell of a table.

        Examples
        --------
        >>> print(Crossing((10, 20, 50), {20: ["smote"], 50: ["smote"]}))
        from 20 (2 of 3)
        >>> print(Crossing((10, 20, 50), {20: ["smote"]}), Crossing((10, 20, 50), {}), sep=", ")
        at 20, not at 50 (1 of 3), never up to 50
        """
        n, most = len(self.n_rare), self.n_rare[-1]
        if self.first is None:
            return f"never up to {most}"
        counted = f"({len(self.winners)} of {n})"
        if self.since == self.first:
            return f"from {self.first} {counted}"
        missing = next(m for m in self.n_rare if m > self.first and m not in self.winners)
        return f"at {self.first}, not at {missing} {counted}"


def crossings(gains: Sequence[Gain]) -> dict[tuple[str, str, float, float, str], Crossing]:
    """Return where each curve crosses, in the order of the gains.

    Examples
    --------
    >>> shape = Shape("bank", 50, 10.0, 0.0)
    >>> some = [Gain(shape, "knn", "smote", "brier", 0.1, 0.02, 0.01, 0.03, "better")]
    >>> [str(found) for found in crossings(some).values()]
    ['from 50 (1 of 1)']
    """
    found = {}
    for curve in dict.fromkeys(gain.curve for gain in gains):
        own = [gain for gain in gains if gain.curve == curve and gain.strategy not in CONTROLS]
        told = [g for g in own if g.value is not None]
        winners: dict[int, list[str]] = {}
        for gain in sorted(told, key=lambda g: -(g.gain or 0.0)):
            if gain.verdict == "better":
                winners.setdefault(gain.shape.rare, []).append(gain.strategy)
        n_rare = tuple(sorted({gain.shape.rare for gain in told}))
        if n_rare:
            found[curve] = Crossing(n_rare, winners)
    return found


def answer(gains: Sequence[Gain]) -> str:
    """Return the answer for each measure, in sentences.

    Examples
    --------
    >>> shape = Shape("bank", 50, 10.0, 0.0)
    >>> some = [Gain(shape, "knn", "smote", "brier", 0.1, 0.02, 0.01, 0.03, "better")]
    >>> print(answer(some))
    - Brier score: a remedy is better than a moved threshold in 1 of 1 settings. Of 1 curves \
(table, model, ratio, noise) 1 have such a setting: first at 50 rare rows (median; 50 to 50). Most \
often it is smote (1), of those that were tried.
    """
    lines = []
    found = crossings(gains)
    for measure in dict.fromkeys(gain.measure for gain in gains):
        own = [crossing for curve, crossing in found.items() if curve[-1] == measure]
        n_all = sum(len(crossing.n_rare) for crossing in own)
        n_won = sum(len(crossing.winners) for crossing in own)
        text = (
            f"- {TITLES.get(measure, measure)}: a remedy is better than a moved threshold in "
            f"{n_won} of {n_all} settings."
        )
        firsts = sorted(c.first for c in own if c.first is not None)
        if firsts:
            text += (
                f" Of {len(own)} curves (table, model, ratio, noise) {len(firsts)} have such a "
                f"setting: first at {median(firsts):g} rare rows (median; {firsts[0]} to "
                f"{firsts[-1]})."
            )
            counts: dict[str, int] = {}
            for name in (n for c in own for names in c.winners.values() for n in names):
                counts[name] = counts.get(name, 0) + 1
            most = sorted(counts.items(), key=lambda item: -item[1])[:3]
            named = ", ".join(f"{name} ({n})" for name, n in most)
            text += f" Most often it is {named}, of those that were tried."
        lines.append(text)
    return "\n".join(lines)


def table(gains: Sequence[Gain]) -> str:
    """Return a table in Markdown: a row for each curve, a column for each measure."""
    found = crossings(gains)
    measures = list(dict.fromkeys(gain.measure for gain in gains))
    titles = " | ".join(TITLES.get(name, name) for name in measures)
    lines = [
        f"| table | model | ratio | noise | {titles} |",
        f"| --- | --- | ---: | ---: |{' --- |' * len(measures)}",
    ]
    for curve in dict.fromkeys(curve[:-1] for curve in found):
        name, model, ratio, noise = curve
        cells = [str(found.get((*curve, measure), "")) for measure in measures]
        lines.append(f"| {name} | {model} | {ratio:g}:1 | {noise:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def details(gains: Sequence[Gain], measure: str) -> str:
    """Return a table of the best remedy of each setting in one measure."""
    lines = [
        "| table | model | ratio | noise | rare rows | threshold | best remedy | gain | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |",
    ]
    settings: dict[tuple[Shape, str], list[Gain]] = {}
    for gain in gains:
        if gain.measure == measure:
            settings.setdefault((gain.shape, gain.model), []).append(gain)
    for (shape, model), own in settings.items():
        base = next((g.value for g in own if g.strategy == "threshold"), None)
        told = [g for g in own if g.gain is not None and g.strategy not in CONTROLS]
        if base is None or not told:
            continue
        best = max(told, key=lambda g: g.gain or 0.0)
        where = f"{shape.table} | {model} | {shape.ratio:g}:1 | {shape.noise:g} | {shape.rare}"
        lines.append(
            f"| {where} | {base:.3f} | {best.strategy} | {_interval(best)} | {best.verdict} |"
        )
    return "\n".join(lines)


def _interval(gain: Gain) -> str:
    if gain.low is None or gain.high is None or gain.low != gain.low:
        return f"{gain.gain:+.3f}"
    return f"{gain.gain:+.3f} \\[{gain.low:+.3f}, {gain.high:+.3f}\\]"


def draw(gains: Sequence[Gain], path: Path, measure: str, ratio: float, noise: float) -> None:
    """Draw gains over rare rows: a row of panels for each model, a panel for each table."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    own = [g for g in gains if g.measure == measure and g.strategy not in CONTROLS]
    own = [g for g in own if (g.shape.ratio, g.shape.noise) == (ratio, noise)]
    models, tables, names = (
        list(dict.fromkeys(key(g) for g in own))
        for key in (lambda g: g.model, lambda g: g.shape.table, lambda g: g.strategy)
    )
    names.sort()
    figure, panels = plt.subplots(
        max(len(models), 1), max(len(tables), 1), figsize=(2.4 * max(len(tables), 1) + 2.2, 5),
        sharex=True, sharey=True, layout="constrained", squeeze=False,
    )  # fmt: skip
    n_rare = sorted({g.shape.rare for g in own})
    colours = plt.get_cmap("tab20")
    for row, model in enumerate(models):
        for column, name in enumerate(tables):
            axes = panels[row, column]
            axes.axhline(0, color="black", linewidth=0.8)
            for i, strategy in enumerate(names):
                line = [g for g in own if (g.model, g.shape.table) == (model, name)]
                line = [g for g in line if g.strategy == strategy and g.gain is not None]
                line.sort(key=lambda g: g.shape.rare)
                x, y = [g.shape.rare for g in line], [g.gain for g in line]
                axes.plot(x, y, linewidth=1, color=colours(i), label=strategy)
                better = [k for k, g in enumerate(line) if g.verdict == "better"]
                axes.plot(x, y, "o", markersize=4, color=colours(i), markevery=better)
            axes.set_title(f"{name}, {model}", fontsize=8)
            axes.set_xscale("log")
            axes.set_yscale("symlog", linthresh=LINTHRESH)
            axes.set_yticks(TICKS, [f"{tick:+g}" if tick else "0" for tick in TICKS])
            axes.set_xticks(n_rare, [str(n) for n in n_rare], fontsize=7, rotation=60)
            axes.tick_params(axis="y", labelsize=7)
            axes.minorticks_off()
    figure.supxlabel("rare rows in training", fontsize=9)
    figure.supylabel(f"gain in {TITLES.get(measure, measure)} over threshold", fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def pooled(gains: Sequence[Gain], measure: str) -> str:
    """Return a table of mean gains over the tables, a row for each model and remedy.

    Examples
    --------
    >>> some = [
    ...     Gain(Shape(t, 50, 10.0, 0.0), "knn", "smote", "brier", 0.1, 0.02, error=0.001)
    ...     for t in ("a", "b", "c")
    ... ]
    >>> print(pooled(some, "brier"))
    | model | remedy | 50 |
    | --- | --- | ---: |
    | knn | smote | **+0.020** |
    """
    own = [g for g in gains if g.measure == measure and g.strategy not in CONTROLS]
    n_rare = sorted({g.shape.rare for g in own})
    lines = [f"| model | remedy | {' | '.join(map(str, n_rare))} |"]
    lines.append(f"| --- | --- |{' ---: |' * len(n_rare)}")
    for model, strategy in dict.fromkeys((g.model, g.strategy) for g in own):
        cells = []
        for rare in n_rare:
            there = [g for g in own if (g.model, g.strategy) == (model, strategy)]
            there = [g for g in there if g.shape.rare == rare and g.gain is not None]
            values = [g.gain for g in there if g.gain is not None]
            found = random_effects(
                values, [math.nan if g.error is None else g.error for g in there]
            )
            if found is None:
                cells.append("")
                continue
            mark = "" if found.low <= 0 <= found.high else "**"
            cells.append(f"{mark}{found.mean:+.3f}{mark}")
        if any(cells):
            lines.append(f"| {model} | {strategy} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _conditions(n_draws: int) -> str:
    return (
        f"Every setting is {n_draws} draws of nested training samples of a table (half as many "
        "beyond 100 rare rows), tested on the same rows, which are weighted to the ratio of the "
        "sample. Verdicts are those of imbench against `threshold`, over draws and test rows, "
        "adjusted for all strategies of a setting. F1 and expected cost (a missed row costs the "
        "ratio, a false alarm 1) judge labels: the threshold is tuned for what is judged, remedies "
        "without `+threshold` keep 0.5. Average precision and the Brier score judge scores, which "
        "a threshold does not change. `smote` is `smotenc` where a table has categories. Noise is "
        "the share of rare rows that changed labels with as many others."
    )


def page(
    gains: Sequence[Gain],
    command: str,
    n_draws: int,
    images: Sequence[tuple[str, str]],
    shown: tuple[float, float],
    notes: Sequence[str],
) -> str:
    """Return the page: the answer, figures, tables, and how they were made.

    Parameters
    ----------
    gains : sequence of Gain
    command : str
    n_draws : int
    images : sequence of (path, caption)
    shown : (ratio, noise)
        Of the figures and of the means over the tables.
    notes : sequence of str
        What is left out, and why.
    """
    reasons: dict[str, int] = {}
    for gain in gains:
        if gain.value is None:
            words = f"{gain.strategy}: {gain.reason}"
            reasons[words] = reasons.get(words, 0) + 1
    failed = [f"{words} ({n} times)" for words, n in reasons.items()]
    blocks = [
        "# break_even",
        f"Made by `{command}` ({conditions()}; seed 0).",
        "From how many rare rows on does anything beat a moved threshold?",
        answer(gains),
        "Where nothing helps, a remedy seems to be better by chance in up to 5 % of the settings.",
        *(f"![Gain over a moved threshold: {title}]({name})" for name, title in images),
        "Circles: better, that is the simultaneous 95 % interval leaves out 0. The scale is linear "
        f"up to {LINTHRESH:g}.",
        _conditions(n_draws),
        "## From how many rare rows on a remedy is better",
        "`from 50 (3 of 4)`: at 50 rare rows and all larger numbers, which are 3 of 4 settings.",
        table(gains),
    ]
    first = [g for g in gains if (g.shape.ratio, g.shape.noise) == shown]
    if len({g.shape.table for g in first}) < MIN_DATASETS:
        first = []
    if first:
        blocks += [
            f"## Mean gain over the tables at {shown[0]:g}:1, noise {shown[1]:g}",
            "Columns are rare rows. A random-effects model over the tables, at least 3; bold: its "
            "95 % interval leaves out 0, which is not adjusted for the number of remedies.",
        ]
    for measure in dict.fromkeys(gain.measure for gain in first):
        blocks += [f"{TITLES.get(measure, measure)}:", pooled(first, measure)]
    for measure in dict.fromkeys(gain.measure for gain in gains):
        blocks += [f"## Best remedy: {TITLES.get(measure, measure)}", details(gains, measure)]
    if missing := [*notes, *failed]:
        blocks += ["## Left out", "\n".join(f"- {line}" for line in missing)]
    return "\n\n".join(blocks) + "\n"
