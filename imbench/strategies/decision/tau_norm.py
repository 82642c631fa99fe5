"""tau-normalised classifier, with tau chosen on inner folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from imbench.strategies.costs import Costs
from imbench.strategies.decision.aims import AimedRule, Metric
from imbench.strategies.decision.base import check_cv, splits_of
from imbench.strategies.decision.heads import HeadRule, linear_head
from imbench.strategies.decision.threshold import label_score
from imbench.strategies.facts import fitted_models
from imbench.strategies.fitted import scores_for
from imbench.strategies.fitting import Fitting, gather
from imbench.strategies.rows import TrainingRows

TAUS = tuple(step / 10 for step in range(11))  # the paper's grid


def tau_normalised(weight: Tensor, tau: float) -> Tensor:
    """Return w_c / ||w_c||^tau for a head's weights of shape (K, F)."""
    return weight / weight.norm(dim=1, keepdim=True).clamp_min(1e-12) ** tau


def normalised_head(old: nn.Linear, tau: float) -> nn.Linear:
    """Return a head with the weights of another, tau-normalised, and without its bias."""
    head = nn.Linear(old.in_features, old.out_features, bias=False, device=old.weight.device)
    with torch.no_grad():
        head.weight.copy_(tau_normalised(old.weight, tau))
    return head


class TauNormalisation(AimedRule, HeadRule):
    """Divide the head's weights of a class by their norm to the power tau, and drop the bias.

    Heads learn longer weights for larger classes; tau takes that back.

    Parameters
    ----------
    estimator : estimator
        A net with a linear head, or an ensemble of them.
    tau : float or None, default=None
        In [0, 1]. At 0 only the bias goes, at 1 all classes have weights of one length. None is
        the value of 0, 0.1, ..., 1 that scores best on inner folds.
    metric : str or callable, default="balanced_accuracy"
        What tau is chosen by, see :class:`imbench.strategies.decision.threshold.TunedThreshold`.
    subject_to, costs, minority, rare, class_names
        As there.
    cv : int, default=5
        Inner stratified folds, if tau is chosen.
    random_state : int or None
        Shuffle of the inner folds.

    Attributes
    ----------
    estimator_, classes_, n_fits_
        As in :class:`imbench.strategies.decision.base.DecisionRule`; ``estimator_`` holds the
        new heads.
    tau_ : float

    Raises
    ------
    Incompatible
        In ``fit``, if the loss brought a head that is not linear.
    ValueError
        In ``fit``, if tau is chosen and a class has fewer rows than there are inner folds.

    Notes
    -----
    The paper chooses tau by the accuracy on a validation set, which is balanced; on inner folds
    as imbalanced as the data that is the balanced accuracy. Of equally good values the smallest
    is taken, which changes least. For a number the classifier is fitted once.

    References
    ----------
    Kang et al. 2020, "Decoupling Representation and Classifier for Long-Tailed Recognition",
    arXiv 1910.09217, eq. 4; the grid: appendix.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from imbench.data.dataset import DatasetInfo
    >>> from imbench.models.base import Model
    >>> from imbench.models.nets.classifier import TorchClassifier
    >>> from imbench.pipeline.build import build
    >>> from imbench.strategies.base import Strategy
    >>> X, y = make_classification(200, weights=[0.9], random_state=0)
    >>> info = DatasetInfo("example", 20, ("common", "rare"), minority=1)
    >>> net = Model("mlp", TorchClassifier(epochs=1, device="cpu"))
    >>> strategy = Strategy(decision={"tau_norm": TauNormalisation})
    >>> fitted = build(net, strategy, info, seed=0).fit(X, y)
    >>> 0 <= fitted.tau_ <= 1
    True
    """

    name: ClassVar[str] = "tau_norm"
    is_softmax: ClassVar[bool] = False
    default_metric: ClassVar[str] = "balanced_accuracy"

    def __init__(
        self,
        estimator: Any,
        *,
        tau: float | None = None,
        metric: Metric | None = "balanced_accuracy",
        subject_to: Mapping[str, float] | None = None,
        costs: Costs | None = None,
        minority: str | None = None,
        rare: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        cv: int = 5,
        random_state: int | None = None,
    ) -> None:
        super().__init__(estimator, random_state=random_state)
        self.tau = tau
        self.metric = metric
        self.subject_to = subject_to
        self.costs = costs
        self.minority = minority
        self.rare = rare
        self.class_names = class_names
        self.cv = cv

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        is_number = isinstance(self.tau, int | float) and not isinstance(self.tau, bool)
        if self.tau is not None and not (is_number and 0 <= self.tau <= 1):
            raise ValueError(f"tau must lie in [0, 1] or be null, got tau={self.tau!r}.")
        self._check_aim()
        check_cv(self.cv)

    def _fit_inside(self, rows: TrainingRows) -> Fitting[None]:
        yield from super()._fit_inside(rows)
        if self.tau is not None:
            self.tau_ = float(self.tau)
            return
        y = rows.labels
        splits, self.notes_ = splits_of(rows, self.cv, self.name, self.random_state)
        found = yield from gather(self._held_out_labels(rows, *split) for split in splits)
        self.n_fits_ = len(splits) + 1
        predicted = np.empty((len(TAUS), len(y)), np.int64)
        for (_, held_out), own in zip(splits, found, strict=True):
            predicted[:, held_out] = own
        n_classes = len(self.classes_)
        aim = self._aim(np.bincount(y, minlength=n_classes))
        scores = [label_score(y, labels, n_classes, aim) for labels in predicted]
        self.tau_ = TAUS[max(range(len(TAUS)), key=scores.__getitem__)]  # the first of the best

    def _held_out_labels(
        self, rows: TrainingRows, train: NDArray[np.int64], held_out: NDArray[np.int64]
    ) -> Fitting[NDArray[np.int64]]:
        """Fit to an inner fold, and return the labels of the others with each tau, (n_taus, m)."""
        fitted = yield from self._fit_clone(rows[train])
        return np.stack(
            [
                scores_for(fitted, rows.X[held_out], self._labels).argmax(1)
                for _ in self._with_each_tau(fitted)
            ]
        )

    def _with_each_tau(self, fitted: Any) -> Iterator[float]:
        """Normalise the heads of a fitted estimator with one tau after another, in place."""
        models = [pipeline.named_steps["model"] for pipeline in fitted_models(fitted)]
        old = [linear_head(model.net_, self.name) for model in models]
        for tau in TAUS:
            for model, head in zip(models, old, strict=True):
                model.net_[1] = normalised_head(head, tau)
            yield tau

    def _new_head(self, model: Any, features: Tensor, y: Tensor, generator: Generator) -> nn.Module:
        return normalised_head(linear_head(model.net_, self.name), self.tau_)
