"""From how many rare rows on does anything beat a moved threshold? Ratio x size x label noise.

.. code-block:: console

    $ IMBENCH_DATA=... python scripts/break_even.py
    $ IMBENCH_DATA=... python scripts/break_even.py --tables bank --ratios 10 --noise 0 --draws 5
    $ IMBENCH_DATA=... python scripts/break_even.py --only-stored

Four large tables (`scripts/break_even_rows.py`) give nested training samples of some rare rows and
`ratio` times as many others. The test rows of a table are the same for all: a quarter of it, of
which at most 750 rare rows and 4,000 others. Rows of a sample are drawn several times, half as
often beyond 100 rare rows, where draws vary less. Each draw is a fold, so that the verdict of a
setting is about draws and test rows, adjusted for all strategies. Its power depends on the draws:
with 3 of them small samples tell nothing.

- **Ratio.** A threshold that is tuned at 2:1 is wrong where the ratio is 100:1. That is another
  question, so the test rows are weighted to the ratio of the sample: the other class weighs `ratio`
  times the rare one. Read a setting as "my table has so many rare rows, and new rows come at the
  same ratio".
- **Label noise.** A share of the rare training rows changes labels with as many other rows, so that
  counts and ratio stay: noise in both directions of equal size (Van Hulse and Khoshgoftaar 2009,
  DOI 10.1016/j.datak.2009.08.005). Test labels are never touched.
- **Measures.** F1 and expected cost (a missed row costs `ratio`, a false alarm 1) judge labels: a
  threshold is tuned for the one that is judged, and remedies keep theirs at 0.5, unless
  ``+threshold`` stands behind them. Average precision and the Brier score judge scores, which a
  threshold leaves as they are: there the gain is that over doing nothing.
- Draws of a pool share rows; where a sample is a large part of the pool they are alike, and the
  verdict is about this pool.

Settings with the same ratio and noise run one after the other, 10:1 without noise first. Folds are
stored by imbench, verdicts in the folder ``gains`` of the results: delete it to judge folds anew.
Several processes may share a folder of results if they have different ``--tables``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

from break_even_page import DRAWN, TITLES, Gain, Shape, answer, draw, page
from break_even_rows import PART, TABLES, WEIGHT, Pool, write
from threadpoolctl import threadpool_limits

from imbench import compare
from imbench.api.result import ComparisonResult
from imbench.components.files import replacing
from imbench.errors import ImbenchError
from imbench.report.tables import build_leaderboard

ROOT = Path(__file__).parents[1]
RARE = (10, 20, 50, 100, 200, 500, 1000)
RATIOS = (10.0, 50.0, 2.0)
NOISE = (0.0, 0.1)
MODELS = ("logistic_regression", "lightgbm")
SMOTE = "smote"  # smotenc where a table has categories
STRATEGIES = (
    "none", "threshold", "inverse_weights", "sqrt_inverse", "random_over", "random_under", SMOTE,
    "balanced_bagging", "easy_ensemble", "random_under+prior_correction", "smote+threshold",
    "random_under+threshold",
)  # fmt: skip
MEASURES = ("f1_macro", "average_precision", "brier")
COST = "expected_cost"
PARTS = ("gain", "low", "high", "verdict", "error")  # of a Comparison
FEW = 100  # rare rows up to which all draws are made, and half as many beyond
IGNORED = ("duplicate-rows", "repeated-group", "test-unused", "small-class", "sorted-by-class")


@dataclass(frozen=True)
class Setting:
    """A table, the size of the sample, and what is run on it."""

    table: str
    rare: int
    ratio: float
    noise: float
    n_draws: int
    models: tuple[str, ...]
    strategies: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of the file of its gains.

        Examples
        --------
        >>> Setting("bank", 20, 10.0, 0.1, 3, ("knn",), ("none",)).file
        'bank-rare20-ratio10-noise0.1-draws3.json'
        """
        sizes = f"rare{self.rare}-ratio{self.ratio:g}-noise{self.noise:g}-draws{self.n_draws}"
        return f"{self.table}-{sizes}.json"


def settings_of(given: argparse.Namespace) -> Iterator[Setting]:
    """Yield the settings in the order in which they run: a curve of all tables, then the next."""
    for noise, ratio, table, rare in product(
        given.noise, given.ratios, given.tables, sorted(given.rare)
    ):
        n_draws = given.draws if rare <= FEW else math.ceil(given.draws / 2)
        yield Setting(table, rare, ratio, noise, n_draws, tuple(given.models), STRATEGIES)


