"""How far a tuned threshold varies with the number of rare rows: the reason for a minimum.

.. code-block:: console

    $ python -m scripts.threshold_rows

One row of 20 is rare. Scores are probabilities of a logistic model whose classes lie 2.5 standard
deviations apart. A threshold is tuned on a sample by the F1 of the rare class, and judged on a
population of 400,000 rows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from imbench.strategies.decision.aims import Aim
from imbench.strategies.decision.threshold import best_threshold

Floats = NDArray[np.float64]
APART = 2.5
OTHERS = 19  # rows of the other class for each rare one
AIM = Aim("f1", {}, ("other", "rare"), minority=1)


def draw(n_rare: int, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Return probabilities of the rare class, and labels."""
    y = np.repeat([0, 1], [OTHERS * n_rare, n_rare])
    x = rng.normal(size=len(y)) + APART * y
    return 1 / (1 + OTHERS * np.exp(APART**2 / 2 - APART * x)), y


def tuned(n_rare: int, n_draws: int, seed: int = 1) -> Floats:
    """Return the thresholds that are tuned on samples with some rare rows, shape (n_draws,)."""
    rng = np.random.default_rng(seed)
    return np.array([best_threshold(*draw(n_rare, rng), AIM)[0] for _ in range(n_draws)])


@cache
def population() -> tuple[Floats, Floats]:
    """Return the sorted scores of each class in the population."""
    score, y = draw(20_000, np.random.default_rng(0))
    return np.sort(score[y == 0]), np.sort(score[y == 1])


def f1_of(threshold: Floats) -> Floats:
    """Return the F1 of the rare class in the population, by threshold."""
    other, rare = population()
    hits = len(rare) - np.searchsorted(rare, threshold)
    alarms = len(other) - np.searchsorted(other, threshold)
    return np.asarray(2 * hits / (hits + alarms + len(rare)))


def gains(n_rare: int, n_draws: int) -> float:
    """Return the mean gain in F1 over a threshold of 0.5."""
    return float((f1_of(tuned(n_rare, n_draws)) - f1_of(np.array([0.5]))).mean())


def main() -> None:
    """Print a line for each number of rare rows."""
    at_half = f1_of(np.array([0.5]))[0]
    best = f1_of(np.linspace(0.01, 0.99, 99)).max()
    print(f"F1 at 0.5: {at_half:.3f}; at the best threshold: {best:.3f}")
    print("rare rows  sd of the threshold  mean F1  share worse than 0.5")
    for n_rare in (5, 10, 20, 40, 80):
        thresholds = tuned(n_rare, 1000)
        f1 = f1_of(thresholds)
        worse = np.mean(f1 < at_half)
        print(f"{n_rare:9d}  {thresholds.std():19.2f}  {f1.mean():7.3f}  {worse:21.2f}")


if __name__ == "__main__":
    main()
