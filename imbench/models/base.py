"""A model as the configuration describes it, and how it is fitted to a kind of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sklearn.base import clone

from imbench.data.dataset import DatasetInfo
from imbench.models.mixin import ModelMixin
from imbench.models.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Model:
    """An estimator, and the data and preprocessing that it needs.

    Parameters
    ----------
    name : str
    estimator : estimator
        Not fitted; :func:`imbench.pipeline.build.build` works on a clone.
    preprocessing : Preprocessing
    needs : tuple of str
        Kinds of data it is for, see :data:`imbench.pipeline.needs.NEEDS`.
    """

    name: str
    estimator: Any
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    needs: tuple[str, ...] = ()

    @property
    def training_stages(self) -> tuple[str, ...]:
        """In-training stages that the estimator has as parameters; () for scikit-learn models."""
        estimator = self.estimator
        return estimator.training_stages if isinstance(estimator, ModelMixin) else ()

    @property
    def is_net(self) -> bool:
        """Whether the estimator is a net: it alone has batches."""
        return "batches" in self.training_stages

    @property
    def trains_in_stacks(self) -> bool:
        """Whether several such estimators can be trained as one, and are worth it."""
        return isinstance(self.estimator, ModelMixin) and self.estimator.trains_in_stacks

    def fresh_estimator(self, info: DatasetInfo) -> Any:
        """Return a clone that knows the shape of its inputs and its categorical columns."""
        estimator = clone(self.estimator)
        parameters = estimator.get_params(deep=False)
        if info.input_shape is not None and "input_shape" in parameters:
            estimator.set_params(input_shape=info.input_shape)
        codes = info.categorical and not self.preprocessing.one_hot
        if codes and "categorical_features" in parameters:
            first = info.n_features - len(info.categorical)
            estimator.set_params(categorical_features=list(range(first, info.n_features)))
        return estimator
