"""Notices: what a reader of a table should know, each with a code that has a place in the docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imbench.components.override import override

LEAKS = (
    "duplicate-rows", "identifier-column", "class-in-column", "repeated-group", "time-mixed",
)  # fmt: skip
"""Codes of notices after which scores may be too good."""
CODES = (
    *LEAKS,
    "test-unused", "class-spelling", "small-class", "huge-values", "sorted-by-class",
    "sorted-by-column",
    "constant-column", "empty-column", "identifier-text", "missing-spelled", "class-missing",
    "leading-zeros", "large-integers", "mixed-column", "detected-format",
    "ignored-files", "several-frames", "transparent-pixels",
)  # fmt: skip
"""Every code, each with a section in docs/checks.md. Notices are shown in this order."""
NO_ADVICE = ("dropped", "groups", "time", "date", "weight", "test")
"""Codes of notices on what the user has set: the description of the table says it."""


@dataclass(frozen=True)
class Notice:
    """One thing to know about a table.

    Parameters
    ----------
    code : str
        Its section in docs/checks.md, and what ``checks.ignore`` silences.
    words : str
        One sentence, with the key to set.
    column : str
        The column it is about, if it is about one that a reader met.

    Examples
    --------
    >>> print(Notice("constant-column", "column 'x' has one value, and is left out."))
    column 'x' has one value, and is left out. [constant-column]
    """

    code: str
    words: str
    column: str = ""

    def __str__(self) -> str:
        """Return the sentence with its code."""
        return f"{self.words} [{self.code}]"


def without(notices: Iterable[Notice], ignored: Iterable[str]) -> list[Notice]:
    """Return the notices whose code is not ignored.

    Examples
    --------
    >>> without([Notice("small-class", "a."), Notice("huge-values", "b.")], ["small-class"])
    [Notice(code='huge-values', words='b.', column='')]
    """
    silenced = set(ignored)
    return [notice for notice in notices if notice.code not in silenced]


def ignore(code: str) -> str:
    """Return the override that silences a code.

    Examples
    --------
    >>> print(ignore("small-class"))
    'checks.ignore=[small-class]'
    """
    return override("checks.ignore", [code])


def listed(names: Sequence[str], n_shown: int = 3) -> str:
    """Return the first names, quoted, with the number of those left out.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ("'a'", "'a' and 'b'", "'a', 'b', 'c' and 2 more")
    """
    shown = [repr(name) for name in names[:n_shown]]
    last = [f"{len(names) - n_shown} more"] if len(names) > n_shown else []
    words = [*shown, *last]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
