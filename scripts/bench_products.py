"""Measure the products of linear layers, by the routine that is chosen and as PyTorch takes them.

python scripts/bench.py products          a table
python scripts/bench.py products --smoke  one small shape, for correctness

A layer of M nets maps (M, B, in) to (M, B, out). "As they come" are batched products with weights
(M, in, out), as autograd calls them; "chosen" is what imbench/models/products.py decides. Both are
float32 with one thread; a time is the best of several rounds of calls, in microseconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from imbench.models.nets.products import of_weight, outputs, through
from imbench.models.nets.schedule import intra_op_threads
from imbench.models.nets.stack import StackedLinear

ROUNDS, ROUND_S = 5, 0.02


@dataclass(frozen=True)
class Shape:
    """A layer of M nets and the rows of a batch."""

    nets: int
    rows: int
    inputs: int
    outputs: int

    def __str__(self) -> str:
        return f"{self.nets} x {self.rows} rows, {self.inputs} to {self.outputs}"


SHAPES = (
    Shape(50, 64, 10, 64),
    Shape(50, 64, 64, 2),
    Shape(50, 64, 64, 10),
    Shape(50, 64, 64, 16),
    Shape(10, 64, 30, 256),
    Shape(20, 64, 256, 2),
    Shape(1, 64, 256, 10),
    Shape(1, 64, 256, 128),
    Shape(1, 64, 784, 256),
    Shape(1, 256, 784, 256),
)


@dataclass(frozen=True)
class Times:
    """Microseconds of a product in both ways."""

    as_they_come: float
    chosen: float


def microseconds(call: Callable[[], object], rounds: int, round_s: float) -> float:
    """Return the time of a call, the best of several rounds."""
    call()
    started = time.perf_counter()
    call()
    n_calls = max(1, int(round_s / (time.perf_counter() - started)))
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(n_calls):
            call()
        best = min(best, (time.perf_counter() - started) / n_calls)
    return 1e6 * best


def products(shape: Shape) -> dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]]:
    """Return the three products of a training step, as they come and as chosen."""
    layer = StackedLinear([nn.Linear(shape.inputs, shape.outputs) for _ in range(shape.nets)])
    assert layer.bias is not None
    weight, bias = layer.weight.detach(), layer.bias.detach()
    plain = weight.transpose(1, 2).contiguous() if layer.outputs_first else weight
    x = torch.randn(shape.nets, shape.rows, shape.inputs)
    slope = torch.randn(shape.nets, shape.rows, shape.outputs)
    turned_slope = slope.transpose(1, 2).contiguous()

    def forward() -> Tensor:
        if layer.outputs_first:
            return outputs(x, weight, bias)
        return torch.baddbmm(bias.unsqueeze(1), x, weight)

    def backward() -> Tensor:
        if layer.outputs_first:
            return of_weight(x, turned_slope).transpose(1, 2)
        return torch.bmm(x.transpose(1, 2), slope)

    outputs_in = weight if layer.outputs_first else weight.transpose(1, 2)
    return {
        "outputs": (lambda: torch.baddbmm(bias.unsqueeze(1), x, plain), forward),
        "gradient of weights": (lambda: torch.bmm(x.transpose(1, 2), slope), backward),
        "gradient of inputs": (
            lambda: torch.bmm(slope, plain.transpose(1, 2)),
            lambda: through(slope, outputs_in),
        ),
    }


def measure(shape: Shape, rounds: int = ROUNDS, round_s: float = ROUND_S) -> dict[str, Times]:
    """Return the times of the three products."""
    return {
        name: Times(*(microseconds(way, rounds, round_s) for way in ways))
        for name, ways in products(shape).items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table row a shape."""
    parser = argparse.ArgumentParser(
        prog="bench.py products",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--smoke", action="store_true", help="one small shape, for correctness")
    options = parser.parse_args(argv)
    shapes = (Shape(2, 4, 3, 2),) if options.smoke else SHAPES
    print("| layer | outputs | gradient of weights | gradient of inputs |")
    print("|---|---|---|---|")
    rows = []
    with intra_op_threads(1):
        for shape in shapes:
            found = measure(shape, 1, 0.0) if options.smoke else measure(shape)
            cells = [f"{t.as_they_come:.0f} / {t.chosen:.0f}" for t in found.values()]
            print(f"| {shape} | {' | '.join(cells)} |", flush=True)
            times = {name: asdict(t) for name, t in found.items()}
            rows.append({"shape": asdict(shape), "us": times})
    if options.json:
        options.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
