"""Nets whose weights are kept apart from everything else that predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from imbench.errors import ImbenchError
from imbench.models.autoencoder import Autoencoder, mirrored
from imbench.models.nets.backbones.mlp import MLP
from imbench.models.nets.classifier import TorchClassifier
from imbench.models.nets.own_parts import build_body
from imbench.strategies.decision.lws import ScaledHead
from imbench.strategies.decision.nearest_class_mean import MeanHead
from imbench.strategies.loss.ldam import CosineHead

Head = dict[str, Any]


class WeightsApart:
    """Base class of nets that are saved without their weights.

    Attributes
    ----------
    net_ : torch.nn.Module
        On the CPU; missing between loading and :meth:`attach`.
    """

    net_: nn.Sequential

    def stored_weights(self) -> dict[str, Tensor]:
        """Return parameters and buffers by name, each with memory of its own."""
        found = self.net_.state_dict()
        return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}

    def attach(self, weights: dict[str, Tensor]) -> None:
        """Make the net and copy weights into it.

        Copied and not used as they are: a product may round differently on memory that is
        aligned differently.
        """
        with torch.random.fork_rng(devices=[]):  # initial weights draw numbers
            self.net_ = self._make()
        self.net_.load_state_dict(weights)
        self.net_.requires_grad_(False).eval()

    def _make(self) -> nn.Sequential:
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Return everything but the net."""
        return {name: value for name, value in vars(self).items() if name != "net_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what :meth:`__getstate__` returned."""
        vars(self).update(state)


class ServedNet(WeightsApart, TorchClassifier):
    """A trained net that can predict, and be saved as weights and plain values.

    Attributes
    ----------
    head : dict
        Kind and sizes of the head.
    scaled_by : object or None
        The loss whose probabilities a scaled head starts from.
    """

    @classmethod
    def of(cls, model: TorchClassifier) -> ServedNet:
        """Return a copy of a trained net with what predicts alone.

        Raises
        ------
        ImbenchError
            If the backbone or the head is not one of imbench.
        """
        backbone = model.backbone or MLP()
        if not type(backbone).__module__.startswith("imbench."):
            raise ImbenchError(
                f"the backbone {type(backbone).__name__} is your own, and a saved net can hold "
                "those of imbench alone: use model=mlp, cnn or resnet18."
            )
        keeps_loss = hasattr(model.loss, "probabilities")
        served = cls(backbone=_plain(backbone), loss=model.loss if keeps_loss else None)
        served.input_shape, served.amp = model.input_shape, model.amp
        served.device = "cpu"
        served.classes_, served.n_features_in_ = model.classes_, model.n_features_in_
        head = model.net_[1]
        served.head, served.scaled_by = head_of(head), getattr(head, "probabilities", None)
        served.scaled_by = getattr(served.scaled_by, "__self__", None)
        served.attach({name: value.detach().cpu() for name, value in _state(model.net_).items()})
        return served

    def _make(self) -> nn.Sequential:
        body, _ = build_body(self.backbone, self._shape())
        probabilities = getattr(self.scaled_by, "probabilities", None)
        return nn.Sequential(body, make_head(self.head, probabilities))


class ServedAutoencoder(WeightsApart, Autoencoder):
    """A trained autoencoder that can score rows."""

    @classmethod
    def of(cls, model: Autoencoder) -> ServedAutoencoder:
        """Return a copy of a trained autoencoder, on the CPU."""
        served = cls(hidden=[int(width) for width in model.hidden], device="cpu")
        served.threshold_, served.device_ = model.threshold_, "cpu"
        served.n_features = len(next(iter(model.net_.parameters()))[0])
        served.attach({name: value.detach().cpu() for name, value in _state(model.net_).items()})
        return served

    def _make(self) -> nn.Sequential:
        return mirrored(self.n_features, self.hidden)


def _state(net: nn.Module) -> dict[str, Tensor]:
    return dict(net.state_dict())


def _plain(backbone: Any) -> Any:
    """Return a backbone whose lists are tuples: they may be of another library's kind."""
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(backbone).items()
    }
    return type(backbone)(**values)


def head_of(head: nn.Module) -> Head:
    """Return kind and sizes of a head, as plain values.

    Raises
    ------
    ImbenchError
        If it is a head of a user's own.

    Examples
    --------
    >>> head_of(nn.Linear(8, 2))
    {'kind': 'linear', 'n_in': 8, 'n_out': 2, 'bias': True}
    """
    if type(head) is nn.Linear:
        bias = head.bias is not None
        return {
            "kind": "linear",
            "n_in": head.in_features,
            "n_out": head.out_features,
            "bias": bias,
        }
    if isinstance(head, CosineHead):
        n_out, n_in = head.weight.shape
        return {"kind": "cosine", "n_in": int(n_in), "n_out": int(n_out)}
    if isinstance(head, MeanHead):
        n_out, n_in = head.means.shape
        return {"kind": "means", "n_in": int(n_in), "n_out": int(n_out)}
    if isinstance(head, ScaledHead):
        return {"kind": "scaled", "n_out": len(head.scale), "head": head_of(head.head)}
    raise ImbenchError(
        f"the head {type(head).__name__} of the net is your own, and a saved net can hold those of "
        "imbench alone: use another loss."
    )


def make_head(head: Head, probabilities: Callable[[Tensor], Tensor] | None = None) -> nn.Module:
    """Return an untrained head of a kind and sizes that :func:`head_of` returned."""
    if head["kind"] == "linear":
        return nn.Linear(head["n_in"], head["n_out"], bias=head["bias"])
    if head["kind"] == "cosine":
        return CosineHead(head["n_in"], head["n_out"])
    if head["kind"] == "means":
        return MeanHead(torch.zeros(head["n_out"], head["n_in"]))
    return ScaledHead(make_head(head["head"]), head["n_out"], probabilities)
