"""What to say of a key of the command line that the selected files do not have."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from imbench.components.construct import TARGET, closest, locate
from imbench.errors import ConfigError

OPEN = ("search", "needs", "extra", "about", "costs")
"""Last names of mappings that hold what users choose: any key may be added to them."""
WITH_OPEN = ("strategy", "model", "metrics")
NO_SETTINGS = (TARGET, "about")
SHOWN = 12  # keys in a message


def no_such_key(key: str, node: object, files: Sequence[str] = ()) -> str:
    """Return a sentence on a key that does not exist, with a way that works.

    Parameters
    ----------
    key : str
        Dotted.
    node : object
        What stands where the key was looked for, without the last name; None if nothing does.
    files : sequence of str
        Choices that have the key, such as ``dataset=table``.

    Examples
    --------
    >>> print(no_such_key("dataset.path", {"_target_": "a.b", "name": None}, ["dataset=table"]))
    dataset.path: the selected dataset has no such key; set dataset=table beside it, which has.
    >>> print(no_such_key("share.denominator", {"_target_": "fractions.Fraction"}))
    share.denominator: there is no such key; to add it on purpose write +share.denominator=...
    >>> print(no_such_key("splits.folds", {"_target_": "math.hypot", "n_splits": 5}))
    splits.folds: there is no such key; the keys are n_splits.
    """
    parent, _, name = key.rpartition(".")
    known = [str(k) for k in node if k not in NO_SETTINGS] if isinstance(node, Mapping) else []
    near = closest(name, known)
    is_open = _may_be_added(parent, name, node)
    if files and not is_open:
        listed = " or ".join(files)
        return (
            f"{key}: the selected {parent} has no such key{near}; set {listed} beside it, which "
            "has."
        )
    if is_open:
        return f"{key}: there is no such key{near}; to add it on purpose write +{key}=..."
    if near and parent:
        return f"{key}: there is no such key{near}."
    if not known:
        return f"{key}: there is no such key; the selected {parent} has none, choose another."
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN and parent else ""
    shown = known[:SHOWN] if parent else known
    return f"{key}: there is no such key{near}; the keys are {', '.join(shown)}{more}."


def has_key(node: Any, path: str) -> bool:
    """Return whether nested mappings have a dotted key, whatever its value is.

    Examples
    --------
    >>> has_key({"loss": {"focal": None}}, "loss.focal"), has_key({"loss": 3}, "loss.focal")
    (True, False)
    """
    for name in path.split("."):
        if not isinstance(node, Mapping) or name not in node:
            return False
        node = node[name]
    return True


def _may_be_added(parent: str, name: str, node: object) -> bool:
    """Return whether ``+key=`` would be understood: the target of the node takes it."""
    if not isinstance(node, Mapping):
        return False
    if TARGET not in node:
        names = parent.split(".")  # of three, the mapping is the value of a parameter
        return len(names) > 2 or names[-1] in OPEN or (parent in WITH_OPEN and name in OPEN)
    parameters = _parameters(str(node[TARGET]), parent)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return takes_any or name in parameters


def _parameters(path: str, key: str) -> Mapping[str, Any]:
    """Return the parameters of a target, none if it cannot be located."""
    try:
        return inspect.signature(locate(path, key)).parameters
    except (ConfigError, ValueError):
        return {}
