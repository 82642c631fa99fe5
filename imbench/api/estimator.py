"""A model and a strategy as one classifier of scikit-learn, which takes DataFrames as they are."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from imbench.api.recipe import Recipe, recipe_of
from imbench.api.schema import NAME, Schema
from imbench.api.targets import Labels, labels_of, with_roles
from imbench.data.dataset import Dataset
from imbench.data.features import FeatureOptions
from imbench.errors import DataError
from imbench.pipeline.build import build
from imbench.results.metric_options import check_classes
from imbench.run.roles import given_of
from imbench.strategies.decision.class_thresholds import ClassThresholds
from imbench.strategies.decision.threshold import TunedThreshold
from imbench.strategies.facts import facts_of
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import fitting_of, run


class ImbalancedClassifier(ClassifierMixin, BaseEstimator):
    """A model with a strategy against class imbalance, on DataFrames or arrays.

    Categories, missing values, the order of columns and the decision threshold live inside: what
    is fitted on a DataFrame predicts rows of such a DataFrame.

    Parameters
    ----------
    strategy : str or list of str, default="none"
        Names of ``python -m imbench list strategies``: ``"smote"``, or several as
        ``"smote+threshold"``, ``"[smote,threshold]"`` or ``["smote", "threshold"]``.
    model : str, estimator or Model, default="hist_gradient_boosting"
        A name of ``python -m imbench list models``, or a classifier of scikit-learn. Such a one
        gets numbers that are imputed and scaled, and one column a category, unless ``overrides``
        say ``model.preprocessing.scale=false`` and the like.
    overrides : sequence of str, default=()
        Settings of the command line: of the parts, such as
        ``"strategy.decision.threshold.cv=3"`` or ``"costs={missed: 20, false_alarm: 1}"``, and of
        how a DataFrame is read, such as ``"dataset.dates=parts"``.
    random_state : int, RandomState or None, default=0
        Seed of everything inside.
    config_dir : str, Path or None, default=None
        Folder with models and strategies of your own, as ``--config-dir``.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Sorted values of y.
    estimator_ : estimator
        What :func:`imbench.pipeline.build.build` composed, fitted to labels 0..K-1.
    schema_ : Schema
        How rows become the numbers that ``estimator_`` takes.
    threshold_ : float or None
        Probability from which on ``classes_[1]`` is predicted, where a decision rule tuned one.
    notes_ : tuple of str
        Columns that were left out or read with a reserve, and what had to be changed to fit.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of a DataFrame.

    Raises
    ------
    ConfigError
        If a name or a setting is unknown.
    Incompatible
        In ``fit``, if strategy, model and data do not fit together.
    DataError
        In ``fit`` and ``predict``, with one line for each column that is unusable.

    Examples
    --------
    >>> from imbench.data.defects import load_defects
    >>> data = load_defects(n_rows=600, n_test=200)
    >>> frame = pd.DataFrame(data.X, columns=data.feature_names)
    >>> frame["line"] = np.where(frame["sensor_1"] > 0, "A", "B")
    >>> y = np.array(data.class_names)[data.y]
    >>> model = ImbalancedClassifier("random_over+threshold", model="logistic_regression")
    >>> model = model.fit(frame[:600], y[:600])
    >>> model.classes_.tolist(), model.predict(frame[600:])[:2].tolist()
    (['defective', 'fine'], ['fine', 'fine'])
    >>> model.predict_proba(frame[["line", *data.feature_names]][600:]).shape
    (200, 2)
    """

    def __init__(
        self,
        strategy: str | Sequence[str] = "none",
        model: Any = "hist_gradient_boosting",
        overrides: Sequence[str] = (),
        random_state: int | np.random.RandomState | None = 0,
        config_dir: str | Path | None = None,
    ) -> None:
        self.strategy = strategy
        self.model = model
        self.overrides = overrides
        self.random_state = random_state
        self.config_dir = config_dir

    def __sklearn_tags__(self) -> Any:
        """Return the tags of scikit-learn: missing values are taken."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(
        self,
        X: pd.DataFrame | ArrayLike,
        y: ArrayLike | str,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the model with the strategy.

        Parameters
        ----------
        X : DataFrame or array of shape (n, n_features)
            The columns of an array are numbers. Those of a DataFrame are read as those of a file
            (docs/data.md).
        y : array of shape (n,), or str
            The classes, or the column of X that holds them.
        sample_weight : array of shape (n,) or None
            At least 0; scaled to a mean of one.
        groups : array of shape (n,) or None
            Rows of one group stay together in the inner folds of decision rules, and where rows
            are held out to stop early.

        Raises
        ------
        ConfigError, Incompatible, DataError, ValueError
        """
        recipe = self._recipe()
        try:
            data = with_roles(self._learn(X, y, recipe), sample_weight, groups)
        except DataError as error:
            if "dataset." not in str(error):
                raise
            raise DataError(f"{error}\nGive such settings as overrides=['KEY=VALUE'].") from error
        check_classes(recipe.cell.metrics, data.class_names)
        estimator = build(recipe.model, recipe.cell.strategy, data.info, self._seed())
        given = given_of(data, np.arange(len(data.y)), estimator)
        self.estimator_ = run(fitting_of(estimator, data.X, data.y, **given))
        self.threshold_ = threshold_of(self.estimator_)
        read = [notice.words for notice in data.notices]
        self.notes_ = (*read, *facts_of(self.estimator_).notes)
        return self

    def predict(self, X: pd.DataFrame | ArrayLike) -> NDArray[Any]:
        """Return the classes of rows (n, n_features), shape (n,).

        The columns of a DataFrame stand in any order, and others, such as the target, are
        ignored. A category that was not fitted counts as missing.

        Raises
        ------
        DataError
            With one line for missing columns, and one for each column of another kind.
        """
        rows = self._encoded(X)
        if not len(rows):
            return self.classes_[:0]
        found: NDArray[Any] = self.classes_[self.estimator_.predict(rows)]
        return found

    def predict_proba(self, X: pd.DataFrame | ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of the classes, shape (n, K); rows as in :meth:`predict`."""
        rows = self._encoded(X)
        if not len(rows):
            return np.empty((0, len(self.classes_)))
        return scores_for(self.estimator_, rows, np.arange(len(self.classes_)))

    def save(
        self,
        folder: str | Path,
        *,
        card: Mapping[str, Any] | None = None,
        registered: str | None = None,
        tracking_uri: str | None = None,
    ) -> Any:
        """Write the model into a folder, from which :func:`imbench.load` reads it.

        Parameters
        ----------
        folder : str or Path
        card : mapping or None
            What is known of the model beside itself, for its card.
        registered : str or None
            Name in MLflow's registry, where the model gets a new version.
        tracking_uri : str or None
            The store of the registry; None is ``MLFLOW_TRACKING_URI``, or the file of the results
            folder.

        Returns
        -------
        Path
            The folder.
        """
        check_is_fitted(self, "estimator_")
        known = getattr(self, "card_", None) if card is None else card
        files = importlib.import_module("imbench.api.serving.files")
        registry = importlib.import_module("imbench.report.mlflow.registry")
        if registered is not None:
            registry.check_name(registered)
        place = files.save(self, folder, card=known)
        if registered is not None:
            registry.register(place, registered, tracking_uri or registry.default_uri())
        return place

    def _recipe(self) -> Recipe:
        return recipe_of(self.strategy, self.model, self.overrides, self.config_dir)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _learn(self, X: Any, y: Any, recipe: Recipe) -> Dataset:
        """Set what is known of columns and classes, and return the training rows."""
        if y is None:
            raise ValueError(
                "This ImbalancedClassifier estimator requires y to be passed, but the target y is "
                "None."
            )
        if not isinstance(X, pd.DataFrame):
            if isinstance(y, str):
                raise ValueError(
                    f"y={y!r} names a column, but X is no DataFrame: give the classes."
                )
            X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
            labels = labels_of(y)
            self._inputs: tuple[str, ...] | None = None
            self.schema_ = Schema.of_array(X.shape[1], labels.names)
            self.classes_ = labels.classes
            return Dataset(NAME, X, labels.y, labels.names, self.schema_.names)
        read = {"options": recipe.options, "drop": recipe.drop, "roles": recipe.roles}
        schema, data, labels = _learnt(X, y, read)
        rows = X.loc[:, [str(c) != y for c in X.columns]] if isinstance(y, str) else X
        validate_data(self, rows, skip_check_array=True)  # names and number of the columns
        self._inputs = tuple(map(str, rows.columns))
        target = y if isinstance(y, str) else None
        self.schema_ = replace(schema, class_names=labels.names, target=target)
        self.classes_ = labels.classes
        return replace(data, y=labels.y, class_names=labels.names)

    def _encoded(self, X: Any) -> NDArray[np.float64]:
        """Return rows as numbers, shape (n, d)."""
        check_is_fitted(self, "estimator_")
        if self._inputs is None:
            rows: NDArray[np.float64] = validate_data(
                self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False
            )
            return rows
        if not isinstance(X, pd.DataFrame):  # scikit-learn warns that it has no names
            X = validate_data(self, X, dtype=None, ensure_all_finite=False, reset=False)
            X = pd.DataFrame(X, columns=list(self._inputs))
        return self.schema_.encode(X)


