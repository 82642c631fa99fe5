"""Is it 5 to 20 points of minority accuracy? Run the tutorials' comparison over ratios and epochs.

.. code-block:: console

    $ IMBENCH_DATA=... python -m scripts.tutorials
    $ IMBENCH_DATA=... python -m scripts.tutorials --settings 9:1,2,5 100:2 --seeds 3 --tables /tmp

Every setting is a run of ``experiment=tutorial_mnist``, and ``experiment=balanced_sampler`` is one
more. All share one folder of results, so that the same command goes on after an interruption. It
writes a table and a figure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench.run.environment import conditions

ROOT = Path(__file__).parents[1]
RATIOS = (2.0, 5.0, 9.0, 30.0, 100.0, 300.0, 1000.0)
EPOCHS = (1, 2, 5, 10, 20, 40)
OF_TUTORIALS = 9.0  # class 0 at 90 %, the others at 10 %
KEPT = 0.9  # share of class 0
CLAIM = (5.0, 20.0)  # points
NAMES = {
    "inverse_weights": "weighted loss",
    "weighted_sampler": "weighted sampler",
    "random_over": "random over-sampling",
    "smote": "SMOTE",
}


@dataclass(frozen=True)
class Gain:
    """What a strategy gains over doing nothing in one setting, in points of recall.

    Parameters
    ----------
    ratio : float
        Share of class 0 over the share of every other class.
    epochs : int
    strategy : str
    plain : float
        Mean recall of the classes 1 to 9 without a strategy, in percent.
    points, low, high : float or None
        Gain and its 95 % interval; None if the strategy did not finish.
    reason : str
        Why it did not finish.
    """

    ratio: float
    epochs: int
    strategy: str
    plain: float
    points: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def words(ratio: float, epochs: int, n_seeds: int) -> list[str]:
    """Return the words of a setting for the command line.

    Examples
    --------
    >>> words(9, 2, 10)[1:3]
    ['dataset.imbalance.others=0.1', 'model.estimator.epochs=2']
    """
    return [
        "experiment=tutorial_mnist",
        f"dataset.imbalance.others={KEPT / ratio:.6g}",
        f"model.estimator.epochs={epochs}",
        f"splits.n_seeds={n_seeds}",
    ]


def run(asked: Sequence[str], results: Path) -> list[dict[str, Any]]:
    """Run a sweep, of which results may be stored, and return its lines of ``output=json``.

    Raises
    ------
    SystemExit
        With what the command said, if it did not run.
    """
    command = [sys.executable, "-m", "imbench", *asked]
    command += ["tracking=none", "output=json", f"results_dir={results}"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    if done.returncode not in (0, 1):  # 1: a strategy did not finish
        raise SystemExit(done.stderr.strip())
    return [json.loads(line) for line in done.stdout.splitlines()]


def gains_of(ratio: float, epochs: int, rows: Sequence[dict[str, Any]]) -> list[Gain]:
    """Read gains from the lines of ``output=json``.

    Raises
    ------
    SystemExit
        If doing nothing did not finish, so that there is nothing to compare with.
    """
    by_label = {row["label"]: row for row in rows}
    none = by_label.get("none", {"status": "missing", "reason": "it is not among the results"})
    if none["status"] != "ok":
        raise SystemExit(f"tutorials: none with {ratio:g}:1 is {none['status']}: {none['reason']}")
    plain = 100 * none["metrics"]["recall_rare"]
    found = []
    for name in NAMES:
        row = by_label[name]
        if row["status"] != "ok":
            found.append(Gain(ratio, epochs, name, plain, None, reason=row["reason"]))
            continue
        low, high = row["interval"] or (None, None)
        gain, low, high = (None if v is None else 100 * v for v in (row["gain"], low, high))
        found.append(Gain(ratio, epochs, name, plain, gain, low, high))
    return found


def sampler_table(rows: Sequence[dict[str, Any]]) -> str:
    r"""Return the recall of each class with and without the balanced sampler, in Markdown.

    Examples
    --------
    >>> recall = {"0": {"hits": 199, "n": 200, "low": 0.99, "high": 1.0}}
    >>> print(sampler_table([{"label": "none", "status": "ok", "recall": recall}]))
    | recall, % | 0 |
    | --- | ---: |
    | none | 99.5 \[99.0, 100.0\] |
    """
    done = [row for row in rows if row["status"] == "ok"]
    if not done:
        return "Nothing finished."
    lines = [f"| recall, % | {' | '.join(done[0]['recall'])} |"]
    lines.append("| --- |" + " ---: |" * len(done[0]["recall"]))
    for row in sorted(done, key=lambda row: row["label"]):
        cells = (
            f"{100 * r['hits'] / r['n']:.1f} \\[{100 * r['low']:.1f}, {100 * r['high']:.1f}\\]"
            for r in row["recall"].values()
        )
        lines.append(f"| {row['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def answer(gains: Sequence[Gain]) -> str:
    """Return the answer to the question whether it is 5 to 20 points, in three sentences.

    Examples
    --------
    >>> some = [Gain(9, 2, "smote", 90, 6.0), Gain(9, 40, "smote", 95, 1.0)]
    >>> print(answer(some))  # doctest: +NORMALIZE_WHITESPACE
    Is it 5 to 20 points of minority accuracy? In 1 of 2 comparisons it is; in 1 it is less, in 0
    more. At the tutorials' 9:1, over 2 to 40 epochs: SMOTE +1.0 to +6.0. With more epochs the mean
    over remedies goes from +6.0 after 2 to +1.0 after 40 at 9:1.
    """
    points = [gain.points for gain in gains if gain.points is not None]
    n_less, n_more = sum(p < CLAIM[0] for p in points), sum(p > CLAIM[1] for p in points)
    n_within = len(points) - n_less - n_more
    text = (
        f"Is it {CLAIM[0]:g} to {CLAIM[1]:g} points of minority accuracy? In {n_within} of "
        f"{len(points)} comparisons it is; in {n_less} it is less, in {n_more} more."
    )
    ranges = []
    for name, title in NAMES.items():
        own = [g.points for g in gains if g.strategy == name and g.ratio == OF_TUTORIALS]
        there = [p for p in own if p is not None]
        if there:
            ranges.append(f"{title} {min(there):+.1f} to {max(there):+.1f}")
    if ranges:
        epochs = [gain.epochs for gain in gains if gain.ratio == OF_TUTORIALS]
        span = f"{min(epochs)} to {max(epochs)} epochs"
        text += f" At the tutorials' {OF_TUTORIALS:g}:1, over {span}: {', '.join(ranges)}."
    if trends := list(_trends(gains)):
        text += f" With more epochs the mean over remedies goes {'; '.join(trends)}."
    return text


def _trends(gains: Sequence[Gain]) -> Iterator[str]:
    """Say for each ratio how the mean gain changes from the fewest to the most epochs."""
    for ratio in dict.fromkeys(gain.ratio for gain in gains):
        by_epochs: dict[int, list[float]] = {}
        for gain in gains:
            if gain.ratio == ratio and gain.points is not None:
                by_epochs.setdefault(gain.epochs, []).append(gain.points)
        if len(by_epochs) > 1:
            first, last = min(by_epochs), max(by_epochs)
            few, many = (sum(by_epochs[n]) / len(by_epochs[n]) for n in (first, last))
            yield f"from {few:+.1f} after {first} to {many:+.1f} after {last} at {ratio:g}:1"


def table(gains: Sequence[Gain]) -> str:
    """Return a table in Markdown: a row for each setting, a column for each strategy."""
    lines = [
        f"| ratio | epochs | plain, % | {' | '.join(NAMES.values())} |",
        f"| ---: | ---: | ---: |{' ---: |' * len(NAMES)}",
    ]
    for ratio, epochs in dict.fromkeys((gain.ratio, gain.epochs) for gain in gains):
        own = {g.strategy: g for g in gains if (g.ratio, g.epochs) == (ratio, epochs)}
        cells = " | ".join(_cell(own[name]) for name in NAMES)
        plain = next(iter(own.values())).plain
        lines.append(f"| {ratio:g}:1 | {epochs} | {plain:.1f} | {cells} |")
    reasons = dict.fromkeys(f"{NAMES[g.strategy]}: {g.reason}" for g in gains if g.points is None)
    return "\n".join([*lines, *(f"\n- did not finish, {reason}" for reason in reasons)])


def _cell(gain: Gain) -> str:
    if gain.points is None:
        return "did not finish"
    if gain.low is None or gain.high is None:
        return f"{gain.points:+.1f}"
    return f"{gain.points:+.1f} \\[{gain.low:+.1f}, {gain.high:+.1f}\\]"


def draw(gains: Sequence[Gain], path: Path) -> None:
    """Draw the points gained over the epochs, a line for each ratio, a panel for each strategy."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ratios = sorted({gain.ratio for gain in gains})
    epochs = sorted({gain.epochs for gain in gains})
    colours = plt.get_cmap("viridis")
    figure, panels = plt.subplots(
        1, len(NAMES), figsize=(10, 3.4), sharey=True, layout="constrained", squeeze=False
    )
    for axes, (name, title) in zip(panels[0], NAMES.items(), strict=True):
        axes.axhspan(*CLAIM, color="grey", alpha=0.2, linewidth=0)
        axes.axhline(0, color="grey", linewidth=0.8)
        for i, ratio in enumerate(ratios):
            own = [g for g in gains if (g.strategy, g.ratio) == (name, ratio)]
            xy = sorted((g.epochs, g.points) for g in own if g.points is not None)
            colour = colours(i / max(len(ratios) - 1, 1))
            x, y = [e for e, _ in xy], [p for _, p in xy]
            axes.plot(x, y, marker="o", markersize=3, color=colour, label=f"{ratio:g}:1")
        axes.set(title=title, xlabel="epochs", xscale="log")
        axes.set_xticks(epochs, [str(n) for n in epochs])
        axes.minorticks_off()
    panels[0, 0].set_ylabel("points of minority recall gained")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, title="ratio")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
    plt.close(figure)


