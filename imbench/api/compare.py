"""Compare strategies from Python: the same engine, store and resume as the command line."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from imbench.api.frames import as_frame, check_target, stored_frame
from imbench.api.recipe import strategy_names
from imbench.api.result import ComparisonResult
from imbench.components.construct import closest
from imbench.components.override import quoted
from imbench.components.visible import say
from imbench.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("groups", "time", "weight")
TOO_SMALL = "{budget} ended inside of the first fold: give one such as 1h."


class NoFold(ConfigError):
    """Raised where a budget ended before a fold was finished."""

    @classmethod
    def of(cls, budget: str | None = None) -> NoFold:
        """Return the error for a budget as the user wrote it; None where it is a share of one."""
        shown = "the budget" if budget is None else f"budget={budget}"
        return cls(TOO_SMALL.format(budget=shown))


class DataOptions(TypedDict, total=False):
    """How the data are read and split, and where results go.

    Parameters
    ----------
    groups, time, weight : str
        Columns with a role. With `groups` folds keep them together; with `time` they are tested
        after they were trained on (``splits=time``, with both ``splits=group_time``).
    drop : sequence of str
        Columns to leave out.
    overrides : sequence of str
        Further words of the command line, such as ``"splits.n_repeats=3"``.
    name : str
        Of the data set; by default ``data``, or the name of the file.
    results_dir : str or Path
        Where folds are stored, by default ``results``. A table lies in ``frames`` in it.
    progress : bool
        Whether notices and the progress are shown on standard error, by default True.
    """

    groups: str | None
    time: str | None
    weight: str | None
    drop: Sequence[str]
    overrides: Sequence[str]
    name: str | None
    results_dir: str | Path
    progress: bool


class Options(DataOptions, total=False):
    """What :func:`compare` can be told by keyword, beside :class:`DataOptions`.

    Parameters
    ----------
    metric : str
        What gains and verdicts are about; by default macro F1, or ``expected_cost`` with `costs`.
    costs : mapping
        ``{"missed": 20, "false_alarm": 1}``, see docs/data.md.
    budget : str
        ``"5m"``: ends with the best answer so far; the same call goes on.
    """

    metric: str | None
    costs: Mapping[str, float] | None
    budget: str | None


def compare(
    data: pd.DataFrame | Any,
    target: Any = None,
    strategies: Sequence[str | Sequence[str]] = ("none", "inverse_weights", "threshold", "smote"),
    models: Sequence[str] | str = ("hist_gradient_boosting",),
    **options: Unpack[Options],
) -> ComparisonResult:
    """Compare strategies and models on identical folds.

    Parameters
    ----------
    data : DataFrame of shape (n, columns), array of shape (n, d), or path
        A table or a file with one. The rules of reading are those of docs/data.md.
    target : str, or array of shape (n,)
        Column of the classes, or the classes.
    strategies : sequence of str
        Such as ``"none"`` and ``"smote+threshold"``.
    models : sequence of str
    **options
        See :class:`Options`.

    Raises
    ------
    ConfigError, DataError
        If a value is refused, or the data cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from imbench.data.synthetic import load_synthetic
    >>> made, once = load_synthetic(n_rows=200), ["splits.n_repeats=1"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     where = {"results_dir": folder, "progress": False, "overrides": once}
    ...     result = compare(made.X, made.y, ["none", "threshold"], "decision_tree", **where)
    >>> sorted(result.table["strategy"])
    ['none', 'threshold']
    """
    check_names("compare", options, Options)
    words, folder = data_words(data, target, options)
    words += [f"strategy={','.join(map(selection, listed(strategies)))}"]
    words += [f"model={','.join(listed(models))}", *_asked(options)]
    try:
        return run(words, options.get("overrides", ()), folder, options.get("progress", True))
    except NoFold as error:
        raise (NoFold.of(options["budget"]) if options.get("budget") else error) from None


def data_words(data: Any, target: Any, options: Mapping[str, Any]) -> tuple[list[str], Path]:
    """Return the words that name the data and how they are split, and the folder of results.

    Raises
    ------
    ConfigError, DataError
        If the data cannot be used, or a table cannot be stored.
    """
    folder = Path(options.get("results_dir", "results"))
    name = options.get("name")
    check_target(target, data)
    if isinstance(data, str | Path):
        path, column = Path(data), target
    else:
        frame, column = as_frame(data, target)
        path, name = stored_frame(frame, folder / "frames"), name or "data"
    return _words(path, column, name, options), folder


def check_names(function: str, options: Mapping[str, Any], known: type) -> None:
    """Raise ConfigError for an option that a function does not have."""
    names = list(known.__annotations__)
    for name in options:
        if name not in names:
            raise ConfigError(
                f"{function} has no option {name!r}{closest(name, names)}; it has "
                f"{', '.join(names)}."
            )


def run(
    words: Sequence[str], overrides: Sequence[str], folder: Path, progress: bool
) -> ComparisonResult:
    """Run a sweep given as words of the command line; `overrides` win over `words`.

    Raises
    ------
    ConfigError, DataError
        If a word is refused, or the data cannot be used. :class:`NoFold` if a budget ended too
        early and nothing is wrong with the data.
    """
    from imbench.api.progress import progress_bar
    from imbench.api.sweep import Sweep, distinct, parse_all, stored_cells
    from imbench.config.compose import Composer
    from imbench.config.parse import Draft
    from imbench.run.cell import Runner

    started = clock.monotonic()
    named = {word.partition("=")[0] for word in overrides}
    kept = [word for word in words if word.partition("=")[0] not in named]
    composer = Composer(None)
    settings = ["tracking=none", f"results_dir={quoted(str(folder))}"]
    configs = composer.cells([*settings, *kept, *overrides], multirun=True)
    drafts = distinct([Draft(config, composer.folders) for config in configs])
    stored = stored_cells(drafts, folder)
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        if progress:
            say(line, sys.stderr)

    sweep = Sweep(drafts, parse_all(drafts, stored), stored, started, note)
    sweep.prepare(sweep.cells.values())
    with closing(sweep), progress_bar(sweep.outlines, shown=progress) as bar:
        rounds = sweep.rounds(bar)
        found = dict(iter(rounds))
    places = sorted(i for i, cell in found.items() if cell.folds or cell.status != "ok")
    if not places:
        for outline in sweep.outlines:  # what is wrong with the data is worth more to know
            Runner(folder).data(outline.dataset)
        raise NoFold.of()
    return ComparisonResult(
        cells=tuple(found[i] for i in places),
        options=sweep.options,
        baseline=str(sweep.config["baseline"]),
        notices=(*lines, *rounds.notes),
        configs=tuple(drafts[i].config for i in places),
        words=(*kept, *overrides),
        progress=progress,
    )


def selection(strategy: str | Sequence[str]) -> str:
    """Return a strategy as the command line has it.

    Examples
    --------
    >>> selection("smote+threshold"), selection(["smote"]), selection("none")
    ('[smote,threshold]', 'smote', 'none')
    """
    names = strategy_names(strategy)
    return names[0] if len(names) == 1 else f"[{','.join(names)}]"


def listed(value: Any) -> list[Any]:
    """Return one name or several as a list.

    Raises
    ------
    ConfigError
        If there is none.
    """
    found = [value] if isinstance(value, str) else list(value)
    if not found:
        raise ConfigError("strategies and models must name at least one each.")
    return found


def _words(path: Path, target: Any, name: str | None, options: Mapping[str, Any]) -> list[str]:
    """Return the words that name the data, and how they are split."""
    words = ["dataset=table", f"dataset.path={quoted(str(path.expanduser()))}"]
    if target is not None:
        place = str(target) if isinstance(target, int) else quoted(str(target))
        words.append(f"dataset.target={place}")
    if name is not None:
        words.append(f"dataset.name={quoted(name)}")
    if drop := options.get("drop"):
        words.append(f"dataset.drop=[{','.join(map(quoted, drop))}]")
    given = {role: column for role in ROLES if (column := options.get(role)) is not None}
    words += [f"dataset.{role}={quoted(column)}" for role, column in given.items()]
    if "time" in given:
        words.append(f"splits={'group_time' if 'groups' in given else 'time'}")
    return words


def _asked(options: Mapping[str, Any]) -> list[str]:
    """Return the words that say what verdicts are about, and when to end."""
    words, metric, costs = [], options.get("metric"), options.get("costs")
    if costs is not None:
        pairs = ", ".join(f"{quoted(str(key))}: {value}" for key, value in costs.items())
        words.append(f"costs={{{pairs}}}")
        metric = metric or "expected_cost"
    if metric is not None:
        words.append(f"metrics.sort={quoted(metric)}")
    if options.get("budget") is not None:
        words.append(f"budget='{options['budget']}'")
    return words
