"""The card of a model: what it is, what was promised for it, and what it is not good for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUANTILES = tuple(np.linspace(0, 1, 21).round(2).tolist())
CAVEAT = (
    "The strategy was chosen by these folds and then fitted again on all rows. No row is left to "
    "test the fitted model itself, and a best of several looks better than it is."
)
LIMITS = (
    "It holds for rows that come about as the training rows did; `imbench drift` compares.",
    "A category that was not fitted counts as missing.",
)
SECTIONS = ("data", "folds", "verdict", "advice", "metric", "costs", "reference", "limits")
"""What a caller may tell; other keys are kept under ``more``."""


def reference_of(
    scores: ArrayLike, labels: Sequence[Any] | NDArray[Any], class_names: Sequence[str]
) -> dict[str, Any]:
    """Return what new rows are compared with: class counts and the distribution of scores.

    Parameters
    ----------
    scores : array of shape (n, K)
        Probabilities of rows that the model was not fitted on.
    labels : sequence of int of shape (n,)
        Their classes 0..K-1.
    class_names : sequence of str

    Examples
    --------
    >>> reference = reference_of([[0.75, 0.25], [0.25, 0.75]], [0, 1], ["no", "yes"])
    >>> reference["class_counts"], reference["mean_scores"]
    ({'no': 1, 'yes': 1}, {'no': 0.5, 'yes': 0.5})
    """
    values, y = np.asarray(scores, np.float64), np.asarray(labels, np.int64)
    counts = np.bincount(y, minlength=len(class_names)).tolist()
    return {
        "n_rows": len(values),
        "class_counts": dict(zip(class_names, counts, strict=True)),
        "mean_scores": dict(zip(class_names, values.mean(0).tolist(), strict=True)),
        "quantiles": {
            name: np.quantile(values[:, k], QUANTILES).tolist()
            for k, name in enumerate(class_names)
        },
    }


def card_of(
    classifier: Any, threshold: float | None, requirements: Sequence[str], told: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the card of a fitted classifier, as plain values.

    Parameters
    ----------
    classifier : ImbalancedClassifier
    threshold : float or None
    requirements : sequence of str
        Packages with versions.
    told : mapping
        What is known beside the model, by the names in ``SECTIONS``.
    """
    classes = np.asarray(classifier.classes_)
    kind = "str" if classes.dtype.kind in "OUST" else classes.dtype.name
    names = [str(name) for name in classifier.schema_.class_names]
    model = (
        classifier.model if isinstance(classifier.model, str) else type(classifier.model).__name__
    )
    strategy = classifier.strategy
    found: dict[str, Any] = {
        "strategy": strategy if isinstance(strategy, str) else "+".join(strategy),
        "model": model,
        "overrides": [str(word) for word in classifier.overrides],
        "target": classifier.schema_.target,
        "columns": list(classifier.schema_.names),
        "classes": {"names": names, "values": classes.tolist(), "dtype": kind},
        "threshold": threshold,
        "notes": list(getattr(classifier, "notes_", ())),
        "versions": {"imbench": version("imbench"), "packages": list(requirements)},
    }
    for section in SECTIONS:
        if told.get(section) is not None:
            found[section] = told[section]
    if "verdict" in found:
        found["caveat"] = CAVEAT
    found["limits"] = [*LIMITS, *_lines(found.get("limits", ()))]
    if more := {name: value for name, value in told.items() if name not in SECTIONS}:
        found["more"] = more
    return found


def words_of(card: Mapping[str, Any]) -> str:
    """Return a card as Markdown.

    Examples
    --------
    >>> card = {"strategy": "none", "model": "knn", "threshold": None, "columns": ["age"],
    ...         "classes": {"names": ["no", "yes"]}, "limits": [], "notes": [],
    ...         "versions": {"imbench": "1", "packages": []}}
    >>> print(words_of(card).splitlines()[0])
    # knn with strategy none
    """
    names = card["classes"]["names"]
    lines = [f"# {card['model']} with strategy {card['strategy']}", "", "## Model", ""]
    lines += [f"- Classes: {', '.join(names)}", f"- Threshold: {_threshold(card, names)}"]
    lines += [f"- Setting: {word}" for word in card.get("overrides", ())]
    lines += [f"- Columns: {', '.join(card['columns'])}"]
    lines += [f"- {note}" for note in card["notes"]]
    for section in ("data", "folds", "verdict", "caveat", "advice", "metric", "costs"):
        if section in card:
            lines += ["", f"## {section.capitalize()}", "", *_lines(card[section], "- ")]
    if "reference" in card:
        counts = card["reference"]["class_counts"]
        shown = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        lines += ["", "## Reference", "", f"- Rows that scores were measured on: {shown}"]
    if "more" in card:
        lines += ["", "## More", "", *_lines(card["more"], "- ")]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in card["limits"])]
    packages = [f"imbench {card['versions']['imbench']}", *card["versions"]["packages"]]
    return "\n".join([*lines, "", "## Versions", "", *(f"- {name}" for name in packages), ""])


def _threshold(card: Mapping[str, Any], names: Sequence[str]) -> str:
    if card["threshold"] is None:
        return "none; the rule of the strategy, or the likeliest class"
    return f"{names[1]} from a probability of {card['threshold']:.6g} on"


def _lines(value: Any, start: str = "") -> list[str]:
    """Return a value as lines: one for each of a mapping or a list."""
    if isinstance(value, Mapping):
        return [f"{start}{name}: {item}" for name, item in value.items()]
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [f"{start}{value}"]
    return [f"{start}{item}" for item in value]