def words(setting: Setting, pool: Pool) -> list[str]:
    """Return the words of a setting, beside those of the table.

    Examples
    --------
    >>> pool = Pool(Path("bank.parquet"), 900, 9000)
    >>> words(Setting("bank", 20, 10.0, 0.1, 3, ("knn",), ("none",)), pool)[2:5]
    ['splits.n_seeds=3', '+splits.rare=20', '+splits.ratio=10.0']
    """
    size = {key: getattr(setting, key) for key in ("rare", "ratio", "noise")}
    size |= {"n_rare": pool.n_rare, "n_other": pool.n_other}
    return [
        "splits=official",
        "splits._target_=break_even_rows.Draws",
        f"splits.n_seeds={setting.n_draws}",
        *(f"+splits.{key}={value}" for key, value in size.items()),
        f"dataset.test={PART}",
        f"metrics.minority='{TABLES[setting.table].rare}'",
        f"checks.ignore=[{','.join(IGNORED)}]",
        "baseline=threshold",
    ]


def measure(setting: Setting, pool: Pool, results: Path, n_jobs: int) -> list[Gain]:
    """Run a setting, of which folds may be stored, and return its gains."""
    table, weight = TABLES[setting.table], WEIGHT.format(setting.ratio)
    smote = "smotenc" if pool.has_categories else SMOTE
    found: list[Gain] = []
    for costs in (None, {"missed": setting.ratio, "false_alarm": 1.0}):
        result = compare(
            pool.path,
            table.target,
            [name.replace(SMOTE, smote) for name in setting.strategies],
            setting.models,
            name=setting.table,
            weight=weight,
            groups=table.groups,
            drop=[column for column in pool.weights if column != weight],
            results_dir=results,
            progress=False,
            costs=costs,
            overrides=[*words(setting, pool), f"n_jobs={n_jobs}"],
        )
        found += gains_of(setting, result, MEASURES if costs is None else (COST,))
    return found


def gains_of(setting: Setting, result: ComparisonResult, measures: Sequence[str]) -> list[Gain]:
    """Read the gains over the threshold in some measures, for each model and strategy."""
    options = replace(result.options, columns=tuple(measures))
    shape = Shape(setting.table, setting.rare, setting.ratio, setting.noise)
    found = []
    for block in build_leaderboard(result.cells, options, baseline=result.baseline).blocks:
        for row, measured in product(block.rows, measures):
            label, told = row.label.replace("smotenc", SMOTE), row.profile.get(measured)
            gain = Gain(shape, row.model, label, measured, row.mean.get(measured))
            if row.status != "ok":
                gain = replace(gain, value=None, reason=f"{row.status}: {row.reason}")
            elif told is not None:
                parts = {key: getattr(told, key) for key in PARTS}
                gain = replace(gain, **parts)
            found.append(gain)
    return found


def stored(setting: Setting, results: Path) -> list[Gain] | None:
    """Return the gains of a setting that was run with the same strategies and models, or None."""
    path = results / "gains" / setting.file
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    if set(kept["strategies"]) != set(setting.strategies):
        return None
    if not set(setting.models) <= set(kept["models"]):
        return None
    gains = [Gain(Shape(**entry.pop("shape")), **entry) for entry in kept["gains"]]
    return [gain for gain in gains if gain.model in setting.models]


def keep(setting: Setting, gains: Sequence[Gain], results: Path) -> None:
    """Store the gains of a setting."""
    kept = {"strategies": setting.strategies, "models": setting.models}
    text = json.dumps(kept | {"gains": [asdict(gain) for gain in gains]})
    with replacing(results / "gains" / setting.file) as file:
        file.write(text.encode())


