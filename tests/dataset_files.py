"""Small data files in the formats that the sources read, and the composed `dataset` node."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray
from omegaconf import OmegaConf
from PIL import Image

CONF = Path(__file__).parents[1] / "conf"
N_TRAIN, N_TEST = 20, 3  # images a class


def dataset_node(*overrides: str) -> dict[str, Any]:
    """Compose run.yaml and return its resolved `dataset` node."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("run", list(overrides)), resolve=True)
    assert isinstance(config, dict)
    return config["dataset"]


def images(n_a_class: int, shape: tuple[int, ...], seed: int) -> tuple[NDArray, NDArray]:
    """Random images and shuffled labels 0..9, equally many of each."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(10), n_a_class))
    return rng.integers(0, 256, (len(y), *shape), dtype=np.uint8), y


def write_idx(folder: Path) -> None:
    """Write the four raw files of MNIST's format into ``<folder>/raw``."""
    (folder / "raw").mkdir(parents=True)
    for part, n_a_class in (("train", N_TRAIN), ("t10k", N_TEST)):
        X, y = images(n_a_class, (28, 28), seed=n_a_class)
        head = np.array([0x803, *X.shape], ">i4").tobytes()
        (folder / "raw" / f"{part}-images-idx3-ubyte").write_bytes(head + X.tobytes())
        head = np.array([0x801, len(y)], ">i4").tobytes()
        (folder / "raw" / f"{part}-labels-idx1-ubyte").write_bytes(head + y.astype("u1").tobytes())


def write_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write CIFAR-10's python version, and let torchvision expect these files' checksums."""
    from imbench.data.torchvision_shim import import_torchvision

    reader = import_torchvision().datasets.CIFAR10
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name: str, content: dict[str, Any]) -> str:
        (folder / name).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    X, y = images(N_TRAIN, (3072,), seed=0)
    batches = zip(np.split(X, 5), np.split(y, 5), strict=True)
    train = [
        [f"data_batch_{i}", write(f"data_batch_{i}", {"data": part, "labels": labels.tolist()})]
        for i, (part, labels) in enumerate(batches, start=1)
    ]
    X, y = images(N_TEST, (3072,), seed=1)
    test = [["test_batch", write("test_batch", {"data": X, "labels": y.tolist()})]]
    names = ["airplane", "automobile", "bird", "cat", "deer"]
    names += ["dog", "frog", "horse", "ship", "truck"]
    meta = {**reader.meta, "md5": write("batches.meta", {"label_names": names})}
    for attribute, value in (("train_list", train), ("test_list", test), ("meta", meta)):
        monkeypatch.setattr(reader, attribute, value)


TOY_ARFF = """@RELATION toy
@ATTRIBUTE age NUMERIC
@ATTRIBUTE colour {red, green, blue}
@ATTRIBUTE class {good, bad}
@DATA
""" + "".join(
    f"{age}, {'red' if age % 3 else 'blue'}, {'bad' if age % 4 == 0 else 'good'}\n"
    for age in range(20, 60)
).replace("20, red", "?, red")


def write_openml(root: Path, did: int = 4711) -> None:
    """Write what scikit-learn's cache of OpenML holds for a table `toy`, version 1."""

    def write(path: str, content: str) -> None:
        file = root / "openml" / "openml.org" / f"{path}.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(content.encode()))

    api = "api/v1/json/data"
    features = [
        {
            "index": str(i),
            "name": name,
            "data_type": kind,
            "is_target": str(name == "class").lower(),
            "is_ignore": "false",
            "is_row_identifier": "false",
            "number_of_missing_values": "0",
        }
        for i, (name, kind) in enumerate(
            [("age", "numeric"), ("colour", "nominal"), ("class", "nominal")]
        )
    ]
    listed = {"did": did, "name": "toy", "version": 1, "status": "active"}
    described = {
        **listed,
        "id": str(did),
        "description": "a toy",
        "format": "ARFF",
        "url": "https://www.openml.org/data/v1/download/1/toy.arff",
        "md5_checksum": hashlib.md5(TOY_ARFF.encode()).hexdigest(),
    }
    quality = {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "40"}]}}
    found = json.dumps({"data": {"dataset": [listed]}})
    write(f"{api}/list/data_name/toy/limit/2/data_version/1", found)
    write(f"{api}/{did}", json.dumps({"data_set_description": described}))
    write(f"{api}/features/{did}", json.dumps({"data_features": {"feature": features}}))
    write(f"{api}/qualities/{did}", json.dumps(quality))
    write("data/v1/download/1/toy.arff", TOY_ARFF)


def write_zenodo(root: Path, number: int = 1) -> None:
    """Write one file of imbalanced-learn's cache; number 1 is ecoli."""
    (root / "zenodo").mkdir(parents=True)
    rng = np.random.default_rng(0)
    label = np.where(np.arange(40) < 4, 1, -1)
    np.savez(root / "zenodo" / f"x{number}data.npz", data=rng.normal(size=(40, 7)), label=label)


def write_csv(path: Path, n_rows: int = 40) -> Path:
    """Write a table with a number, a text, a bool, a blank and a target; every 4th row is bad."""
    lines = ["age,colour,member,class"]
    lines += [
        f"{i / 2 if i != 3 else ''},{'red' if i % 3 else 'blue'},{i % 2 == 0},"
        f"{'bad' if i % 4 == 0 else 'good'}"
        for i in range(n_rows)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_images(root: Path, n_a_class: int = 4, mode: str = "L") -> Path:
    """Write images of 6 x 8 pixels, of which those of the class bright are brighter."""
    rng = np.random.default_rng(0)
    for name, grey in (("bright", 200), ("dark", 50)):
        (root / name).mkdir(parents=True)
        for i in range(n_a_class):
            shape = (6, 8, 3) if mode == "RGB" else (6, 8)
            pixels = rng.integers(grey - 40, grey + 40, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root
