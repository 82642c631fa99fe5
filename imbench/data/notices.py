"""Notices: what a reader of a table should know, each with a code that has a place in the docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from imbench.components.override import override

LEAKS = (
    "duplicate-rows", "identifier-column", "class-in-column", "repeated-group", "time-mixed",
)  # fmt: skip
"""Codes of notices after which scores may be too good."""
CODE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "duplicate-rows": "Many rows repeat another one: copies are trained on and tested.",
        "identifier-column": "A column numbers or names the rows, and new rows have new ones.",
        "class-in-column": "One column tells the class of every row.",
        "repeated-group": "Rows of one patient, customer or machine are on both sides of a split.",
        "time-mixed": "Rows have a time, and folds train on later rows than they test.",
        "test-unused": "There is a test set, and the splits do not use it.",
        "class-spelling": "Two classes differ in case or blanks only.",
        "small-class": "A fold tests fewer than two rows of a class.",
        "huge-values": "A column holds a number beyond 1.8e19, mostly a code for no value.",
        "sorted-by-class": "All rows of a class stand together in the file.",
        "sorted-by-column": "Rows are sorted by a column of numbers, which may be a time.",
        "constant-column": "A column has one value, and is left out.",
        "empty-column": "A column has no value, and is left out.",
        "identifier-text": "A column has another text in each row, and is left out.",
        "missing-spelled": "Numbers have cells such as n/a, which are read as missing.",
        "class-missing": "The class column holds a spelling of a missing value as a class.",
        "leading-zeros": "Numbers have cells such as 01234, which are read as numbers.",
        "large-integers": "Integers beyond 2^53 are not held exactly.",
        "mixed-column": "A column of text has some numbers, and is read as categories.",
        "detected-format": "The separator of the columns was detected.",
        "ignored-files": "A folder of images has other files, which are left out.",
        "several-frames": "Some images have several frames, of which the first is read.",
        "transparent-pixels": "Some images have transparent pixels, of which colours are read.",
    }
)
"""Each code and what it says: the words of docs/checks.md and of ``imbench list checks``."""
CODES = tuple(CODE_WORDS)
"""Every code, each with a section in docs/checks.md. Notices are shown in this order."""
NO_ADVICE = ("dropped", "dates", "groups", "time", "date", "weight", "test")
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
