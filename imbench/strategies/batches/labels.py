"""Read the labels of a PyTorch data set without loading its items, and encode them."""

from __future__ import annotations

import sys
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset


def read_labels(data: Any) -> NDArray[Any]:
    """Return the labels of a data set without loading its items.

    Parameters
    ----------
    data : Dataset, or array, tensor or list of labels
        ``TensorDataset`` of two tensors, torchvision's ``DatasetFolder`` and ``ImageFolder``, data
        sets with an attribute ``targets`` or ``labels`` or a method ``get_labels()``, and
        ``Subset`` and ``ConcatDataset`` of these, nested to any depth.

    Returns
    -------
    ndarray of shape (n,) or (n, L)

    Raises
    ------
    ValueError
        If reading the labels would load every item, or it is ambiguous which they are.

    Examples
    --------
    >>> import torch
    >>> from torch.utils.data import Subset, TensorDataset
    >>> data = TensorDataset(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]))
    >>> read_labels(Subset(data, [1, 3]))
    array([1, 0])
    """
    kind = type(data).__name__
    if isinstance(data, Subset):
        return read_labels(data.dataset)[np.asarray(data.indices, np.int64)]
    if isinstance(data, ConcatDataset):
        return np.concatenate([read_labels(part) for part in data.datasets])
    if isinstance(data, TensorDataset):
        if len(data.tensors) == 2:
            return as_array(data.tensors[1])
        raise ValueError(
            f"a TensorDataset of {len(data.tensors)} tensors does not say which are the labels: "
            "pass labels=."
        )
    if isinstance(data, Tensor | np.ndarray | list | tuple) or _is_array(data):
        return as_array(data)
    if isinstance(data, IterableDataset):
        raise ValueError(f"{kind} is an IterableDataset, whose items cannot be drawn by index.")
    if getattr(data, "target_transform", None) is not None:
        raise ValueError(
            f"{kind} has a target_transform, which may change the labels that it stores: "
            "pass labels= as your loop sees them."
        )
    found = _stored_labels(data)
    if found is None:
        raise ValueError(
            f"the labels of {kind} cannot be read without loading every item: pass labels=."
        )
    labels = as_array(found)
    if hasattr(data, "__len__") and len(data) != len(labels):
        raise ValueError(
            f"{kind} has {len(data)} items, but stores {len(labels)} labels: pass labels=."
        )
    return labels


def _is_array(data: Any) -> bool:
    return hasattr(data, "__array__") and not isinstance(data, Dataset)


def _stored_labels(data: Any) -> Any:
    folder = sys.modules.get("torchvision.datasets.folder")
    if folder is not None and isinstance(data, folder.DatasetFolder):
        # Items are loaded from `samples`; `targets` is a copy made at construction.
        return [label for _, label in data.samples]
    for name in ("targets", "labels"):
        if getattr(data, name, None) is not None:
            return getattr(data, name)
    return data.get_labels() if callable(getattr(data, "get_labels", None)) else None


def as_array(labels: Any) -> NDArray[Any]:
    """Return labels as an array of shape (n,), or (n, L) for several labels a row.

    Raises
    ------
    ValueError
        If there are no labels, or they are neither classes nor a matrix of 0 and 1.
    """
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu()
    try:
        array = np.asarray(labels)
    except (TypeError, ValueError, RuntimeError):  # rows of different lengths or kinds
        raise ValueError("labels must be classes, one a row; these are not of one kind.") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or not len(array):
        raise ValueError(
            "labels must be of shape (n,), or (n, L) with a 0 or 1 for each of L labels, "
            f"got shape {array.shape}."
        )
    if array.dtype.kind == "O":
        array = _plain(array)
    if array.dtype.kind not in "biufUS":
        raise ValueError(f"labels must be whole numbers or strings, got {array.dtype}.")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise ValueError("labels must be classes, but these are fractions or hold NaN.")
    if array.ndim == 2 and not np.isin(array, (0, 1)).all():
        raise ValueError("a matrix of labels must hold nothing but 0 and 1.")
    return array


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    for kind, dtype in ((str, np.str_), (Integral, np.int64)):
        if all(isinstance(value, kind) for value in array.flat):
            return array.astype(dtype)
    raise ValueError("labels must be all strings or all whole numbers, without None.")


def encode(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the sorted classes (K,) and the class number of each row (n,).

    O(n) for integers within a range of 4 n; O(n log n) by sorting for all others.
    """
    if labels.dtype.kind in "biuf":
        low, high = int(labels.min()), int(labels.max())
        if high - low <= 4 * len(labels):
            codes = labels.astype(np.int64) - low
            present = np.bincount(codes, minlength=high - low + 1) > 0
            number = np.cumsum(present) - 1
            return np.flatnonzero(present) + low, number[codes]
    classes, codes = np.unique(labels, return_inverse=True)
    return classes, codes


def rarest_labels(matrix: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rarest label of each row of a 0/1 matrix (n, L), L for none, and the counts.

    The counts have shape (L + 1,): rows of each label, and last the rows without any.
    """
    on = matrix.astype(bool)
    counts = np.append(on.sum(0), (~on.any(1)).sum()).astype(np.int64)
    by_rarity = np.argsort(counts[:-1], kind="stable")
    rarest = by_rarity[on[:, by_rarity].argmax(1)]
    return np.where(on.any(1), rarest, on.shape[1]), counts
