"""Which folds run in a process of their own, how long they may take, and what ended them."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from imbench.components.construct import TARGET
from imbench.config.cell import Cell
from imbench.config.limits import Limits
from imbench.run.cell import Stack
from imbench.run.executors.pool import Call, Ended

OURS = (
    "imbench", "sklearn", "imblearn", "lightgbm", "xgboost", "catboost", "torch", "torchvision",
    "faiss", "numpy", "scipy", "builtins",
)  # fmt: skip
"""Packages whose components run in the process of the command where nothing is limited."""
TUNING_TIMES = 3  # tuning.timeout: for trials, for the last batch of them, and for the final fit
TUNING_LEAST_S = 60.0
GB = 1e9  # bytes


def foreign_targets(cell: Cell) -> tuple[str, ...]:
    """Return the import paths of a cell whose package is none of `OURS`.

    Those of the data set are left out: it is loaded before any fold.
    """
    parts = [cell.identity.get(part) for part in ("model", "strategy", "tuning", "neighbors")]
    paths = dict.fromkeys(path for part in parts for path in _targets(part))
    return tuple(path for path in paths if path.partition(".")[0] not in OURS)


def seconds_of(cell: Cell, limits: Limits) -> tuple[float | None, str]:
    """Return how long a fold of a cell may take, and the key that says so.

    Without ``limits.timeout_s`` it is ``tuning.timeout``, which alone would wait for a trial that
    hangs: three times its seconds, and at least `TUNING_LEAST_S`.
    """
    if limits.timeout_s is not None:
        return limits.timeout_s, "limits.timeout_s"
    timeout = getattr(cell.tuning.tuner, "timeout", None) if cell.tuning else None
    if timeout is None:
        return None, ""
    return max(TUNING_TIMES * timeout, TUNING_LEAST_S), "tuning.timeout"


def needs_process(cell: Cell, limits: Limits) -> bool:
    """Return whether a fold is limited, or holds components that are not ours."""
    is_limited = seconds_of(cell, limits)[0] is not None or limits.memory_gb is not None
    return is_limited or bool(foreign_targets(cell))


def limited(call: Call, cell: Cell, n_together: int, limits: Limits) -> Call:
    """Return a call that may take what the limits leave to so many folds of a cell.

    The time is that of each fold, the memory that of all together.
    """
    seconds, _ = seconds_of(cell, limits)
    return replace(
        call,
        timeout_s=None if seconds is None else seconds * n_together,
        memory_bytes=None if limits.memory_gb is None else limits.memory_gb * GB,
    )


def sentence_of(ended: Ended, cell: Cell, stack: Stack, limits: Limits) -> str:
    """Return why folds have no result: what ended them, and what to do."""
    if ended.kind == "timeout":
        return _timeout_sentence(cell, stack, limits)
    if ended.kind == "memory":
        held, limit = ended.fact / GB, limits.memory_gb or 0
        return (
            f"memory: its process held {held:.2f} GB: set limits.memory_gb={2 * limit:g} for more "
            f"than limits.memory_gb={limit:g}, or limits.memory_gb=null for no limit."
        )
    foreign = foreign_targets(cell)
    whose = f" of {' or '.join(foreign)}" if foreign else " of a library"
    if ended.kind == "crashed" and ended.fact == getattr(signal, "SIGKILL", 9):
        return (
            f"crashed (signal {ended.fact}): its process was killed, most likely for its memory: "
            "try a smaller n_jobs such as n_jobs=1."
        )
    if ended.kind == "crashed":
        return (
            f"crashed (signal {ended.fact}): its process was ended by {_name_of(ended.fact)}, "
            f"most likely by compiled code{whose}."
        )
    if ended.kind == "exited":
        return f"exited: the code{whose} ended its process (exit code {ended.fact})."
    return f"exited: its process could not go on ({str(ended.fact).rstrip('.')})."


def _timeout_sentence(cell: Cell, stack: Stack, limits: Limits) -> str:
    seconds, key = seconds_of(cell, limits)
    assert seconds is not None
    n = len(stack[0])
    each = f" for each of {n} folds that train together" if n > 1 else ""
    if key == "tuning.timeout":
        return (
            f"timeout: it took longer than {seconds:g} s{each}, which tuning.timeout leaves to a "
            f"fold: set limits.timeout_s={2 * seconds:g} for more."
        )
    return (
        f"timeout: it took longer than limits.timeout_s={seconds:g}{each}: set "
        f"limits.timeout_s={2 * seconds:g} for more, or limits.timeout_s=null for no limit."
    )


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if TARGET in node:
            yield str(node[TARGET])
        for value in node.values():
            yield from _targets(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _targets(value)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
