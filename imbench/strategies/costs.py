"""What errors cost: the forms in which a user says it, and the matrix that follows.

Elkan 2001, "The Foundations of Cost-Sensitive Learning", IJCAI 17, section 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.components.class_names import find_class
from imbench.components.construct import closest
from imbench.components.override import override

Costs = Mapping[str, Any] | Sequence[Any]
MISSED, FALSE_ALARM, MINORITY = "missed", "false_alarm", "minority"
EXAMPLE = override("costs", {MISSED: 20, FALSE_ALARM: 1})


def about_minority(costs: object) -> bool:
    """Whether costs are those of a missed minority row and of a false alarm.

    Examples
    --------
    >>> about_minority({"missed": 20, "false_alarm": 1}), about_minority({"a": 1, "b": 5})
    (True, False)
    """
    keys = {str(key) for key in costs} if isinstance(costs, Mapping) else set()
    return bool(keys & {MISSED, FALSE_ALARM}) and keys <= {MISSED, FALSE_ALARM, MINORITY}


def check_costs(costs: object) -> None:
    """Check the form of costs, as far as that is possible without the names of the classes.

    Parameters
    ----------
    costs : object
        See :func:`cost_table`.

    Raises
    ------
    ValueError
        If it has none of the forms, a number is negative, infinite or NaN, or no error costs
        anything.

    Examples
    --------
    >>> check_costs([[0, 1], [-5, 0]])
    Traceback (most recent call last):
    ValueError: costs must hold finite numbers of at least 0, got -5 in costs=[[0, 1], [-5, 0]].
    """
    errors, hits = _numbers(costs)
    for number in (*errors, *hits):
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not 0 <= number < float("inf"):
            raise ValueError(
                f"costs must hold finite numbers of at least 0, got {number!r} in costs={costs!r}."
            )
    if not any(errors):
        raise ValueError(f"costs={costs!r}: no error costs anything; set one such as {EXAMPLE}.")


def _matrix(costs: Costs, class_names: Sequence[str]) -> NDArray[np.float64]:
    """Return a nested list as an array.

    Raises
    ------
    ValueError
        If it has not one row and one column for each class.
    """
    matrix = np.array(costs, np.float64)
    if len(matrix) != len(class_names):
        raise ValueError(
            f"costs is {len(matrix)} x {len(matrix)}, but there are {len(class_names)} classes, "
            f"{', '.join(class_names)}: give one row and one column a class."
        )
    return matrix


def cost_table(
    costs: Costs, class_names: Sequence[str], minority: int | None = None
) -> NDArray[np.float64]:
    """Return costs as a matrix: entry (i, j) is the cost of predicting class j for one of class i.

    Parameters
    ----------
    costs : mapping or sequence
        ``{missed: 20, false_alarm: 1}`` of two classes, about the minority; ``{class: cost}`` of
        any error on a class; ``{true class: {predicted class: cost}}``; or a nested list in the
        order of the class names. A mapping may be written as a list of pairs. What is right
        costs nothing unless the matrix says otherwise.
    class_names : sequence of str of length K
    minority : int or None
        Label that `missed` is about, unless the costs name it themselves (``minority``).

    Returns
    -------
    ndarray of shape (K, K)

    Raises
    ------
    ValueError
        As :func:`check_costs`; if a class is unknown or has no cost, or the shape is wrong.

    Examples
    --------
    >>> cost_table({"missed": 20, "false_alarm": 1}, ("no", "yes"), minority=1)
    array([[ 0.,  1.],
           [20.,  0.]])
    >>> cost_table({"a": 1, "b": 2, "c": 9}, ("a", "b", "c"))
    array([[0., 1., 1.],
           [2., 0., 2.],
           [9., 9., 0.]])
    """
    check_costs(costs)
    k = len(class_names)
    if about_minority(costs):
        return _of_minority(costs, class_names, minority)
    rows = _rows(costs)
    if rows is None:
        return _matrix(costs, class_names)
    table = np.zeros((k, k))
    for name, row in _by_label(rows, class_names, range(k), "costs").items():
        if isinstance(row, Mapping) or _is_group(row):
            others = [label for label in range(k) if label != name]
            inner = _by_label(
                _rows(row) or {}, class_names, others, f"costs of {class_names[name]}"
            )
            table[name, list(inner)] = list(inner.values())
        else:
            table[name] = row * (np.arange(k) != name)
    return table


def cheapest_error(costs: Costs) -> float:
    """Return the smallest cost above 0 of an error, which gains in cost are compared with.

    Examples
    --------
    >>> cheapest_error({"missed": 20, "false_alarm": 1}), cheapest_error([[0, 3], [9, 0]])
    (1.0, 3.0)
    """
    errors, _ = _numbers(costs)
    return float(min(number for number in errors if number > 0))


def _of_minority(
    costs: Costs, class_names: Sequence[str], minority: int | None
) -> NDArray[np.float64]:
    assert isinstance(costs, Mapping)
    if len(class_names) != 2:
        shown = dict.fromkeys(class_names, 1)
        raise ValueError(
            f"costs={dict(costs)!r} are those of two classes, but there are {len(class_names)}: "
            f"give the cost of an error on each class, such as {override('costs', shown)}."
        )
    if costs.get(MINORITY) is not None:
        minority = find_class(str(costs[MINORITY]), class_names)
    if minority is None:
        raise ValueError(
            f"costs={dict(costs)!r} are about the minority, and no class is known to be it: "
            f"its name is one of {', '.join(class_names)}."
        )
    table = np.zeros((2, 2))
    table[minority, 1 - minority] = costs[MISSED]
    table[1 - minority, minority] = costs[FALSE_ALARM]
    return table


def _by_label(
    rows: Mapping[str, Any], class_names: Sequence[str], wanted: Sequence[int] | range, what: str
) -> dict[int, Any]:
    """Return the entries of a mapping by label; each wanted label has one."""
    found: dict[int, Any] = {}
    for name, row in rows.items():
        label = find_class(name, class_names)
        if label is None:
            raise ValueError(
                f"{what}: the data set has no class {name!r}{closest(name, class_names)}; its "
                f"classes are {', '.join(class_names)}."
            )
        found[label] = row
    absent = [class_names[label] for label in wanted if label not in found]
    if absent:
        raise ValueError(f"{what} lack class {absent[0]}: each class needs a number of at least 0.")
    return found


def _numbers(costs: object) -> tuple[list[Any], list[Any]]:
    """Return the costs of errors, and those of what is right.

    Raises
    ------
    ValueError
        If the costs have none of the forms.
    """
    if about_minority(costs):
        assert isinstance(costs, Mapping)
        if absent := [key for key in (MISSED, FALSE_ALARM) if key not in costs]:
            raise ValueError(f"costs={costs!r} lack {absent[0]}: set both, such as {EXAMPLE}.")
        return [costs[MISSED], costs[FALSE_ALARM]], []
    cells: list[tuple[object, object, Any]] = []
    if (rows := _rows(costs)) is not None:
        if not any(map(_is_group, rows.values())):
            return list(rows.values()), []
        inner = {name: _rows(row) for name, row in rows.items()}
        if all(row is not None for row in inner.values()):
            cells = [(n, m, value) for n, row in inner.items() if row for m, value in row.items()]
    elif isinstance(costs, list | tuple) and all(_is_row(row, len(costs)) for row in costs):
        cells = [(i, j, value) for i, row in enumerate(costs) for j, value in enumerate(row)]
    if len(cells) < 2:
        raise ValueError(
            "costs must be a square matrix, one row and one column a class such as "
            "[[0, 1], [10, 0]], or a number for each class, or of two classes "
            f"{{missed: 20, false_alarm: 1}}, got costs={costs!r}."
        )
    return [v for i, j, v in cells if i != j], [v for i, j, v in cells if i == j]


def _rows(costs: object) -> dict[str, Any] | None:
    """Return the entries of a mapping by name, or of a list of pairs; None for a plain matrix."""
    if isinstance(costs, Mapping):
        return {str(name): row for name, row in costs.items()}
    if not isinstance(costs, list | tuple) or not costs:
        return None
    are_pairs = all(
        isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)
        for pair in costs
    )
    return dict(costs) if are_pairs else None


def _is_row(row: object, n_classes: int) -> bool:
    return isinstance(row, list | tuple) and len(row) == n_classes


def _is_group(row: object) -> bool:
    return isinstance(row, Mapping | list | tuple)
