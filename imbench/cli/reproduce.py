"""Find the override words of a command that composes a stored configuration, for the report.

Results store the resolved configuration, not the command. The words are found by composing the
most similar yaml files and writing each difference as an override. A second composition checks
that the result is equal. If it is not, the cell has no command.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from imbench.components.names import with_stable_paths
from imbench.components.override import quoted
from imbench.config import catalogue
from imbench.config.compose import Composer
from imbench.config.identity import identity_of
from imbench.config.search_space import entries
from imbench.errors import ConfigError
from imbench.report.board import BASELINE
from imbench.report.titles import flatten
from imbench.results.fold import CellResult
from imbench.strategies import STAGES

MISSING = object()
TOLD = ("dataset=", "model=", "strategy=")  # in every command, even if they are the defaults


def commands(cells: Iterable[CellResult], composer: Composer) -> dict[str, tuple[str, ...]]:
    """Return the override words by ``run_id``, of all cells that can be composed again.

    Parameters
    ----------
    cells : iterable of CellResult
    composer : Composer
        Has to include the ``--config-dir`` with which the results were computed, if any.
    """
    finder = _Finder(composer)
    found = {cell.run_id: finder.words(cell) for cell in cells}
    return {run_id: words for run_id, words in found.items() if words is not None}


class _Finder:
    """Find the words of cells, with a cache of the parts that cells share.

    Data set with model, and strategy are found separately: a composition takes about 0.1 s, and
    a sweep of 3,000 cells has only 30 + 100 different parts.
    """

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._found: dict[str, tuple[str, ...] | None] = {}
        self._groups: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        self._strategies = catalogue.items("strategy", composer.folders)

    def words(self, cell: CellResult) -> tuple[str, ...] | None:
        """Return the override words of a cell, or None if it cannot be composed again."""
        stored = {key: value for key, value in cell.config.items() if key != "fingerprint"}
        if not {"dataset", "model", "splits", "seed"} <= set(stored):
            return None
        keys: list[str] = [key for key in ("strategy", "order", "neighbors") if key in stored]
        tried = stored.pop("search", None)
        strategy = {key: stored.pop(key) for key in keys}
        around = self._part(stored, self._choices(stored))
        searched = self._choices({key: strategy[key] for key in strategy if key == "neighbors"})
        chosen = self._part(strategy, [f"strategy={self._selection(cell)}", *searched])
        if around is None or chosen is None:
            return None
        for part, words in (("model", around), ("strategy", chosen)) if tried is not None else ():
            more = self._search(part, words, tried[part])
            if more is None:
                return None
            chosen = (*chosen, *more)
        # Results identify files by content and do not store their path.
        path = ["dataset.path=FILE"] if self._takes_path(around) else []
        return (*around, *path, *chosen, *_repeats(cell))

    def _search(
        self, part: str, words: Sequence[str], tried: Mapping[str, Any]
    ) -> tuple[str, ...] | None:
        """Return the words that set the stored search space of a part, None if there are none."""
        key = json.dumps([part, words, tried], sort_keys=True)
        if key in self._found:
            return self._found[key]
        shipped = entries(self._composer.cells(words, multirun=False)[0][part])
        changes = {path: entry for path, entry in tried.items() if shipped.get(path) != entry}
        changes |= {path: None for path in shipped if path not in tried}
        more = (f"+{part}.search={text(changes)}",) if changes else ()
        again = self._composer.cells([*words, *more], multirun=False)[0]
        self._found[key] = more if entries(again[part]) == tried else None
        return self._found[key]

    def _part(self, stored: Mapping[str, Any], choices: list[str]) -> tuple[str, ...] | None:
        """Return the words that compose a part of a configuration, None if there are none."""
        key = json.dumps([stored, choices], sort_keys=True, default=str)
        if key not in self._found:
            try:
                self._found[key] = self._compose(stored, choices)
            except (ConfigError, KeyError, TypeError):
                self._found[key] = None
        return self._found[key]

    def _compose(self, stored: Mapping[str, Any], choices: list[str]) -> tuple[str, ...] | None:
        """Find few words: choose a yaml file only if that saves overrides."""
        words = [word for word in choices if word.startswith(TOLD)]
        changes = self._differences(words, stored)
        if changes:
            optional = [word for word in choices if word not in words]
            words, changes = choices, self._differences(choices, stored)
            for word in optional:
                fewer = [w for w in words if w != word]
                without = self._differences(fewer, stored)
                if len(without) <= len(changes):
                    words, changes = fewer, without
            words = [*words, *changes]
            if changes and self._differences(words, stored):
                return None
        return tuple(words)

    def _differences(self, words: list[str], stored: Mapping[str, Any]) -> list[str]:
        config = self._composer.cells(words, multirun=False)[0]
        return list(_changes(_identity(config, stored), flatten(stored)))

    def _choices(self, stored: Mapping[str, Any]) -> list[str]:
        """Return ``group=name`` with the most similar yaml file of each group."""
        choices = []
        for group, node in stored.items():
            name = self._nearest(group, node) if isinstance(node, Mapping) else None
            if name is not None:
                choices.append(f"{group}={name}")
        inner = stored.get("dataset", {}).get("imbalance")
        kind = self._nearest("dataset/imbalance", inner) if inner else "none"
        if kind is not None and "dataset" in stored:
            choices.append(f"dataset/imbalance={kind}")
        return choices

    def _takes_path(self, words: Sequence[str]) -> bool:
        chosen = {word.partition("=")[2] for word in words if word.startswith("dataset=")}
        return any(name in chosen and "path" in node for name, node in self._contents("dataset"))

    def _contents(self, group: str) -> list[tuple[str, dict[str, Any]]]:
        """Return name and content of the yaml files of a group."""
        if group not in self._groups:
            self._groups[group] = [
                (item.name, with_stable_paths(_yaml_of(item)))
                for item in catalogue.items(group, self._composer.folders)
            ]
        return self._groups[group]

    def _nearest(self, group: str, node: Mapping[str, Any]) -> str | None:
        """Return the name of the yaml file with the same component and most equal values."""
        wanted = flatten(node)

        def shared(content: Mapping[str, Any]) -> tuple[int, int]:
            values = flatten(content)
            return sum(wanted.get(k, MISSING) == v for k, v in values.items()), -len(values)

        alike = [
            (shared(content), name)
            for name, content in self._contents(group)
            if all(content.get(k) == node.get(k) for k in ("_target_",) if k in node)
            and ("estimator" not in node or content.get("name") in (None, node.get("name")))
        ]
        return max(alike)[1] if alike else None

    def _selection(self, cell: CellResult) -> str:
        """Return the selection of strategies, in the order of the label, which chains samplers."""
        node = cell.config.get("strategy") or {}
        wanted = {(stage, entry) for stage in STAGES for entry in node.get(stage) or {}}
        fitting = [i for i in self._strategies if i.entries and set(i.entries) <= wanted]
        order = {name: place for place, name in enumerate(cell.label.split("+"))}

        def place(item: catalogue.Item) -> int:
            return order.get(item.entries[0][1], len(order))

        fitting.sort(key=lambda i: (-len(i.entries), place(i)))
        chosen: list[catalogue.Item] = []
        for item in fitting:  # largest first: ldam_drw before ldam, which fills one of its stages
            if not any(set(item.entries) & set(other.entries) for other in chosen):
                chosen.append(item)
        names = [item.name for item in sorted(chosen, key=place)] or [BASELINE]
        return names[0] if len(names) == 1 else f"[{','.join(names)}]"


def _repeats(cell: CellResult) -> tuple[str, ...]:
    """Return the word for the number of repeats, which is not stored as a key."""
    places = [(fold.repeat, fold.fold) for fold in cell.folds]
    target = str(cell.config["splits"].get("_target_"))
    if not places or cell.sequential or cell.stopped:
        return ()
    n = 1 + max(repeat for repeat, _ in places)
    if target.endswith(".RepeatedKFold"):
        return (f"splits.n_repeats={n}",)
    if n == 1 or not target.endswith((".Holdout", ".OfficialTest")):
        return ()
    are_repeats = target.endswith(".Holdout") and (1, 0) in places
    return (f"splits.n_repeats={n}",) if are_repeats else (f"splits.n_seeds={n}",)


def _yaml_of(item: catalogue.Item) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(item.path.read_text(encoding="utf-8")) or {}
    return content


def _identity(config: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored parts of a composed configuration, flattened, with JSON's types."""
    kept = {key: value for key, value in identity_of(config).items() if key in stored}
    return flatten(json.loads(json.dumps(kept, default=str)))


def _changes(composed: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterable[str]:
    """Yield overrides that turn the composed into the stored configuration."""
    for key, value in composed.items():
        # The metric of a rule is null in its yaml file, see imbench.config.costs.
        is_null = value is None or (key.endswith(".metric") and value == "f1_macro")
        filled = (is_null or value == {}) and any(other.startswith(f"{key}.") for other in stored)
        if key not in stored and not filled:
            yield f"~{key}"
    for key, value in stored.items():
        if composed.get(key, MISSING) == value:
            continue
        if "/" in key:  # a name, such as recall/yes, which a key cannot hold
            parent = key[: key.index("/")].rpartition(".")[0]
            yield f"+{parent}={text({key[len(parent) + 1 :]: value})}"
        else:
            yield f"{'' if key in composed else '+'}{key}={text(value)}"


def text(value: object) -> str:
    """Return a value in hydra's grammar of overrides.

    Examples
    --------
    >>> text([1, None, "smote", "a b"])
    '[1,null,smote,"a b"]'
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{text(k)}:{text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(text(v) for v in value) + "]"
    return quoted(str(value))
