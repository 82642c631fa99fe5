"""One thing that ``imbench doctor`` has looked at, in lines of 80 columns."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from imbench.errors import masked

WIDTH = 80
INDENT = 12  # columns of the topic


@dataclass(frozen=True)
class Finding:
    r"""One thing that was looked at.

    Parameters
    ----------
    topic : str
        At most ten characters.
    words : str
        What was found.
    mend : str
        What to do about it, a command where there is one; empty if there is nothing to do.
    is_broken : bool
        Whether a command needs it and cannot have it.

    Examples
    --------
    >>> print("\n".join(Finding("store", "none", "imbench ui makes none").lines()))
    store       none
                -> imbench ui makes none
    """

    topic: str
    words: str
    mend: str = ""
    is_broken: bool = False

    def lines(self) -> list[str]:
        """Return lines of 80 columns; only a longer word, such as a path, makes a longer one."""
        first = f"{self.topic:<{INDENT}}" + ("BROKEN: " if self.is_broken else "")
        lines = _wrapped(self.words, first, " " * INDENT)
        mend = _wrapped(self.mend, f"{'':{INDENT}}-> ", " " * (INDENT + 3))
        return [*lines, *(mend if self.mend else ())]


def _wrapped(text: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        masked(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
