"""Stack nets of one shape into one net, with a leading axis on parameters and batches.

Called by :mod:`imbench.models.nets.training`. Matrix products of small nets are too short to fill a
machine; those of a stack are one batched product. Layers without a stacked form (convolutions,
batch normalisation) are trained one net at a time, in the same loop, as a stack of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn


class StackedLinear(nn.Module):
    """Linear layers of M nets.

    Parameters
    ----------
    layers : sequence of Linear
        Of one shape; their weights are copied.

    Attributes
    ----------
    weight : Parameter of shape (M, out, in)
    bias : Parameter of shape (M, out) or None
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([m.weight.detach() for m in layers]))
        biases = [m.bias.detach() for m in layers if m.bias is not None]
        self.bias = nn.Parameter(torch.stack(biases)) if biases else None

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (M, B, in) to (M, B, out)."""
        if self.bias is None:
            return torch.bmm(x, self.weight.transpose(1, 2))
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.transpose(1, 2))


class StackedFlatten(nn.Module):
    """(M, B, ...) to (M, B, d)."""

    def forward(self, x: Tensor) -> Tensor:
        """Flatten everything behind the rows."""
        return x.flatten(2)


class StackedDropout(nn.Module):
    """Dropout with a generator a net, so that a net draws what it draws alone.

    Parameters
    ----------
    p : float

    Attributes
    ----------
    generators : list of torch.Generator
        Set by the trainer.
    sizes : sequence of int
        Rows of each net in the present batch, set by the trainer; what follows is padding.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generators: Sequence[Generator] = ()
        self.sizes: Sequence[int] = ()

    def forward(self, x: Tensor) -> Tensor:
        """Drop units of x (M, B, F) in training."""
        if not self.training:
            return x
        kept = torch.zeros_like(x)
        for net, (generator, size) in enumerate(zip(self.generators, self.sizes, strict=True)):
            drawn = torch.rand((size, *x.shape[2:]), generator=generator, device=x.device)
            kept[net, :size] = (drawn >= self.p).to(x.dtype)
        return x * kept / (1 - self.p)


class Alone(nn.Module):
    """Any module as a stack of one.

    Parameters
    ----------
    module : Module
        Trained in place.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """Map (1, B, ...) to (1, B, ...)."""
        return self.module(x.squeeze(0)).unsqueeze(0)


def can_stack(module: nn.Module) -> bool:
    """Whether every layer of a net has a stacked form.

    Layers of others have one if they offer ``stacked(modules) -> Module``, a static method that
    copies their parameters, of which every one gets a leading axis, in the same order.
    """
    if hasattr(module, "stacked"):
        return True
    if isinstance(module, nn.Sequential):
        return all(map(can_stack, module))
    if isinstance(module, nn.Flatten):
        return (module.start_dim, module.end_dim) == (1, -1)
    return type(module) in (nn.Linear, nn.ReLU, nn.Identity, nn.Dropout)


def stacked(modules: Sequence[nn.Module]) -> nn.Module:
    """Return modules of one architecture as one, from (M, B, ...) to (M, B, ...).

    Parameters
    ----------
    modules : sequence of Module
        All of them pass :func:`can_stack`.
    """
    first = modules[0]
    if hasattr(first, "stacked"):
        return first.stacked(modules)  # type: ignore[operator]
    if isinstance(first, nn.Sequential):
        return nn.Sequential(*[stacked(layers) for layers in zip(*modules, strict=True)])
    if isinstance(first, nn.Linear):
        return StackedLinear(modules)  # type: ignore[arg-type]
    if isinstance(first, nn.Flatten):
        return StackedFlatten()
    return StackedDropout(first.p) if isinstance(first, nn.Dropout) else first


class Stack(nn.Module):
    """M nets of one architecture, each of them ``Sequential(body, head)``.

    Parameters
    ----------
    nets : sequence of Sequential
        One net of any kind, or several that pass :func:`can_stack`.

    Attributes
    ----------
    leading : bool
        Whether the parameters have the axis of the nets; False for a net :class:`Alone`.
    """

    def __init__(self, nets: Sequence[nn.Sequential]) -> None:
        super().__init__()
        self.nets = list(nets)  # a list: the parameters of the nets are not those of the stack
        self.leading = can_stack(nets[0])
        if not self.leading and len(nets) > 1:
            raise ValueError(f"a net of {type(nets[0][0]).__name__} cannot be stacked.")
        parts = [[net[i] for net in nets] for i in range(2)]
        self.body, self.head = (stacked(p) if self.leading else Alone(p[0]) for p in parts)

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (M, B, ...) to logits (M, B, K)."""
        return self.head(self.body(x))

    def dropouts(self) -> list[StackedDropout]:
        """Return the dropout layers, which want generators and sizes."""
        return [m for m in self.modules() if isinstance(m, StackedDropout)]

    @torch.no_grad()
    def unstack(self) -> None:
        """Copy the parameters back into the nets."""
        if not self.leading:
            return
        for i, net in enumerate(self.nets):
            for target, source in zip(net.parameters(), self.parameters(), strict=True):
                target.copy_(source[i])
