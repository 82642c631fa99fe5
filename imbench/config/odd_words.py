"""Words of the command line that the grammar of overrides cannot read: quoted, or explained."""

from __future__ import annotations

import re

from imbench.components.override import override, quoted

WORD = re.compile(r"([+~]*[\w./@-]+)=(.*)", re.ASCII | re.DOTALL)
LIST = re.compile(r"\[([^\[\]{}'\"]*)\]")  # of names without quotes
EXAMPLE = "('strategy=[smote,focal]')"


def with_quotes(word: str) -> str | None:
    """Return a word with its value in quotes, None where it may be more than one value.

    Only for words that the grammar cannot read: what it can read stays as it is.

    Examples
    --------
    >>> print(with_quotes("dataset.target=Exited (0/1)"), with_quotes("dataset.drop=[>50K]"))
    dataset.target="Exited (0/1)" None
    >>> print(with_quotes("dataset.target=Price (EUR, net)"), with_quotes("seed=${nowhere"))
    None None
    """
    found = WORD.fullmatch(word)
    if found is None or not found[2].strip():
        return None
    is_more = found[2].lstrip()[0] in "[{'\"" or "," in found[2] or "${" in found[2]
    return None if is_more else f"{found[1]}={quoted(found[2])}"


def cannot_read(word: str, shown: str) -> str:
    """Return what to say of a word that cannot be read.

    Parameters
    ----------
    word : str
    shown : str
        The word, cut if it is very long.

    Examples
    --------
    >>> print(cannot_read("dataset.drop=[>50K]", "dataset.drop=[>50K]"))
    cannot read 'dataset.drop=[>50K]': write 'dataset.drop=[">50K"]'.
    >>> print(cannot_read("metrics.sort=a,>50K", "metrics.sort=a,>50K"))
    cannot read 'metrics.sort=a,>50K': write 'metrics.sort="a,>50K"' for one value, or \
'metrics.sort=a,">50K"' for a sweep (-m).
    """
    found = WORD.fullmatch(word)
    if found is None or len(word) > len(shown):
        return f"cannot read {shown!r}: write key=value, and quote lists for the shell {EXAMPLE}."
    key, value = found.groups()
    if names := LIST.fullmatch(value):
        return f"cannot read {shown!r}: write {override(key, _parts(names[1]))}."
    if "," in value and not set(value) & set("[]{}'\"$"):
        one, several = override(key, value), [quoted(part) for part in _parts(value)]
        return (
            f"cannot read {shown!r}: write {one} for one value, or '{key}={','.join(several)}' "
            "for a sweep (-m)."
        )
    return f"cannot read {shown!r}: write key=value, and quote lists for the shell {EXAMPLE}."


def several_values(word: str, key: str) -> str:
    """Return what to say of a sweep without ``-m``.

    Examples
    --------
    >>> print(several_values("dataset.target=a,b", "dataset.target"))
    dataset.target=a,b: several values need -m (a sweep); one value with a comma is \
'dataset.target="a,b"'.
    """
    more, value = "", word.partition("=")[2]
    if key == "strategy":
        more = "; for one strategy made of several write 'strategy=[a,b]'"
    elif "." in key and not set(value) & set("[]{}()'\"$"):
        more = f"; one value with a comma is {override(key, value)}"
    return f"{word}: several values need -m (a sweep){more}."


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
