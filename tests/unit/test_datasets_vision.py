import gzip
import hashlib
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from imbench.data.torchvision_shim import import_torchvision
from imbench.data.vision import load_torchvision
from imbench.errors import ConfigError, DataError
from tests.dataset_files import N_TEST, N_TRAIN, images, write_cifar10, write_idx


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_args, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("source", ["MNIST", "FashionMNIST", "KMNIST"])
def test_idx_files_become_rows_in_order_with_the_test_set_at_the_end(tmp_path, source):
    write_idx(tmp_path / source)
    data = load_torchvision(source, data_dir=str(tmp_path))
    train, test = images(N_TRAIN, (28, 28), N_TRAIN), images(N_TEST, (28, 28), N_TEST)
    assert data.input_shape == (1, 28, 28)
    assert data.X.dtype == np.uint8
    assert np.array_equal(data.X, np.concatenate([train[0], test[0]]).reshape(-1, 784))
    assert np.array_equal(data.y, np.concatenate([train[1], test[1]]))
    assert data.test_index.tolist() == list(range(10 * N_TRAIN, 10 * (N_TRAIN + N_TEST)))


def test_cifar10_becomes_rows_of_channels_first_images(tmp_path, monkeypatch):
    write_cifar10(tmp_path, monkeypatch)
    data = load_torchvision("CIFAR10", data_dir=str(tmp_path))
    train, test = images(N_TRAIN, (3072,), 0), images(N_TEST, (3072,), 1)
    assert data.input_shape == (3, 32, 32)
    assert np.array_equal(data.X, np.concatenate([train[0], test[0]]))  # the file is (3, 32, 32)
    assert np.array_equal(data.y, np.concatenate([train[1], test[1]]))
    assert data.class_names[:2] == ("airplane", "automobile")


def test_class_names_can_be_given(tmp_path):
    write_idx(tmp_path / "MNIST")
    data = load_torchvision("MNIST", class_names=range(10), data_dir=str(tmp_path))
    assert data.class_names == tuple("0123456789")
    assert load_torchvision("MNIST", data_dir=str(tmp_path)).class_names[0] == "0 - zero"


def test_a_read_only_folder_is_read_and_nothing_is_written(tmp_path):
    write_idx(tmp_path / "local" / "MNIST")
    before = sorted(tmp_path.rglob("*"))
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        load_torchvision(
            "MNIST", data_dir=str(tmp_path / "local"), download_dir=str(tmp_path / "new")
        )
    finally:
        for path in before:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_earlier_download_is_found(tmp_path, offline):
    write_idx(tmp_path / "results" / "MNIST")
    data = load_torchvision("MNIST", download_dir=str(tmp_path / "results"))
    assert len(data.y) == 10 * (N_TRAIN + N_TEST)


@pytest.mark.parametrize("source", ["MNIST", "FashionMNIST", "KMNIST", "CIFAR10"])
@pytest.mark.parametrize("has_data_dir", [True, False])
def test_without_files_and_network_one_sentence_says_what_to_set(
    tmp_path, offline, capsys, source, has_data_dir
):
    local = str(tmp_path) if has_data_dir else None
    with pytest.raises(DataError, match=f"^{source} is not available: ") as caught:
        load_torchvision(source, data_dir=local, download_dir=str(tmp_path / "new"))
    sentence = str(caught.value)
    place = f"it is not in data_dir={tmp_path}" if has_data_dir else "no data_dir is set"
    for part in (place, "Name or service", "data_dir=", "IMBENCH_DATA", "dataset=digits"):
        assert part in sentence
    assert "\n" not in sentence
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_is_not_there_is_an_error_and_no_download(tmp_path):
    with pytest.raises(DataError, match=r"data_dir=/nowhere: no such folder; .*dataset=digits"):
        load_torchvision("MNIST", data_dir="/nowhere", download_dir=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_without_a_download_folder_nothing_is_downloaded():
    with pytest.raises(DataError, match=r"dataset\.download_dir=null"):
        load_torchvision("MNIST")


@pytest.mark.parametrize("part", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
@pytest.mark.parametrize("damage", ["cut", "empty", "gone"])
def test_damaged_files_are_one_sentence(tmp_path, part, damage):
    write_idx(tmp_path / "KMNIST")
    path = tmp_path / "KMNIST" / "raw" / part
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    with pytest.raises(
        DataError, match=r"^KMNIST in .*KMNIST/raw is incomplete or damaged: delete"
    ):
        load_torchvision("KMNIST", data_dir=str(tmp_path))


def test_an_unknown_source_is_named_with_its_nearest():
    with pytest.raises(ConfigError, match=r"dataset\.source=CIFAR11: .*did you mean 'CIFAR10"):
        load_torchvision("CIFAR11")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass


@pytest.mark.process
def test_a_download_is_unpacked_into_the_results_and_keeps_stdout_clean(
    tmp_path, monkeypatch, capfd
):
    write_idx(tmp_path / "remote")
    remote = tmp_path / "remote" / "raw"
    resources = []
    for path in sorted(remote.iterdir()):
        packed = remote / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        resources.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
    reader = import_torchvision().datasets.MNIST
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=remote))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        monkeypatch.setattr(reader, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        monkeypatch.setattr(reader, "resources", resources)
        data = load_torchvision("MNIST", download_dir=str(tmp_path / "results" / "data"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(data.y) == 10 * (N_TRAIN + N_TEST)
    assert (tmp_path / "results/data/MNIST/raw/train-images-idx3-ubyte").is_file()
    assert capfd.readouterr() == ("", "")
    assert socket.getdefaulttimeout() is None
