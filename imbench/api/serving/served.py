"""What a saved model is: columns that are read as in training, and what predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from imbench.api.schema import Schema
from imbench.strategies.fitted import scores_for

LABEL, PROBABILITY = "label", "p_{}"  # columns of an answer


@dataclass(eq=False)
class Served:
    """What predicts, for rows that are encoded already.

    Parameters
    ----------
    estimator : estimator
        Of scikit-learn, a booster, or a small class of imbench; ``classes_`` as in training.
    threshold : float or None
        A row gets the second class from this probability on; None if no threshold decides.
    nets : list
        The nets inside, whose weights are saved apart.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> served = Served(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    >>> served.predict([[1.0]]).tolist(), served.threshold
    ([1], None)
    """

    estimator: Any
    threshold: float | None = None
    nets: list[Any] = field(default_factory=list)

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels that the estimator was fitted on, shape (K,)."""
        return np.asarray(self.estimator.classes_)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities (n, K) for encoded rows (n, d)."""
        return np.asarray(self.estimator.predict_proba(X), np.float64)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return labels (n,) for encoded rows (n, d)."""
        return np.asarray(self.estimator.predict(X))


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model that was saved and loaded; it predicts rows of the table that it was fitted on.

    Made by :func:`imbench.load`.

    Parameters
    ----------
    schema : Schema
        How rows are read.
    served : Served
    classes_ : ndarray of shape (K,)
    card : mapping
        What is known of the model, as in ``card.json``.

    Attributes
    ----------
    threshold_ : float or None
        ``classes_[1]`` is predicted from this probability on; None if no threshold decides.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> served = Served(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    >>> model = ServedModel(Schema.of_array(1, ["no", "yes"]), served, np.array(["no", "yes"]), {})
    >>> model.answers(pd.DataFrame({"x0": [1.0]})).round(2).to_dict("records")
    [{'label': 'yes', 'p_no': 0.44, 'p_yes': 0.56}]
    """

    schema: Schema
    served: Served
    classes_: NDArray[Any]
    card: Mapping[str, Any]

    @property
    def threshold_(self) -> float | None:
        """Probability of the second class from which on it is predicted."""
        return self.served.threshold

    @property
    def rule(self) -> str:
        """What decides the label, as a sentence."""
        if self.threshold_ is None:
            return "no threshold: the label is that of the strategy's rule, or the likeliest class."
        name = self.schema.class_names[1]
        return f"threshold: {name} where {PROBABILITY.format(name)} >= {self.threshold_:.6g}."

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probabilities of the classes, shape (n, K).

        Parameters
        ----------
        X : DataFrame or array of shape (n, columns)
            A DataFrame may hold its columns in any order, and others beside them. A category
            that was not fitted counts as missing.

        Raises
        ------
        DataError
            With one line for each column that is missing or of another kind.
        """
        return self._scores(self.schema.encode(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the classes of rows, shape (n,); parameters as in :meth:`predict_proba`."""
        return self._labels(self.schema.encode(X))

    def answers(self, X: Any) -> pd.DataFrame:
        """Return ``label`` and a column ``p_CLASS`` for each class; a row each of X."""
        return self.answers_and_notices(X)[0]

    def answers_and_notices(self, X: Any) -> tuple[pd.DataFrame, list[str]]:
        """Return :meth:`answers`, and a sentence for each column with unknown categories."""
        encoded, unseen = self.schema.encode_and_report(X)
        found: dict[str, Any] = {LABEL: self._labels(encoded)}
        scores = self._scores(encoded)
        for k, name in enumerate(self.schema.class_names):
            found[PROBABILITY.format(name)] = scores[:, k]
        return pd.DataFrame(found), [_unseen(name, n) for name, n in unseen.items()]

    def _scores(self, encoded: NDArray[np.float64]) -> NDArray[np.float64]:
        if not len(encoded):
            return np.empty((0, len(self.classes_)))
        return scores_for(self.served, encoded, np.arange(len(self.classes_)))

    def _labels(self, encoded: NDArray[np.float64]) -> NDArray[Any]:
        if not len(encoded):
            return self.classes_[:0]
        found: NDArray[Any] = self.classes_[self.served.predict(encoded)]
        return found


def _unseen(name: str, n: int) -> str:
    cells = "1 cell holds" if n == 1 else f"{n} cells hold"
    return f"column {name!r}: {cells} a category that was not fitted; it counts as missing."
