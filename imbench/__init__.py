"""Compare remedies for class imbalance on identical folds.

The public names below are loaded when they are first used, so that ``import imbench`` costs
neither PyTorch nor MLflow.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "BalancedSampler": "imbench.strategies.batches.balanced_sampler",
    "ConfigError": "imbench.errors",
    "DataError": "imbench.errors",
    "Dataset": "imbench.data.dataset",
    "DatasetInfo": "imbench.data.dataset",
    "FoldResult": "imbench.results.fold",
    "ImbalancedClassifier": "imbench.api.estimator",
    "Incompatible": "imbench.errors",
    "Model": "imbench.models.base",
    "Schema": "imbench.api.schema",
    "Store": "imbench.results.store",
    "Strategy": "imbench.strategies.base",
    "TorchClassifier": "imbench.models.nets.classifier",
    "compare": "imbench.api.compare",
    "recommend": "imbench.api.recommend",
    "load": "imbench.api.serving.loading",
    "make": "imbench.api.estimator",
}

__all__ = ["__version__", *_PUBLIC]


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'imbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
