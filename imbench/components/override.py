"""Write overrides of the command line that can be pasted into a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)  # needs no quotes in an override
WORDS = {"true", "false", "null", "nan", "inf", "yes", "no", "on", "off"}  # that YAML reads


def override(key: str, value: str | Iterable[str] | Mapping[str, float]) -> str:
    r"""Return ``key=value``, quoted for the configuration and for a POSIX shell.

    Parameters
    ----------
    key : str
    value : str, iterable of str, or mapping of str to float
        A name, a list of names, or numbers by name. The grammar knows no quotes in the keys of a
        mapping, so that one with such names becomes a list of pairs.

    Examples
    --------
    >>> print(override("dataset.target", "Churn"))
    dataset.target=Churn
    >>> print(override("dataset.drop", ["Exited (0/1)", "id"]))
    'dataset.drop=["Exited (0/1)",id]'
    >>> print(override("metrics.minority", "true"))
    'metrics.minority="true"'
    >>> print(override("dataset.imbalance.ratios", {">50K": 0.1}))
    'dataset.imbalance.ratios=[[">50K",0.1]]'
    """
    if isinstance(value, str):
        text = quoted(value)
    elif isinstance(value, Mapping) and all(quoted(name) == name for name in value):
        text = f"{{{', '.join(f'{name}: {number}' for name, number in value.items())}}}"
    elif isinstance(value, Mapping):
        text = f"[{','.join(f'[{quoted(name)},{number}]' for name, number in value.items())}]"
    else:
        text = f"[{','.join(map(quoted, value))}]"
    return shlex.quote(f"{key}={text}")


def quoted(name: str) -> str:
    r"""Return a name as the grammar of overrides reads it back.

    Examples
    --------
    >>> print(quoted("a"), quoted("true"), quoted("a,b"), quoted('5" pipe'))
    a "true" "a,b" "5\" pipe"
    """
    if PLAIN.fullmatch(name) and name.lower() not in WORDS:
        return name
    # A backslash escapes a quote, and itself in front of a quote only.
    escaped = re.sub(r'(\\*)"', lambda found: found[1] * 2 + r"\"", name)
    escaped = re.sub(r"(\\+)$", lambda found: found[1] * 2, escaped)
    # ${...} would be replaced by another key.
    escaped = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", escaped)
    return f'"{escaped}"'
