"""Range checks of parameters, shared by the stages `weights` and `loss`."""

from __future__ import annotations

import math


def check_number(
    name: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: bool = False,
    below: bool = False,
) -> None:
    """Raise ValueError unless a value is a finite number between two bounds.

    Parameters
    ----------
    name : str
        Name of the parameter in the error message.
    value : object
    low, high : float
        Bounds.
    above, below : bool
        Exclude ``low`` or ``high`` itself.

    Raises
    ------
    ValueError
        With the name, the allowed range and the value.
    """
    if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
        reaches = value > low if above else value >= low
        stays = value < high if below else value <= high
        if reaches and stays:
            return
    if math.isfinite(low) and math.isfinite(high):
        wanted = f"in {'(' if above else '['}{low:g}, {high:g}{')' if below else ']'}"
    elif math.isfinite(low):
        wanted = f"{'above' if above else 'of at least'} {low:g}"
    else:
        wanted = "that is finite"
    raise ValueError(f"{name} must be a number {wanted}, got {name}={value!r}.")
