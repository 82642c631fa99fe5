"""Find out what a loss does by calling it on a few rows, instead of trusting what it declares.

Called by :class:`imbench.models.nets.classifier.TorchClassifier` at the start of each fit and by
:func:`imbench.pipeline.build.build`. A wrong declaration raises no error later: row weights have
no effect, or nets of different folds share class sizes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from imbench.models.nets.own_parts import bind_loss
from imbench.strategies.nets.randomness import seeded
from imbench.strategies.protocols import Loss

CPU = torch.device("cpu")
N_ROWS = 8  # of a batch
HALF = N_ROWS // 2
PROGRESS = (0.0, 0.99)  # for losses that change during training


@dataclass(frozen=True)
class LossFacts:
    """How a loss behaves.

    Parameters
    ----------
    batch_level : bool
        The loss of a row depends on the other rows of its batch, so rows cannot be weighted.
    stacks : bool
        One call for M nets equals M calls, so nets of different folds can share it.
    """

    batch_level: bool
    stacks: bool


@dataclass(frozen=True, eq=False)
class _Batch:
    """Random rows for one net, or with a leading axis for M nets.

    Parameters
    ----------
    counts : Tensor of shape (..., K)
    logits : Tensor of shape (..., B, K)
    y : Tensor of shape (..., B)
    features : Tensor of shape (..., B, F)
    """

    counts: Tensor
    logits: Tensor
    y: Tensor
    features: Tensor

    def net(self, m: int) -> _Batch:
        """Return the batch of one net."""
        return _Batch(self.counts[m], self.logits[m], self.y[m], self.features[m])


def probe_loss(loss: Loss, counts: Tensor, n_features: int = 6) -> LossFacts:
    """Call a copy of a loss on a few random rows and return how it behaves.

    Parameters
    ----------
    loss : Loss
        Copied first, so that it is neither bound nor changed.
    counts : Tensor of shape (K,)
        Training rows of each class. All calls run on the CPU.
    n_features : int, default=6
        Width of the features, for a loss with ``uses_features``.

    Returns
    -------
    LossFacts
        ``batch_level`` is also true if the loss declares it: a few rows can show that rows
        depend on each other, but not that they never do. ``stacks`` is true if the loss
        declares it and the calls agree.

    Raises
    ------
    ValueError
        If the loss does not return one loss a row.

    Notes
    -----
    No generator is advanced: the global one is restored, and seeded alike before each call, so
    that the values of a loss that draws from it can be compared.

    Examples
    --------
    >>> import torch
    >>> from imbench.strategies.loss.focal import FocalLoss
    >>> from imbench.strategies.loss.soft_f1 import SoftF1Loss
    >>> probe_loss(FocalLoss(), torch.tensor([90, 10]))
    LossFacts(batch_level=False, stacks=True)
    >>> probe_loss(SoftF1Loss(), torch.tensor([90, 10]))
    LossFacts(batch_level=True, stacks=True)
    """
    loss = copy.deepcopy(loss)
    batch_level = bool(getattr(loss, "batch_level", False))
    stacks = bool(getattr(loss, "stacks", False))
    with seeded(0, CPU):
        nets = _random_batches(loss, counts.cpu(), n_features)
        first = nets.net(0)
        for progress in PROGRESS if getattr(loss, "uses_progress", False) else (None,):
            losses = _losses(loss, first, progress)
            _check_shape(loss, losses, first.y)
            if not batch_level:
                batches = _with_other_rows(first, nets.net(1))
                changed = [_losses(loss, batch, progress) for batch in batches]
                batch_level = not all(_equal(losses[:HALF], other[:HALF]) for other in changed)
            stacks = stacks and _equals_net_by_net(loss, nets, progress, losses)
    return LossFacts(batch_level, stacks)


def _random_batches(loss: Any, counts: Tensor, n_features: int) -> _Batch:
    """Return batches for two nets, or for three where there are two classes.

    The nets differ in class sizes, labels and logits, so that a loss that mixes them up gives
    other values. Their number is never that of the rows or classes, so that a tensor that is
    laid out for another axis does not fit by accident.
    """
    n_classes = len(counts)
    n_nets = 3 if n_classes == 2 else 2
    generator = Generator().manual_seed(0)
    place = torch.arange(n_classes)
    sizes = [counts.roll(m) * (1 + m * place) for m in range(n_nets)]
    # The two rarest and the two largest classes: losses treat those differently.
    classes = counts.argsort()[[0, -1, min(1, n_classes - 1), -2]]
    y = torch.stack([classes.roll(m).repeat(N_ROWS // 4) for m in range(n_nets)])
    logits = 3 * torch.randn((n_nets, N_ROWS, n_classes), generator=generator)
    features = torch.randn((n_nets, N_ROWS, n_features), generator=generator)
    if hasattr(loss, "make_head"):
        # Its outputs may have a range of their own, such as cosines.
        with torch.no_grad():
            head = loss.make_head(n_features, n_classes)
            logits = torch.stack([head(rows) for rows in features])
    return _Batch(torch.stack(sizes), logits, y, features)


def _with_other_rows(batch: _Batch, other: _Batch) -> list[_Batch]:
    """Return two batches with another second half.

    One has rows of another batch, labelled with their highest logit. One has the same rows,
    labelled with their lowest: a loss that keeps only the hardest rows of a batch then drops
    others. Logits stay as they are: the outputs of a loss's own head may have constraints.
    """
    easy = other.logits, other.logits.argmax(-1), other.features
    hard = batch.logits, batch.logits.argmin(-1), batch.features
    return [
        _Batch(
            batch.counts,
            torch.cat([batch.logits[:HALF], logits[HALF:]]),
            torch.cat([batch.y[:HALF], y[HALF:]]),
            torch.cat([batch.features[:HALF], features[HALF:]]),
        )
        for logits, y, features in (easy, hard)
    ]


def _losses(loss: Any, batch: _Batch, progress: float | None) -> Any:
    """Bind a loss to the counts of a batch and return what it gives for the rows."""
    torch.default_generator.manual_seed(0)
    bound = bind_loss(loss, batch.counts)
    features = [batch.features] if getattr(loss, "uses_features", False) else []
    keywords = {} if progress is None else {"progress": progress}
    # As in training, where a loss may use the gradient of the logits.
    found = bound(batch.logits.clone().requires_grad_(), batch.y.clone(), *features, **keywords)
    return found.detach() if isinstance(found, Tensor) else found


def _check_shape(loss: object, found: Any, y: Tensor) -> None:
    name = type(loss).__name__
    if isinstance(found, Tensor) and found.shape == y.shape:
        return
    what = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
    raise ValueError(
        f"the loss {name} returns {what} for a batch of {len(y)} rows, but one loss a row is "
        f"needed, shape ({len(y)},): use reduction='none' and leave the mean to the trainer."
    )


def _equals_net_by_net(
    loss: object, nets: _Batch, progress: float | None, of_first: Tensor
) -> bool:
    """Whether one call for all nets gives what a call for each net gives.

    ``of_first`` are the losses of the first net, which are known already.
    """
    try:
        together = _losses(loss, nets, progress)
    except Exception:  # whatever a loss raises on an axis that it does not know
        return False
    if not isinstance(together, Tensor) or together.shape != nets.y.shape:
        return False
    others = [_losses(loss, nets.net(m), progress) for m in range(1, len(nets.y))]
    return _equal(together, torch.stack([of_first, *others]))


def _equal(found: Tensor, expected: Tensor) -> bool:
    """Whether losses are the same up to the rounding of float32."""
    return torch.allclose(found.float(), expected.float(), rtol=1e-4, atol=1e-6, equal_nan=True)
