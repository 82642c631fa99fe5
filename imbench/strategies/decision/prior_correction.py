"""Undo in the scores what a resampler, a sampler or class weights did to the class shares."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imbench.errors import Incompatible
from imbench.strategies.decision.base import DecisionRule, normalised
from imbench.strategies.decision.priors import weighted_shares
from imbench.strategies.rows import TrainingRows


class PriorCorrection(DecisionRule):
    """Scores proportional to p_c * share_c(training part) / share_c(what the model saw).

    For two classes of which the negative one was under-sampled to a share beta of its rows this
    is p = beta p_s / (beta p_s - p_s + 1). A row of weight w counts as w rows, so that after
    weights alone the scores are proportional to p_c / w_c. Labels are the argmax of the corrected
    scores.

    Parameters
    ----------
    estimator : estimator

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`.
    ratios_ : ndarray of shape (K,)
        What a score is multiplied by, before the scores of a row are normalised.

    Raises
    ------
    Incompatible
        In ``fit``, if nothing changed the shares, or class weights changed during the training.

    Notes
    -----
    Knows resamplers, samplers of batches, class weights and ensembles, whose mean score is
    corrected by the mean counts of the members. Losses change the scores as well, but they leave
    no counts to correct by. The correction is exact for a model that finds the probabilities of
    the weighted rows: trees with few rows a leaf, margins and a net that divides a batch by the
    sum of its weights come near it only. ``cost_matrix`` weights are class weights too: the
    correction takes them back.

    References
    ----------
    Dal Pozzolo et al. 2015, "Calibrating Probability with Undersampling for Unbalanced
    Classification", DOI 10.1109/SSCI.2015.33, eq. 4; Saerens et al. 2002, DOI
    10.1162/089976602753284446, eq. 2.4 for any number of classes; Elkan 2001, "The Foundations
    of Cost-Sensitive Learning", IJCAI 17, sections 2 and 3 (weights in the place of rows).

    Examples
    --------
    >>> from imblearn.under_sampling import RandomUnderSampler
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from imbench.data.dataset import DatasetInfo
    >>> from imbench.models.base import Model
    >>> from imbench.pipeline.build import build
    >>> from imbench.strategies.base import Strategy
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> info = DatasetInfo("example", 20, ("common", "rare"), minority=1)
    >>> under = {"random_under": RandomUnderSampler()}
    >>> strategy = Strategy(resample=under, decision={"prior_correction": PriorCorrection})
    >>> model = Model("logistic_regression", LogisticRegression())
    >>> fitted = build(model, strategy, info, seed=0).fit(X, y)
    >>> fitted.ratios_
    array([1.8, 0.2])
    """

    name: ClassVar[str] = "prior_correction"
    uses_class_weights: ClassVar[bool] = True  # older versions stored scores without them

    def _learn(self, rows: TrainingRows) -> None:
        y = rows.labels
        trained, is_changed = weighted_shares(self.estimator_, self._labels, y)
        if not is_changed:
            raise Incompatible(
                "strategy=prior_correction corrects what a resampler, a sampler, class weights or "
                "an ensemble changed in the shares of the classes, but nothing did: add one, as "
                "in 'strategy=[random_under,prior_correction]'."
            )
        self.ratios_ = np.bincount(y) / len(y) / trained

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return corrected probabilities, shape (n, K)."""
        return normalised(super().predict_proba(X) * self.ratios_)
