"""Find a class by the name that a user gives."""

from __future__ import annotations

from collections.abc import Sequence


def find_class(name: str, class_names: Sequence[str]) -> int | None:
    """Return the label of a class, or None if no class has that name.

    YAML reads ``true`` and ``False`` as truth values, whose text is ``True`` and ``False``: they
    stand for the class that is written so in any case, if there is one such class.

    Examples
    --------
    >>> find_class("True", ("false", "true")), find_class("no", ("No", "Yes")) is None
    (1, True)
    """
    names = list(class_names)
    if name in names:
        return names.index(name)
    if name not in ("True", "False"):
        return None
    alike = [label for label, known in enumerate(names) if known.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None
