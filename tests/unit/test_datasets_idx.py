"""IDX files give the same arrays as torchvision, which handles damaged ones."""

import numpy as np
import pytest

from imbench.data import vision
from imbench.data.idx import read_idx, read_parts
from imbench.data.vision import load_torchvision
from imbench.errors import DataError
from tests.dataset_files import write_idx

RAW = "MNIST/raw"


@pytest.fixture
def folder(tmp_path):
    write_idx(tmp_path / "MNIST")
    return tmp_path


def test_the_rows_are_those_of_torchvision(folder, monkeypatch):
    theirs = load_torchvision("MNIST", data_dir=str(folder))  # without names: torchvision's
    monkeypatch.setattr(vision, "import_torchvision", None)
    ours = load_torchvision("MNIST", class_names=theirs.class_names, data_dir=str(folder))
    assert ours.fingerprint == theirs.fingerprint
    np.testing.assert_array_equal(ours.X, theirs.X)
    np.testing.assert_array_equal(ours.y, theirs.y)
    np.testing.assert_array_equal(ours.test_index, theirs.test_index)
    assert ours.input_shape == theirs.input_shape


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content[:6],
        lambda content: b"",
        lambda content: b"\0\0\x0d" + content[3:],  # floats
        lambda content: content + b"\0",
    ],
    ids=["short", "no shape", "empty", "other type", "long"],
)
def test_a_damaged_file_is_left_to_torchvision(folder, change):
    path = folder / RAW / "t10k-labels-idx1-ubyte"
    path.write_bytes(change(path.read_bytes()))
    assert read_idx(path) is None
    assert read_parts(folder / RAW) is None
    with pytest.raises(DataError, match="incomplete or damaged"):
        load_torchvision("MNIST", class_names=range(10), data_dir=str(folder))


def test_a_different_number_of_labels_and_images_is_rejected(folder):
    raw = folder / RAW
    (raw / "train-labels-idx1-ubyte").write_bytes((raw / "t10k-labels-idx1-ubyte").read_bytes())
    assert read_parts(raw) is None


def test_missing_files_are_none(folder):
    (folder / RAW / "train-images-idx3-ubyte").unlink()
    assert read_parts(folder / RAW) is None
