"""Choose the device that a net is trained on."""

from __future__ import annotations

import torch


def select_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    ValueError
        If the name is another one, or if there is no CUDA device for ``cuda``.

    Examples
    --------
    >>> select_device("cpu")
    device(type='cpu')
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got device={name}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "device=cuda, but PyTorch sees no CUDA device: set device=cpu or device=auto."
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
