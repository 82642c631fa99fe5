"""Names of metrics and lists of strategies for running text."""

from __future__ import annotations

from collections.abc import Sequence

METRIC_NAMES = {
    "precision_macro": "macro precision",
    "recall_macro": "macro recall",
    "f1_macro": "macro F1",
    "f1_weighted": "weighted F1",
    "f1_minority": "minority F1",
    "f1_rare": "F1 of the rare classes",
    "recall_rare": "recall of the rare classes",
    "roc_auc": "ROC AUC",
    "g_mean": "G-mean",
    "mcc": "MCC",
    "brier": "Brier score",
    "ece": "ECE",
    "recall_at_precision": "recall at fixed precision",
    "precision_at_recall": "precision at fixed recall",
    "recall_at_k": "recall in the first k rows",
}
MAX_NAMES = 5  # names in a list


def metric_name(key: str) -> str:
    """Return the name of a metric for running text.

    Examples
    --------
    >>> metric_name("f1_macro"), metric_name("balanced_accuracy"), metric_name("recall/yes")
    ('macro F1', 'balanced accuracy', 'recall of yes')
    """
    kind, slash, class_name = key.partition("/")
    return f"{kind} of {class_name}" if slash else METRIC_NAMES.get(key, key.replace("_", " "))


def joined(names: Sequence[str]) -> str:
    """Join names with commas and "and", at most `MAX_NAMES` of them.

    Examples
    --------
    >>> joined(["a", "b", "c"]), joined([str(i) for i in range(9)])
    ('a, b and c', '0, 1, 2, 3, 4 and 4 others')
    """
    if len(names) > MAX_NAMES + 1:
        return f"{', '.join(names[:MAX_NAMES])} and {len(names) - MAX_NAMES} others"
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