def collect(given: argparse.Namespace) -> tuple[list[Gain], list[str]]:
    """Run what is missing, or read what is stored; return gains, and what is left out and why."""
    settings = list(settings_of(given))
    gains: list[Gain] = []
    pools: dict[str, Pool] = {}
    lacking: dict[str, list[str]] = {}
    for i, setting in enumerate(settings, start=1):
        title = f"{setting.rare} at {setting.ratio:g}:1"
        if (found := stored(setting, given.results)) is None:
            if given.only_stored:
                lacking.setdefault(f"{setting.table}, not run yet", []).append(title)
                continue
            if setting.table not in pools:
                ratios = sorted({*RATIOS, *given.ratios})
                pools[setting.table] = write(setting.table, given.data, given.results, ratios)
            found, pool = [], pools[setting.table]
            if pool.gives(setting.rare, setting.ratio, setting.noise):
                print(f"{i}/{len(settings)}: {setting.file}", file=sys.stderr, flush=True)
                with threadpool_limits(1):  # more threads are slower on so few rows
                    found = measure(setting, pool, given.results, given.jobs)
            keep(setting, found, given.results)
        if not found:
            lacking.setdefault(f"{setting.table}, too few rows", []).append(title)
        gains += found
    notes = [f"{why}: {', '.join(dict.fromkeys(titles))}" for why, titles in lacking.items()]
    return gains, notes


def command_of(given: argparse.Namespace) -> str:
    """Return the command that makes the same page.

    Examples
    --------
    >>> command_of(parser().parse_args(["--rare", "10", "--only-stored"]))
    'python scripts/break_even.py --rare 10'
    """
    usual = parser().parse_args([])
    shown = []
    for name in ("tables", "rare", "ratios", "noise", "draws", "models"):
        value = getattr(given, name)
        if value != getattr(usual, name):
            listed = value if isinstance(value, list) else [value]
            texts = [f"{v:g}" if isinstance(v, float) else str(v) for v in listed]
            shown.append(f"--{name} {' '.join(texts)}")
    return " ".join(["python scripts/break_even.py", *shown])


def at_least_two(text: str) -> int:
    """Return a number of draws; one tells nothing of how much draws vary.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if (n := int(text)) < 2:
        raise argparse.ArgumentTypeError(f"{n} is too few: give 2 or more.")
    return n


def parser() -> argparse.ArgumentParser:
    """Return what reads the words of the command."""
    found = argparse.ArgumentParser(prog="python scripts/break_even.py")
    found.add_argument("--tables", choices=list(TABLES), nargs="+", default=list(TABLES))
    found.add_argument("--rare", type=int, nargs="+", default=list(RARE))
    found.add_argument("--ratios", type=float, nargs="+", default=list(RATIOS))
    found.add_argument("--noise", type=float, nargs="+", default=list(NOISE))
    found.add_argument(
        "--draws", type=at_least_two, default=10, help="half as many beyond 100 rare rows"
    )
    found.add_argument("--models", nargs="+", default=list(MODELS))
    found.add_argument("--jobs", type=int, default=1, help="worker processes of a setting")
    found.add_argument("--only-stored", action="store_true", help="run nothing")
    data = Path(os.environ.get("IMBENCH_DATA", "data")) / "tables"
    found.add_argument("--data", type=Path, default=data, help="folder of the tables")
    found.add_argument("--results", type=Path, default=ROOT / "results" / "break_even")
    found.add_argument("--pages", type=Path, default=ROOT / "results" / "tables")
    found.add_argument("--images", type=Path, default=ROOT / "docs" / "images")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing of all settings; write the page and the figures."""
    reader = parser()
    given = reader.parse_args(arguments)
    files = [given.data / TABLES[name].file for name in given.tables]
    missing = [str(file) for file in files if not file.is_file()]
    if missing and not given.only_stored:
        reader.error(f"{missing[0]} is missing: set IMBENCH_DATA to the folder that holds tables/.")
    try:
        gains, notes = collect(given)
    except ImbenchError as error:
        reader.error(str(error))
    if not gains:
        reader.error("nothing is stored of these settings: leave --only-stored out.")
    ratio, noise = given.ratios[0], given.noise[0]
    captions = []
    for measured, name in DRAWN.items():
        draw(gains, given.images / name, measured, ratio, noise)
        title = f"{TITLES[measured]} at {ratio:g}:1, noise {noise:g}"
        captions.append((os.path.relpath(given.images / name, given.pages), title))
    given.pages.mkdir(parents=True, exist_ok=True)
    text = page(gains, command_of(given), given.draws, captions, (ratio, noise), notes)
    (given.pages / "break_even.md").write_text(text, encoding="utf-8")
    print(answer(gains))


if __name__ == "__main__":
    main()
