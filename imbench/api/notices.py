"""Notices about the data of a run, before anything is fitted, and the command that shows all."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imbench.components.override import override
from imbench.data.checks import check, in_order, roles_in_use
from imbench.data.dataset import Dataset
from imbench.data.notices import Notice, without
from imbench.data.splits import Splitter

SHOWN = 8  # lines of a run


def notices_of(
    data: Dataset, splitter: Splitter, node: Mapping[str, Any], ignored: Sequence[str]
) -> list[Notice]:
    """Return the notices about a data set that are not ignored.

    Parameters
    ----------
    data : Dataset
    splitter : Splitter
    node : mapping
        The `dataset` node of the configuration.
    ignored : sequence of str
        Codes.
    """
    dropped = list(map(str, node["drop"] or ())) if "drop" in node else None
    found = check(data, getattr(splitter, "n_splits", None), dropped, "groups" in node)
    return without(in_order([*found, *roles_in_use(data, splitter)]), ignored)


def ignored_codes(config: Mapping[str, Any]) -> list[str]:
    """Return the codes of ``checks.ignore``; an older configuration has none."""
    return list((config.get("checks") or {}).get("ignore") or ())


def shortened(name: str, notices: Sequence[Notice], node: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line a notice; of too many the first of each code, and the command for all."""
    shown, command = list(notices), check_command(node)
    if len(notices) > SHOWN and command is not None:
        shown = list({notice.code: notice for notice in reversed(notices)}.values())[::-1]
        shown = shown[: SHOWN - 1]
    for notice in shown:
        yield f"notice: dataset={name}: {notice}"
    if len(shown) < len(notices):
        yield f"notice: dataset={name}: and {len(notices) - len(shown)} more: {command}"


def check_command(node: Mapping[str, Any]) -> str | None:
    """Return the command that shows all notices about a file, None for other data sets.

    Examples
    --------
    >>> node = {"path": "my churn.csv", "target": "Churn", "drop": ["id"], "missing": []}
    >>> check_command(node | {"_target_": "imbench.data.table.load_table"})
    "python -m imbench check 'my churn.csv' --target Churn --set 'dataset.drop=[id]'"
    """
    if not str(node.get("_target_")).endswith(".load_table"):
        return None
    words = ["python -m imbench check", shlex.quote(str(node["path"]))]
    if (target := node.get("target")) is not None:
        words.append(f"--target {shlex.quote(str(target))}")
    told = ("_target_", "about", "name", "path", "target", "imbalance", "data_dir")
    changed = [_set(k, v) for k, v in node.items() if k not in told and v not in (None, [], ".")]
    return " ".join([*words, *(["--set", *changed] if changed else [])])


def _set(key: str, value: Any) -> str:
    if isinstance(value, bool | int):
        return f"dataset.{key}={str(value).lower()}"
    return override(f"dataset.{key}", list(map(str, value)) if isinstance(value, list) else value)
