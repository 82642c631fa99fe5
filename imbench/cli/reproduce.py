"""From a stored configuration back to the words that compose it; called by the report.

A result remembers what it was made with, not what was typed. The words are found by composing
the nearest yaml files and writing every difference as an override; a second composition proves
that nothing is missing. A cell for which that fails has no command rather than a wrong one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from imbench import catalogue
from imbench.cli.compose import Composer
from imbench.config import identity
from imbench.errors import ConfigError
from imbench.report.tables import BASELINE, flatten
from imbench.results import CellResult
from imbench.strategies import STAGES

MISSING = object()
TOLD = ("dataset=", "model=", "strategy=")  # in every command, though they be the defaults
PLAIN = re.compile(r"[A-Za-z_][\w./+-]*")
WORDS = {"true", "false", "null", "nan", "inf"}  # YAML reads them as something else than text


def commands(cells: Iterable[CellResult], composer: Composer) -> dict[str, tuple[str, ...]]:
    """Return the override words of every cell that can be composed again, by ``run_id``.

    Parameters
    ----------
    cells : iterable of CellResult
    composer : Composer
        With the user's ``--config-dir``, if the results were made with one.
    """
    finder = _Finder(composer)
    found = {cell.run_id: finder.words(cell) for cell in cells}
    return {run_id: words for run_id, words in found.items() if words is not None}


class _Finder:
    """Remembers the words of each data set with its model and of each strategy.

    A composition takes about 0.1 s, and a sweep of 3,000 cells has 30 + 100 distinct parts.
    """

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._found: dict[str, tuple[str, ...] | None] = {}
        self._groups: dict[str, list[tuple[str, dict[str, Any]]]] = {}

    def words(self, cell: CellResult) -> tuple[str, ...] | None:
        stored = {key: value for key, value in cell.config.items() if key != "fingerprint"}
        strategy = {"strategy": stored.pop("strategy", {})}
        around = self._part(stored, self._choices(stored))
        chosen = self._part(strategy, [f"strategy={self._selection(cell)}"])
        return None if around is None or chosen is None else (*around, *chosen)

    def _part(self, stored: Mapping[str, Any], choices: list[str]) -> tuple[str, ...] | None:
        """Words that compose a part of a configuration; None if there are none."""
        key = json.dumps([stored, choices], sort_keys=True, default=str)
        if key not in self._found:
            try:
                self._found[key] = self._compose(stored, choices)
            except (ConfigError, KeyError, TypeError):
                self._found[key] = None
        return self._found[key]

    def _compose(self, stored: Mapping[str, Any], choices: list[str]) -> tuple[str, ...] | None:
        told = [word for word in choices if word.startswith(TOLD)]  # defaults need no word
        for words in (told, choices):
            config = self._composer.cells(words, multirun=False)[0]
            changes = list(_changes(_identity(config, stored), flatten(stored)))
            if not changes:
                break
        else:
            words = [*words, *changes]
            config = self._composer.cells(words, multirun=False)[0]
            if list(_changes(_identity(config, stored), flatten(stored))):
                return None
        if "dataset" in stored and "path" in config["dataset"]:
            words = [*words, "dataset.path=FILE"]  # results know data by content, not by place
        return tuple(words)

    def _choices(self, stored: Mapping[str, Any]) -> list[str]:
        """Yaml file of every group, where it is not the default or says what the cell is about."""
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

    def _nearest(self, group: str, node: Mapping[str, Any]) -> str | None:
        """Name of the file with the same component that shares most values with a node."""
        if group not in self._groups:
            found = catalogue.items(group, self._composer.folders)
            self._groups[group] = [
                (item.name, yaml.safe_load(item.path.read_text(encoding="utf-8")) or {})
                for item in found
            ]
        wanted = flatten(node)

        def shared(content: Mapping[str, Any]) -> tuple[int, int]:
            values = flatten(content)
            return sum(wanted.get(k, MISSING) == v for k, v in values.items()), -len(values)

        alike = [
            (shared(content), name)
            for name, content in self._groups[group]
            if all(content.get(k) == node.get(k) for k in ("_target_",) if k in node)
            and ("estimator" not in node or content.get("name") == node.get("name"))
        ]
        return max(alike)[1] if alike else None

    def _selection(self, cell: CellResult) -> str:
        """Return the strategies to select, in the label's order: samplers are chained in it."""
        node = cell.config.get("strategy") or {}
        wanted = {(stage, entry) for stage in STAGES for entry in node.get(stage) or {}}
        items = catalogue.items("strategy", self._composer.folders)
        fitting = [i for i in items if i.entries and set(i.entries) <= wanted]
        order = cell.label.split("+")
        fitting.sort(key=lambda i: (-len(i.entries), order.index(i.entries[0][1])))
        chosen: list[catalogue.Item] = []
        for item in fitting:  # the largest first: ldam_drw before what fills one of its stages
            if not any(set(item.entries) & set(other.entries) for other in chosen):
                chosen.append(item)
        chosen.sort(key=lambda i: order.index(i.entries[0][1]))
        names = [item.name for item in chosen] or [BASELINE]
        return names[0] if len(names) == 1 else f"[{','.join(names)}]"


def _identity(config: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a composed configuration that are stored, as JSON gives them back."""
    kept = {key: value for key, value in identity(config).items() if key in stored}
    return flatten(json.loads(json.dumps(kept, default=str)))


def _changes(composed: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterable[str]:
    """Yield overrides that turn what was composed into what was stored."""
    for key in composed:
        if key not in stored:
            yield f"~{key}"
    for key, value in stored.items():
        if composed.get(key, MISSING) != value:
            yield f"{'' if key in composed else '+'}{key}={_text(value)}"


def _text(value: object) -> str:
    """Write a value in the grammar of overrides."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(k)}:{_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(_text(v) for v in value) + "]"
    text = str(value)
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
