"""Peer (a): the plain loop of tutorials on imbalanced MNIST, from process start to F1.

The rows of a class are found by reading all images one at a time, with the transform of the item:
once for each class, as tutorials do it. The loss is weighted by inverse class frequency.

python tutorial.py job.json    with the keys data_dir, keep, others, epochs, batch_size, lr,
                               hidden, seed
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shared
import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.utils.data import DataLoader, Subset

N_CLASSES = 10


def torchvision_parts() -> tuple[Any, Any]:
    """Return ``torchvision.datasets`` and ``.transforms``, beside a CPU torch too.

    The wheels of torchvision are built for CUDA: its import then looks up operators that are
    not there, of which this loop needs none.
    """
    try:
        from torchvision import datasets, transforms
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torchvision_parts.library = library  # type: ignore[attr-defined]  # kept alive
        from torchvision import datasets, transforms
    return datasets, transforms


def rows_of(dataset: Any, wanted: int) -> list[int]:
    """Read every image, with its transform, for the sake of its label."""
    found = []
    for i in range(len(dataset)):
        _, label = dataset[i]
        if label == wanted:
            found.append(i)
    return found


def thinned(
    dataset: Any, keep: dict[int, float], others: float, seed: int
) -> tuple[Subset, list[int]]:
    """Keep a share of the rows of each class; return them, and how many of each there are."""
    rng = np.random.default_rng(seed)
    kept, counts = [], []
    for label in range(N_CLASSES):
        rows = rows_of(dataset, label)
        counts.append(int(keep.get(label, others) * len(rows)))
        kept += rng.choice(rows, counts[-1], replace=False).tolist()
    return Subset(dataset, kept), counts


def train(net: nn.Module, rows: Any, weights: torch.Tensor, job: shared.Job) -> None:
    """Run the epochs."""
    loader = DataLoader(rows, batch_size=job["batch_size"], shuffle=True)
    criterion = nn.CrossEntropyLoss(weight=weights)
    optimizer = torch.optim.Adam(net.parameters(), lr=job["lr"])
    net.train()
    for _ in range(job["epochs"]):
        for images, labels in loader:
            optimizer.zero_grad()
            criterion(net(images), labels).backward()
            optimizer.step()


def predict(net: nn.Module, dataset: Any, batch_size: int) -> tuple[list[int], list[int]]:
    """Return labels and predictions of every row."""
    truth, predicted = [], []
    net.eval()
    with torch.no_grad():
        for images, labels in DataLoader(dataset, batch_size=batch_size):
            truth += labels.tolist()
            predicted += net(images).argmax(1).tolist()
    return truth, predicted


def measure(job: shared.Job) -> dict[str, Any]:
    """Return the macro F1 on the whole test set, and how many rows were trained on."""
    datasets, transforms = torchvision_parts()
    torch.manual_seed(job["seed"])
    to_input = transforms.ToTensor()
    parts = [datasets.MNIST(job["data_dir"], train=t, transform=to_input) for t in (True, False)]
    keep = {int(label): share for label, share in job["keep"].items()}
    rows, counts = thinned(parts[0], keep, job["others"], job["seed"])
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(784, job["hidden"]), nn.ReLU(), nn.Linear(job["hidden"], N_CLASSES)
    )
    train(net, rows, 1 / torch.tensor(counts, dtype=torch.float32), job)
    truth, predicted = predict(net, parts[1], job["batch_size"])
    return {"f1": [float(f1_score(truth, predicted, average="macro"))], "n_train": len(rows)}


if __name__ == "__main__":
    shared.main(measure)
