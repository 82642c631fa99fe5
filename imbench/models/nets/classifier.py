"""A PyTorch net as a scikit-learn classifier, with the four in-training stages."""

from __future__ import annotations

import re
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Generator, Tensor, nn

from imbench.models.mixin import ModelMixin
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.job import Job, Settings, Stages
from imbench.models.nets.own_parts import bind_loss, build_body, check_backbone
from imbench.models.nets.probe import LossFacts, probe_loss
from imbench.models.nets.rows import Rows
from imbench.models.nets.schedule import threads_for_scoring, train_all
from imbench.models.nets.training import forward
from imbench.models.nets.weighting import checked_weight, weights_in_training, with_row_weights
from imbench.models.validation import validation_rows
from imbench.strategies import IN_TRAINING
from imbench.strategies.facts import TrainingFacts
from imbench.strategies.fitting import Fitting, Request, run, single_answer
from imbench.strategies.loss.cross_entropy import CrossEntropyLoss
from imbench.strategies.nets.randomness import seeded

if TYPE_CHECKING:
    from imbench.strategies.protocols import Augment, Batches, Loss, Weights
from imbench.strategies.nets.device import select_device

KINDS = (np.float32, np.uint8)


NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d*)?(e[-+]?\d+)?(?![\w.])")


class TorchClassifier(ModelMixin, ClassifierMixin, BaseEstimator):
    """Train a backbone with a linear head; every in-training stage is a parameter.

    Parameters
    ----------
    backbone : object with ``build(input_shape) -> (Module, n_features)`` or None
        None is ``MLP()``. The trainer adds the head.
    batches, augment, weights, loss : objects or None
        The stages, see :mod:`imbench.strategies.protocols`. None for ``loss`` is cross-entropy.
    optimizer : {"adam", "adamw", "sgd"}, default="adam"
        SGD has momentum 0.9.
    lr : float, default=1e-3
    weight_decay : float, default=0.0
    epochs : int, default=20
    batch_size : int, default=64
    validation_fraction : float, default=0.1
        Share of the training rows of each class that is held out for the validation score by
        epoch, in [0, 1). The score is recorded; nothing is chosen by it.
    input_shape : tuple of int or None
        Shape of one row; None takes rows as they are. Images: (C, H, W).
    device : {"auto", "cpu", "cuda"}, default="auto"
    amp : bool, default=False
        Mixed precision: bfloat16 in the net, float32 in loss and parameters.
    compile : False
        Accepted because stored run ids may contain it; any other value is refused.
    random_state : int or None
        Initial weights, validation rows, order of batches and dropout.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    net_ : torch.nn.Sequential
        ``body`` and ``head``.
    history_ : ndarray of shape (n_epochs, 2)
        Training loss and validation score (balanced accuracy) by epoch.
    class_counts_ : ndarray of shape (K,)
        Rows of each class drawn in an epoch, on average.
    device_ : str
    n_features_in_ : int

    Notes
    -----
    Resampled rows are copies or neighbors of each other. To validate on original rows, pass them to
    :meth:`fit`, as :class:`imbench.pipeline.pipeline.HoldoutPipeline` does.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench.strategies.loss.focal import FocalLoss
    >>> X = np.array([[0.0], [0.2], [0.1], [0.9], [1.0], [0.8]] * 4)
    >>> y = np.array([0, 0, 0, 1, 1, 1] * 4)
    >>> net = TorchClassifier(loss=FocalLoss(), epochs=40, lr=0.01, device="cpu", random_state=0)
    >>> net.fit(X, y).predict([[0.0], [1.0]]).tolist()
    [0, 1]
    """

    training_stages: ClassVar[tuple[str, ...]] = IN_TRAINING
    predicts_likeliest: ClassVar[bool] = True  # `predict` is the argmax of `predict_proba`

    def __init__(
        self,
        backbone: Any = None,
        *,
        batches: Batches | None = None,
        augment: Augment | None = None,
        weights: Weights | None = None,
        loss: Loss | None = None,
        optimizer: Literal["adam", "adamw", "sgd"] = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        epochs: int = 20,
        batch_size: int = 64,
        validation_fraction: float = 0.1,
        input_shape: tuple[int, ...] | None = None,
        device: str = "auto",
        amp: bool = False,
        compile: Literal[False] = False,
        random_state: int | None = None,
    ) -> None:
        self.backbone = backbone
        self.batches = batches
        self.augment = augment
        self.weights = weights
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.input_shape = input_shape
        self.device = device
        self.amp = amp
        self.compile = compile
        self.random_state = random_state

    @property
    def trains_in_stacks(self) -> bool:  # type: ignore[override]
        """Whether several such nets can be trained as one, and are worth it."""
        return bool(getattr(self.backbone or MLP(), "stacks", False))

    def check_params(self) -> None:
        """Raise ValueError for a value outside of its range; called before anything runs."""
        if self.optimizer not in ("adam", "adamw", "sgd"):
            raise ValueError(f"optimizer must be adam, adamw or sgd, got {self.optimizer!r}.")
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}.")
        if not isinstance(self.lr, Real) or not 0 < self.lr < float("inf"):
            raise ValueError(f"lr must be a number above 0, got {self.lr!r}.")
        if not isinstance(self.weight_decay, Real) or not 0 <= self.weight_decay < float("inf"):
            raise ValueError(
                f"weight_decay must be a number of at least 0, got {self.weight_decay!r}."
            )
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must lie in [0, 1), got {self.validation_fraction!r}."
            )
        if self.compile:
            raise ValueError(
                f"compile must be false, got {self.compile!r}: torch.compile was removed, because "
                "it trained these nets 2.5 to 4.9 times slower on CPUs."
            )
        check_backbone(self.backbone or MLP())
        select_device(self.device)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ...] | None = None,
    ) -> Self:
        """Train the net.

        Parameters
        ----------
        X : array of shape (n, d)
            Numbers, or uint8 pixels.
        y : array of shape (n,)
        sample_weight : array of shape (n,) or None
            Multiplies what the `weights` stage says.
        validation : (X, y) or (X, y, sample_weight) or None
            Validation rows; None holds out ``validation_fraction`` of the rows given. The curve
            of their balanced accuracy counts all of them the same.
        """
        return run(self.fitting(X, y, sample_weight, validation))

    def fitting(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ...] | None = None,
    ) -> Fitting[Self]:
        """Return a generator that does what :meth:`fit` does, and requests the training.

        See :mod:`imbench.strategies.fitting`.
        """
        self.check_params()
        job = self._job(X, y, sample_weight, validation)
        del X, validation  # the job holds the rows, and nobody else should while it waits
        training = single_answer((yield [Request(job, train_all, job.n_bytes)]))
        self.history_ = training.history
        self.class_counts_ = training.rows_seen
        self.device_ = str(job.rows.y.device)
        return self

    def _job(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        validation: tuple[ArrayLike, ...] | None,
    ) -> Job:
        """Return what is to be trained; sets ``classes_`` and ``net_``."""
        rows_in, labels = self._checked(X, y)
        self.classes_, encoded = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class ({self.classes_[0]!r}); a classifier needs two.")
        weight = None if sample_weight is None else checked_weight(sample_weight, len(labels))
        device = select_device(self.device)
        seed = int(np.random.default_rng(self.random_state).integers(2**31))
        scored = rows_in[:0], encoded[:0]
        if validation is not None:
            X_scored, y_scored = self._checked(validation[0], validation[1], is_new=False)
            scored = X_scored, np.searchsorted(self.classes_, y_scored)
        elif self.validation_fraction:
            rng = np.random.default_rng(self.random_state)
            held_out = validation_rows(encoded, self.validation_fraction, rng)
            scored = rows_in[held_out], encoded[held_out]
            rows_in, encoded = rows_in[~held_out], encoded[~held_out]
            weight = None if weight is None else weight[~held_out]
        weight = with_row_weights(self.weights, rows_in, encoded, weight)
        counts = np.bincount(encoded, minlength=len(self.classes_))
        self._class_weights = weights_in_training(self.weights, counts, self.epochs)
        rows = self._rows(rows_in, encoded, weight, device)
        with seeded(seed, device):
            net = self._make_net()
            self.net_ = net if device.type == "cpu" else net.to(device)
        return Job(
            net=self.net_,
            rows=rows,
            validation=self._rows(*scored, None, device) if len(scored[1]) else None,
            stages=self._bound(rows),
            settings=self._settings(),
            generator=Generator(device).manual_seed(seed),
            kind=self._kind(),
            loss_kind=repr(self.loss),
        )

    def training_facts(self) -> TrainingFacts:
        """Return what is known of the training; called after ``fit``."""
        return TrainingFacts(
            classes=self.classes_,
            class_counts=self.class_counts_,
            device=self.device_,
            history=self.history_,
            validation_fraction=self.validation_fraction,
            has_batches=self.batches is not None,
            class_weights=self._class_weights[0],
            weights_change=self._class_weights[1],
        )

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of shape (n, K): a softmax, unless the loss has other outputs."""
        check_is_fitted(self)
        rows = self._inputs(X)
        with threads_for_scoring(self.net_, len(rows)):
            logits = forward(self.net_, rows, self.amp).double()
        probabilities = getattr(self.loss, "probabilities", partial(torch.softmax, dim=-1))
        return probabilities(logits).cpu().numpy()

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row, shape (n,)."""
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(1)]

    def embed(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the features before the head, shape (n, n_features)."""
        check_is_fitted(self)
        return forward(self.net_[0], self._inputs(X), self.amp).float().cpu().numpy()

    def _checked(
        self, X: ArrayLike, y: ArrayLike, is_new: bool = True
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return rows (n, d) and labels (n,) that go together, or raise what scikit-learn does."""
        rows, labels = validate_data(self, X, y, dtype=list(KINDS), order="C", reset=is_new)
        check_classification_targets(labels)
        return rows, labels

    def _shape(self) -> tuple[int, ...]:
        shape = tuple(self.input_shape or (self.n_features_in_,))
        if int(np.prod(shape)) != self.n_features_in_:
            raise ValueError(
                f"input_shape={shape} has {int(np.prod(shape))} values a row, "
                f"but X has {self.n_features_in_} columns."
            )
        return shape

    def _make_net(self) -> nn.Sequential:
        body, n_features = build_body(self.backbone or MLP(), self._shape())
        make_head = getattr(self.loss, "make_head", nn.Linear)
        return nn.Sequential(body, make_head(n_features, len(self.classes_)))

    def _bound(self, rows: Rows) -> Stages:
        """Return the stages, bound to the class counts of the training rows.

        Raises
        ------
        ValueError
            If the loss does not return one loss a row, or if its rows depend on each other and
            something is there to weight them.
        """
        counts = torch.bincount(rows.y, minlength=len(self.classes_))
        loss = self.loss or CrossEntropyLoss()
        if self.loss is None:
            facts = LossFacts(batch_level=False, stacks=True)
        else:
            facts = probe_loss(loss, counts, getattr(self.net_[1], "in_features", 6))
        weighing = {
            "weights": self.weights is not None,
            "sample_weight": rows.weight is not None,
            "augment": getattr(self.augment, "mixes_labels", False),
        }
        for name, is_given in weighing.items():
            if facts.batch_level and is_given:
                raise ValueError(
                    f"the loss {type(loss).__name__} of a row depends on the other rows of its "
                    f"batch, so {name} cannot weight rows: leave one of the two out, or return "
                    "one independent loss a row."
                )
        return Stages(
            loss=bind_loss(loss, counts),
            loss_uses_features=getattr(loss, "uses_features", False),
            loss_uses_progress=getattr(loss, "uses_progress", False),
            loss_is_batch_level=facts.batch_level,
            stack_loss=loss.bind if facts.stacks else None,
            batches=self.batches,
            augment=self.augment.bind(counts) if self.augment is not None else None,
            augment_uses_balanced_rows=getattr(self.augment, "uses_balanced_rows", False),
            weights=self.weights,
        )

    def _kind(self) -> object:
        """Return what nets must have in common to be trained as one, beside their shape.

        Numbers may differ, as they do between trials. Stages without a ``repr`` of their own
        are equal to nothing but themselves.
        """
        stages = (self.loss, self.batches, self.augment, self.weights)
        return tuple(NUMBER.sub("#", repr(stage)) for stage in stages)

    def _settings(self) -> Settings:
        return Settings(
            n_classes=len(self.classes_),
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            lr=self.lr,
            weight_decay=self.weight_decay,
            amp=self.amp,
        )

    def _rows(
        self,
        X: NDArray[Any],
        y: NDArray[np.int64],
        sample_weight: NDArray[np.float32] | None,
        device: torch.device,
    ) -> Rows:
        # Rows of a data set may be read-only, and PyTorch warns about tensors on such memory.
        x = torch.from_numpy(X).to(device) if X.flags.writeable else torch.tensor(X, device=device)
        x = x.view(-1, *self._shape())
        weight = None if sample_weight is None else torch.tensor(sample_weight, device=device)
        return Rows(x, torch.tensor(y, device=device), weight)

    def _inputs(self, X: ArrayLike) -> Tensor:
        rows = validate_data(self, X, dtype=list(KINDS), order="C", reset=False)
        # A copy, also because matrix products may round differently on memory that is aligned
        # differently, and NumPy's is by chance.
        device = next(self.net_.parameters()).device
        return torch.tensor(rows, device=device).view(-1, *self._shape())
