"""Words of the command line as overrides of the configuration."""

from __future__ import annotations

import os
import re

from imbench.components.override import quoted

PATHS = ("dataset.path", "dataset.test", "data_dir", "dataset.data_dir", "results_dir")
PLAIN = re.compile(
    r"[\w./:+,%*@?|$\\ -]*", re.ASCII
)  # what the grammar of overrides reads as it is


def as_override(word: str) -> str:
    """Quote what the grammar of overrides does not know: budget=fits=200, and odd file names.

    A path that starts with ``~`` is expanded, which a shell does at the start of a word only.

    Examples
    --------
    >>> as_override("budget=fits=200"), as_override("budget=10m")
    ("budget='fits=200'", 'budget=10m')
    >>> print(as_override("dataset.path=my table (1).csv"))
    dataset.path="my table (1).csv"
    """
    key, _, value = word.partition("=")
    if key == "budget":
        return f"{key}='{value}'" if "=" in value and "'" not in value else word
    if key not in PATHS or re.match(r"[\['\"]|\w+\(|.*\$\{", value):
        return word
    parts = [os.path.expanduser(part) for part in value.split(",")]
    text = ",".join(parts)
    return f"{key}={text}" if PLAIN.fullmatch(text) else f"{key}={','.join(map(quoted, parts))}"
