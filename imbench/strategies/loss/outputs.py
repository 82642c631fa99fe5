"""Helpers of the losses: precision, one-hot labels, counts and sigmoid probabilities."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def at_least_float32(values: Tensor) -> Tensor:
    """Return float64 values unchanged, and all others in float32.

    Half precision is too coarse for a logarithm near zero.
    """
    return values if values.dtype == torch.float64 else values.float()


def is_true_class(logits: Tensor, y: Tensor) -> Tensor:
    """Return one-hot labels as bool, shape (..., B, K), for y of shape (..., B)."""
    return y.unsqueeze(-1) == torch.arange(logits.shape[-1], device=y.device)


def by_output(values: Tensor) -> Tensor:
    """Reshape values of the classes, (K,) or (M, K), to broadcast with logits (..., B, K)."""
    return values.unsqueeze(-2)


def of_true_class(values: Tensor, y: Tensor) -> Tensor:
    """Pick values of the classes, (K,) or (M, K), at the labels y, (B,) or (M, B)."""
    return values.expand(*y.shape[:-1], -1).gather(-1, y)


def class_sizes(counts: Tensor) -> Tensor:
    """Return counts of shape (..., K) in float64; a class without rows counts as one row.

    Its logarithm and its inverse are then finite. Such a class has no rows to train on, so the
    value only affects how low its logits become.
    """
    return counts.double().clamp_min(1)


def sigmoid_probabilities(logits: Tensor) -> Tensor:
    """Return the sigmoids of the outputs divided by their sum, shape (..., K).

    For losses that train K one-versus-rest outputs. A softmax of such logits is overconfident:
    with two classes and outputs -z and z it gives sigmoid(2 z) where the loss fitted sigmoid(z).
    """
    return F.logsigmoid(logits).softmax(-1)  # in logarithms: never 0 / 0
