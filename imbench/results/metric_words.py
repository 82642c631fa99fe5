"""What each metric is, in one sentence: the words of ``imbench list metrics``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

METRIC_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "precision_macro": "Share of the rows told as a class that are of it, mean over classes.",
        "recall_macro": "Share of the rows of a class that are told as it, mean over classes.",
        "f1_macro": "Harmonic mean of precision and recall, mean over classes.",
        "f1_weighted": "The same, classes weighted by their rows: the common ones count most.",
        "f1_minority": "F1 of the rarest class, or of metrics.minority.",
        "roc_auc": "Probability that a row of the class scores above one of another class.",
        "average_precision": "Area under precision over recall: the ranking of a rare class.",
        "balanced_accuracy": "Mean over classes of their recall; another name of recall_macro.",
        "g_mean": "Geometric mean of the recalls: 0 if a class is never found.",
        "mcc": "Matthews correlation of labels and predictions: 0 for constant ones.",
        "brier": "Mean squared error of the probabilities.",
        "log_loss": "Mean negative logarithm of the probability of the true class.",
        "ece": "Mean gap between confidence and accuracy, over metrics.ece_bins bins.",
        "accuracy": "Share of the rows that are told right: high for doing nothing.",
        "worst_class_recall": "Recall of the class that is found least.",
        "recall_rare": "Mean recall of the classes of metrics.rare.",
        "f1_rare": "Mean F1 of the classes of metrics.rare.",
        "recall_at_precision": "Largest recall of the minority at metrics.at_precision or more.",
        "precision_at_recall": "Largest precision for the minority at metrics.at_recall or more.",
        "recall_at_k": "Share of the minority in the metrics.k rows of the highest score.",
        "net_benefit": "True positives less weighted false ones at metrics.net_benefit_threshold.",
        "expected_cost": "Mean cost of a row; there only where costs= is set.",
    }
)
"""A sentence for each key of :data:`imbench.results.metric_options.HIGHER_IS_BETTER`."""
