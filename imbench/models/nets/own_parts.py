"""Backbones and losses of users: what is missing is said in a sentence."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from imbench.strategies.protocols import RowLoss

HOW_TO = "see docs/own_models.md"


def bind_loss(loss: Any, counts: Tensor) -> RowLoss:
    """Return a loss for training counts of shape (K,).

    A loss without ``bind``, such as a plain module of PyTorch, needs no counts: it is called with
    logits (B, K) and labels (B,) itself. A module is copied to the device of the counts.

    Examples
    --------
    >>> loss = bind_loss(nn.CrossEntropyLoss(reduction="none"), torch.tensor([9, 1]))
    >>> loss(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1]))
    tensor([0.1269, 2.1269])
    """
    if hasattr(loss, "bind"):
        bound: RowLoss = loss.bind(counts)
        return bound
    plain: RowLoss = loss
    return copy.deepcopy(loss).to(counts.device) if isinstance(loss, nn.Module) else plain


def check_backbone(backbone: Any) -> None:
    """Raise ValueError unless a backbone has ``build``; called before anything runs.

    A module itself is refused too: it is made once, so that all folds would start from the same
    weights, whatever the seed.
    """
    if not callable(getattr(backbone, "build", None)):
        raise ValueError(
            f"backbone {type(backbone).__name__} has no method build(input_shape) that returns a "
            f"new torch.nn.Module and the number of its outputs: {HOW_TO}."
        )


def build_body(backbone: Any, shape: tuple[int, ...]) -> tuple[nn.Module, int]:
    """Return the body of a net for rows of a shape, and the number of its outputs.

    The bodies of users are called with two rows of zeros. This draws no random number.

    Raises
    ------
    ValueError
        If ``build`` returns anything else, or if the body cannot take rows of the shape or returns
        another shape than (n, n_features).

    Examples
    --------
    >>> class Wide:
    ...     def build(self, input_shape):
    ...         return nn.Linear(*input_shape, 5), 5
    >>> build_body(Wide(), (3,))
    (Linear(in_features=3, out_features=5, bias=True), 5)
    """
    built = backbone.build(shape)
    name = type(backbone).__name__
    is_pair = isinstance(built, tuple) and len(built) == 2
    if not (is_pair and isinstance(built[0], nn.Module) and isinstance(built[1], int)):
        found = (
            f"({', '.join(type(part).__name__ for part in built)})"
            if isinstance(built, tuple)
            else type(built).__name__
        )
        raise ValueError(
            f"backbone {name}: build(input_shape={shape}) must return a torch.nn.Module and the "
            f"number of its outputs, got {found}: {HOW_TO}."
        )
    body, n_features = built
    if not type(backbone).__module__.startswith("imbench."):
        _try(body, n_features, shape, name)
    return body, n_features


def _try(body: nn.Module, n_features: int, shape: tuple[int, ...], name: str) -> None:
    """Call a body on two rows; in evaluation, where dropout and running means do nothing."""
    body.eval()
    try:
        with torch.no_grad():
            found = body(torch.zeros(2, *shape))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0].removesuffix(".")
        raise ValueError(
            f"backbone {name}: the module cannot take rows of shape {shape}, float32 ({reason}): "
            f"{HOW_TO}."
        ) from error
    finally:
        body.train()
    if not isinstance(found, Tensor) or found.shape != (2, n_features):
        what = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise ValueError(
            f"backbone {name}: the module returns {what} for 2 rows, but build says "
            f"(2, {n_features}): {HOW_TO}."
        )
