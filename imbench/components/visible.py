"""Show characters that would act on a terminal instead of being seen."""

from __future__ import annotations

from typing import TextIO


def visible(text: str) -> str:
    r"""Return a text in which every character that is not printed is written as its escape.

    Those are control characters, terminal escapes, line breaks, and signs that turn the direction
    of writing. Names come from data and from files, and may hold any.

    Examples
    --------
    >>> print(visible("red \x1b[31m and \u202e turned"), visible("Zürich"))
    red \x1b[31m and \u202e turned Zürich
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(line: str, stream: TextIO | None = None) -> None:
    r"""Print one line, in which names from data or files cannot act on a terminal.

    Parameters
    ----------
    line : str
    stream : text stream or None
        None is standard output.

    Examples
    --------
    >>> say("class \x1b[31myes")
    class \x1b[31myes
    """
    print(visible(line), file=stream)
