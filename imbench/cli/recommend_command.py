"""``imbench recommend FILE --target COLUMN``: which model and which strategy to take."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imbench.api.goals import FORMS
from imbench.cli.registered import put_in_registry, taken_from
from imbench.components.extras import absent, install
from imbench.components.visible import say
from imbench.errors import ConfigError

if TYPE_CHECKING:
    from imbench.api.recommend import Recommendation


VALUES = ("--budget", "--target")  # options whose values may begin with a dash


def command(words: list[str]) -> int:
    """Race models and strategies on a file, and say what to take.

    Raises
    ------
    ConfigError, DataError
        If a value is refused, or the file cannot be used.
    """
    from imbench.api.compare import NoFold
    from imbench.api.console import console
    from imbench.api.recommend import recommend
    from imbench.report.terminal import to_rich
    from imbench.results.recommended import write_recommended

    given = _parser().parse_intermixed_args(_joined(words))
    further = [*given.settings, *given.overrides]
    folder = Path(_taken("results_dir", further) or given.results_dir)
    registered = taken_from(further)
    if registered is not None and given.no_model:
        raise ConfigError(
            f"registered={registered} --no-model: there is no model to register; leave one out."
        )
    try:
        found = recommend(
            given.file,
            _target(given.target),
            given.goal,
            given.budget,
            given.models and given.models.split(","),
            given.strategies and given.strategies.split(","),
            groups=given.groups,
            time=given.time,
            weight=given.weight,
            drop=given.drop.split(",") if given.drop else (),
            overrides=[f"device={given.device}", *further],
            results_dir=folder,
        )
    except NoFold:
        raise NoFold.of(given.budget) from None
    except KeyboardInterrupt:
        print(
            f"imbench: interrupted; every finished fold is stored in {folder / 'runs'}, and the "
            "same command goes on from there.",
            file=sys.stderr,
        )
        return 130
    with suppress(OSError):  # `fit` asks then which row is meant
        write_recommended(folder / "runs", found.result.recommended_cell)
    console().print(to_rich(found.result.board))
    for line in found.advice:  # the verdict stands below the table
        say(line)
    out = Path(given.out) if given.out else folder / "recommend" / Path(given.file).stem
    page = found.report(out)
    print(f"report: {page}")
    if not given.no_model:
        _save(found, out / "model", registered, folder)
    return 0


def _save(found: Recommendation, model: Path, registered: str | None, folder: Path) -> None:
    """Fit and save the model; without MLflow say that it is not."""
    if absent("mlflow"):
        print(
            f"imbench: the model is not saved, which has MLflow's format: {install('mlflow')}, "
            "then the same command saves it and computes nothing else anew.",
            file=sys.stderr,
        )
        return
    found.fit().save(model)
    print(f"model: {model}, {found.pick} (python -m imbench predict {model} NEW.csv)")
    if registered is not None:
        put_in_registry(model, registered, folder)


def _target(texts: list[str] | None) -> str | int | None:
    """Return the target; a number is a place, as on the command line of a run.

    Raises
    ------
    ConfigError
        If there are several.

    Examples
    --------
    >>> _target(["Churn"]), _target(["-1"]), _target(None)
    ('Churn', -1, None)
    """
    if not texts:
        return None
    if len(set(texts)) > 1:
        raise ConfigError(
            f"--target {' --target '.join(texts)}: several targets (multi-label) are not "
            f"supported; give one column, such as --target {texts[0]}."
        )
    text = texts[0]
    return int(text) if text.lstrip("-").isdigit() else text


def _taken(key: str, words: list[str]) -> str | None:
    """Take a setting out of words, and return its last value, None if it is not there.

    Examples
    --------
    >>> words = ["seed=1", "results_dir=a", "results_dir=b"]
    >>> _taken("results_dir", words), words
    ('b', ['seed=1'])
    """
    values = [word.partition("=")[2] for word in words if word.partition("=")[0] == key]
    words[:] = [word for word in words if word.partition("=")[0] != key]
    return values[-1] if values else None


def _joined(words: list[str]) -> list[str]:
    """Return words in which a value that begins with a dash belongs to its option.

    Examples
    --------
    >>> _joined(["a.csv", "--budget", "-5m", "--target", "-1", "--no-model"])
    ['a.csv', '--budget=-5m', '--target=-1', '--no-model']
    """
    joined: list[str] = []
    for word in words:
        if word[:1] == "-" and word[:2] != "--" and joined and joined[-1] in VALUES:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    results = os.environ.get("IMBENCH_RESULTS", "results")
    parser = argparse.ArgumentParser(prog="imbench recommend", allow_abbrev=False)
    parser.add_argument("file", metavar="FILE", help="a table: CSV, Parquet, Excel, ARFF, ...")
    parser.add_argument(
        "settings", nargs="*", metavar="key=value",
        help="settings, as of a run; registered=NAME puts the model into MLflow's registry",
    )  # fmt: skip
    parser.add_argument("--target", action="append", help="column of the classes, by name or place")
    parser.add_argument("--goal", default="f1", help=f"{FORMS} (default: f1)")
    parser.add_argument("--budget", default="10m", help="90s, 10m, 2h; +10m goes on (default: 10m)")
    parser.add_argument("--groups", help="column of what belongs together, such as a patient")
    parser.add_argument("--time", help="column of when a row was seen")
    parser.add_argument("--weight", help="column of how much a row counts")
    parser.add_argument("--drop", help="columns to leave out: a,b")
    parser.add_argument("--models", help="names: lightgbm,logistic_regression")
    parser.add_argument("--strategies", help="names: threshold,smote,smote+threshold")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--out", help="folder of the report and the model")
    parser.add_argument("--no-model", action="store_true", help="do not fit and save a model")
    parser.add_argument("--results-dir", default=results, help=f"default: {results}")
    parser.add_argument("--traceback", action="store_true", help="where an error came from")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="key=value", dest="overrides",
        help="the same",
    )  # fmt: skip
    return parser
