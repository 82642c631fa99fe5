"""Sentences about columns that cannot be used as they are, with the ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imbench.components.override import override


@dataclass(frozen=True)
class Way:
    """A setting that makes a column usable.

    Parameters
    ----------
    key : str
        Of the data set, such as ``drop``.
    value : str or tuple of str
        A tuple is added to what the user has set already.
    words : str
        When to choose it, or empty.
    """

    key: str
    value: str | tuple[str, ...]
    words: str = ""

    def written(self, given: Mapping[str, Sequence[str]]) -> str:
        """Return the override that can be pasted.

        Examples
        --------
        >>> print(Way("drop", ("when",)).written({"drop": ["id"]}))
        'dataset.drop=[id,when]'
        """
        value = self.value
        if isinstance(value, tuple):
            value = tuple(dict.fromkeys((*given.get(self.key, ()), *value)))
        return override(f"dataset.{self.key}", value)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a column.

    Parameters
    ----------
    column : str
    words : str
        What is wrong, the start of a sentence.
    ways : tuple of Way
    mend : str
        What to do to the file instead, or empty.
    """

    column: str
    words: str
    ways: tuple[Way, ...]
    mend: str = ""

    @property
    def is_of_all_columns(self) -> bool:
        """Whether one setting is for every column, as the decimal sign is."""
        return any(way.key in ("decimal", "thousands") for way in self.ways)

    def sentence(self, given: Mapping[str, Sequence[str]]) -> str:
        """Return one sentence with all ways out.

        Examples
        --------
        >>> problem = Problem("l", "holds lists", (Way("drop", ("l",)),))
        >>> print(problem.sentence({}))
        column 'l': holds lists; set 'dataset.drop=[l]'.
        """
        ways = [f"{way.written(given)} {way.words}".strip() for way in self.ways]
        listed = ", ".join(ways[:-1]) + (", or " if len(ways) > 1 else "") + ways[-1]
        mend = f"{self.mend}, or " if self.mend else ""
        return f"column {self.column!r}: {self.words}; {mend}set {listed}."


def sentences(problems: Sequence[Problem | str], given: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a sentence a problem, and one for each list that several columns share.

    Parameters
    ----------
    problems : sequence of Problem or str
        A text is a sentence already.
    given : mapping of str to sequence of str
        Lists that the user has set already, by key.

    Examples
    --------
    >>> problems = [Problem(c, "holds lists", (Way("drop", (c,)),)) for c in "ab"]
    >>> print(sentences(problems, {})[-1])
    for these 2 columns at once: 'dataset.drop=[a,b]'.
    """
    lines = [p if isinstance(p, str) else p.sentence(given) for p in problems]
    named = [problem for problem in problems if isinstance(problem, Problem)]
    for key in ("missing", "drop", "categorical"):
        ways = [
            way
            for problem in named
            for way in problem.ways
            if way.key == key and not problem.is_of_all_columns
        ]
        if len(ways) > 1:
            way = Way(key, tuple(value for way in ways for value in way.value))
            lines.append(f"for these {len(ways)} columns at once: {way.written(given)}.")
    return lines