def page(gains: Sequence[Gain], command: str, n_seeds: int, image: str, sampler: str) -> str:
    """Return the page: the answer, the figure, the table, and how they were made."""
    return "\n\n".join(
        [
            "# tutorial_mnist",
            f"Made by `{command}` ({conditions()}).",
            answer(gains),
            f"![Points gained over epochs, by ratio and strategy; grey: the claim]({image})",
            "Class 0 keeps 90 % of its training images, every other class 90 % over the ratio; the "
            "test set is the official one, whole. Minority accuracy is the mean recall of the "
            f"classes 1 to 9. Gains over `none` in points, with 95 % intervals over {n_seeds} "
            "seeds and test images.",
            table(gains),
            "## The balanced sampler",
            "A small convolutional net for 10 epochs on MNIST with a long tail, 100:1, in which "
            "class 0 is the largest and 9 the rarest (`experiment=balanced_sampler`). Recall of "
            "each class on the official test set, as a mean over seeds, with Wilson's interval.",
            sampler + "\n",
        ]
    )


def settings_of(texts: Sequence[str]) -> list[tuple[float, int]]:
    """Read settings such as ``9:1,2,5``, a ratio and its epochs.

    Raises
    ------
    SystemExit
        If a text is not of that form.

    Examples
    --------
    >>> settings_of(["9:1,2", "100:5"])
    [(9.0, 1), (9.0, 2), (100.0, 5)]
    """
    found = []
    for text in texts:
        ratio, _, epochs = text.partition(":")
        try:
            found += [(float(ratio), int(n)) for n in epochs.split(",")]
        except ValueError:
            raise SystemExit(
                f"tutorials: --settings {text!r} is not such as 9:1,2,5 (ratio: epochs)."
            ) from None
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing of all settings; write the table and the figure."""
    parser = argparse.ArgumentParser(prog="python -m scripts.tutorials")
    usual = [f"{ratio:g}:{','.join(map(str, EPOCHS))}" for ratio in RATIOS]
    parser.add_argument("--settings", nargs="+", default=usual, metavar="RATIO:EPOCHS,...")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sampler-seeds", type=int, default=10, help="of the balanced sampler")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "tutorial_mnist")
    parser.add_argument("--tables", type=Path, default=ROOT / "results" / "tables")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    given = parser.parse_args(arguments)
    settings = settings_of(given.settings)
    gains: list[Gain] = []
    for i, (ratio, epochs) in enumerate(settings, start=1):
        print(f"{i}/{len(settings)}: {ratio:g}:1, {epochs} epochs", file=sys.stderr)
        gains += gains_of(ratio, epochs, run(words(ratio, epochs, given.seeds), given.results))
    example = ["experiment=balanced_sampler", f"splits.n_seeds={given.sampler_seeds}"]
    sampler = sampler_table(run(example, given.results))
    image = given.images / "tutorial-mnist.png"
    draw(gains, image)
    given.tables.mkdir(parents=True, exist_ok=True)
    shown = [] if given.settings == usual else ["--settings", *given.settings]
    for name in ("seeds", "sampler_seeds"):
        n = getattr(given, name)
        shown += [] if n == 10 else [f"--{name.replace('_', '-')}", str(n)]
    command = " ".join(["python -m scripts.tutorials", *shown])
    text = page(gains, command, given.seeds, os.path.relpath(image, given.tables), sampler)
    (given.tables / "tutorial_mnist.md").write_text(text, encoding="utf-8")
    print(answer(gains))


if __name__ == "__main__":
    main()