def make(
    strategy: str | Sequence[str] = "none",
    model: Any = "hist_gradient_boosting",
    **parameters: Any,
) -> ImbalancedClassifier:
    """Return a classifier; its names and settings are checked at once.

    Parameters
    ----------
    strategy, model, **parameters
        Those of :class:`ImbalancedClassifier`.

    Raises
    ------
    ConfigError
        If a name or a setting is unknown.

    Examples
    --------
    >>> make("smote+threshold", model="random_forest")
    ImbalancedClassifier(model='random_forest', strategy='smote+threshold')
    >>> make("smoke")
    Traceback (most recent call last):
    imbench.errors.ConfigError: strategy=smoke: there is no such strategy (did you mean 'smote'?); \
`python -m imbench list strategies` shows them all.
    """
    found = ImbalancedClassifier(strategy, model, **parameters)
    recipe_of(found.strategy, found.model, found.overrides, found.config_dir)
    return found


def threshold_of(estimator: Any) -> float | None:
    """Return the threshold on the probability of the second of two classes that a rule tuned.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = np.arange(20.0)[:, None], np.arange(20) // 15
    >>> threshold_of(LogisticRegression().fit(X, y)) is None
    True
    >>> fitted = TunedThreshold(LogisticRegression(), cv=2, random_state=0).fit(X, y)
    >>> 0 < threshold_of(fitted) < 1
    True
    """
    if not isinstance(estimator, TunedThreshold | ClassThresholds) or len(estimator.classes_) > 2:
        return None
    if isinstance(estimator, TunedThreshold):
        return float(estimator.weights_[0])
    return float(estimator.weights_[0] / estimator.weights_.sum())


def _learnt(X: pd.DataFrame, y: Any, read: Mapping[str, Any]) -> tuple[Schema, Dataset, Labels]:
    """Return how the columns of a frame are read, the rows, and their labels."""
    options: FeatureOptions = read["options"]
    if isinstance(y, str):
        schema, data = Schema.learn(X, y, **read)
        values = X.iloc[:, list(map(str, X.columns)).index(y)].to_numpy()
        check_classification_targets(values)
        return schema, data, Labels.of_codes(data.y, data.class_names, values)
    labels = labels_of(y)
    if len(labels.y) != len(X):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(X)}, "
            f"{len(labels.y)}]"
        )
    target = "class"
    while target in map(str, X.columns):
        target += "_"
    # Names that no setting takes for missing; they are replaced by those of the classes.
    names = [f"class_{k:09d}" for k in range(len(labels.classes))]
    frame = X.set_axis([str(column) for column in X.columns], axis=1)
    frame[target] = pd.Categorical.from_codes(labels.y, names)
    insists = replace(options, categorical=(*options.categorical, target))
    schema, data = Schema.learn(frame, target, **{**read, "options": insists})
    return schema, data, labels
