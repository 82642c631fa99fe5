"""The data and folds that both sides read, and images for the smoke run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from imbench.data.dataset import Dataset
from imbench.data.splits import Fold, RepeatedKFold
from imbench.data.synthetic import load_synthetic

N_WARM_UP = 60  # rows, in two folds
CONTRACTS = ((0.2, 0.3, 0.5), (0.8, 0.1, 0.1))  # shares among those who stay, and who leave


def write(path: Path, data: Dataset, folds: Sequence[Fold]) -> Path:
    """Write rows, labels and the row numbers of each fold."""
    parts = {f"train_{i}": fold.train_index for i, fold in enumerate(folds)}
    parts |= {f"test_{i}": fold.test_index for i, fold in enumerate(folds)}
    shape = np.asarray(data.input_shape or (), np.int64)
    np.savez(path, X=data.X, y=data.y, input_shape=shape, **parts)  # type: ignore[arg-type]
    return path


def read(path: Path) -> tuple[Dataset, list[Fold]]:
    """Return what :func:`write` has written."""
    with np.load(path) as content:
        n_folds = sum(name.startswith("train_") for name in content)
        folds = [Fold(0, i, content[f"train_{i}"], content[f"test_{i}"]) for i in range(n_folds)]
        y = content["y"]
        data = Dataset(
            name="bench",
            X=content["X"],
            y=y,
            class_names=tuple(str(k) for k in range(int(y.max()) + 1)),
            input_shape=tuple(content["input_shape"].tolist()) or None,
        )
    return data, folds


def warm_up(data: Dataset) -> tuple[Dataset, list[Fold]]:
    """Return a few rows of the same kind, every class in every fold."""
    n_each = max(N_WARM_UP // len(data.class_names), 4)
    rows = np.concatenate([np.flatnonzero(data.y == k)[:n_each] for k in range(len(data.counts))])
    few = Dataset(
        "bench", data.X[rows], data.y[rows], data.class_names, input_shape=data.input_shape
    )
    return few, RepeatedKFold(2).split(few, 0)


def table(n_rows: int, n_splits: int, n_repeats: int) -> tuple[Dataset, list[Fold]]:
    """Return the synthetic table (10 columns, 8:2) and its folds."""
    data = load_synthetic(n_rows=n_rows)
    return data, RepeatedKFold(n_splits, n_repeats).split(data, 0)


@cache
def imbalanced_mnist(data_dir: Path) -> Dataset:
    """Return the tutorial's MNIST without its official test set; class 0 keeps 90 %, others 10 %.

    Raises
    ------
    DataError
        If the images are not there.
    """
    from imbench.data.imbalance import KeepRatios
    from imbench.data.vision import load_torchvision

    whole = load_torchvision("MNIST", tuple("0123456789"), str(data_dir))
    thin = KeepRatios(ratios={"0": 0.9}, others=0.1)(whole)
    pool = thin.pool_index
    return Dataset(
        "mnist", thin.X[pool], thin.y[pool], thin.class_names, input_shape=thin.input_shape
    )


def write_images(folder: Path, n_train: int = 800, n_test: int = 100, seed: int = 0) -> None:
    """Write made-up digits as the IDX files of MNIST: a bright row of pixels a class, and noise."""
    rng = np.random.default_rng(seed)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, n_rows in (("train", n_train), ("t10k", n_test)):
        y = np.arange(n_rows) % 10
        images = rng.integers(0, 100, (n_rows, 28, 28))
        images[np.arange(n_rows), 2 * y + 4] = 255
        sizes = np.array([0x803, n_rows, 28, 28], ">i4").tobytes()
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(sizes + images.astype(np.uint8).tobytes())
        sizes = np.array([0x801, n_rows], ">i4").tobytes()
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(sizes + y.astype(np.uint8).tobytes())


def write_churn(path: Path, n_rows: int = 200, seed: int = 0) -> None:
    """Write made-up customers in the form of Telco churn: text, numbers, and a blank number."""
    rng = np.random.default_rng(seed)
    lines = ["customerID,gender,tenure,Contract,TotalCharges,Churn"]
    for i in range(n_rows):
        leaves = i % 4 == 0
        contract = rng.choice(["Month-to-month", "One year", "Two year"], p=CONTRACTS[leaves])
        months = rng.integers(1, 20 if leaves else 72)
        charges = "" if i == 7 else f"{months * rng.uniform(20, 100):.2f}"
        sex = rng.choice(["Female", "Male"])
        lines.append(f"c{i},{sex},{months},{contract},{charges},{'Yes' if leaves else 'No'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
