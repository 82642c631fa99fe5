import socket
import ssl

import numpy as np
import pytest

from imbench.data.openml import load_openml
from imbench.data.zenodo import TABLES, load_zenodo
from imbench.errors import ConfigError, DataError
from tests.dataset_files import write_openml, write_zenodo


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_args, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def test_an_openml_table_is_read_from_scikit_learns_cache(tmp_path, offline):
    write_openml(tmp_path)
    data = load_openml("toy", data_dir=str(tmp_path))
    assert data.name == "toy"
    assert data.feature_names == ("age", "colour")
    assert dict(zip(data.class_names, data.counts, strict=True)) == {"bad": 10, "good": 30}
    assert data.categories == {1: ("blue", "red")}
    np.testing.assert_array_equal(data.X[:4, 0], [np.nan, 21, 22, 23])
    assert data.X[:4, 1].tolist() == [1, 0, 1, 1]


def test_an_openml_table_can_be_chosen_by_number(tmp_path, offline):
    write_openml(tmp_path)
    by_name = load_openml("toy", download_dir=str(tmp_path))
    assert load_openml(data_id=4711, data_dir=str(tmp_path)).fingerprint == by_name.fingerprint


def test_openml_takes_another_target_and_drops_columns(tmp_path, offline):
    write_openml(tmp_path)
    data = load_openml("toy", target="colour", drop=["age"], data_dir=str(tmp_path))
    assert data.class_names == ("blue", "red")
    assert data.feature_names == ("class",)
    with pytest.raises(DataError, match=r"dataset\.target=color: .*did you mean 'colour'"):
        load_openml("toy", target="color", data_dir=str(tmp_path))


def test_openml_needs_either_a_name_or_a_number():
    with pytest.raises(
        ConfigError, match=r"dataset\.table=null and dataset\.data_id=null: set one"
    ):
        load_openml()
    with pytest.raises(ConfigError, match=r"dataset\.table=adult and dataset\.data_id=1590"):
        load_openml("adult", data_id=1590)


@pytest.mark.parametrize("options", [{"table": "adult", "version": 2}, {"data_id": 1590}])
def test_openml_offline_is_one_sentence(tmp_path, offline, options):
    with pytest.raises(DataError, match="is not available: no data_dir is set") as caught:
        load_openml(**options, download_dir=str(tmp_path))
    for part in ("Name or service", "data_dir=", "IMBENCH_DATA", "openml/", "dataset=digits"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("load", "fetch"),
    [
        (load_openml, "sklearn.datasets.fetch_openml"),
        (load_zenodo, "imblearn.datasets.fetch_datasets"),
    ],
)
def test_an_invalid_certificate_is_an_error_of_the_network(load, fetch, tmp_path, monkeypatch):
    def refuse(**_options):
        raise ssl.SSLCertVerificationError(1, "certificate has expired")  # a ValueError too

    monkeypatch.setattr(fetch, refuse)
    with pytest.raises(DataError, match=r"is not available: .*\(.*certificate has expired.*\)"):
        load("ecoli", download_dir=str(tmp_path))


def test_the_27_tables_are_imbalanced_learns():
    from imblearn.datasets import fetch_datasets

    assert len(TABLES) == 27
    with pytest.raises(ValueError, match="The available datasets are") as caught:
        fetch_datasets(filter_data=("none such",))
    assert all(f"'{name}'" in str(caught.value) for name in TABLES)


def test_a_zenodo_table_is_read_from_imbalanced_learns_cache(tmp_path, offline):
    write_zenodo(tmp_path)
    data = load_zenodo("ecoli", data_dir=str(tmp_path))
    assert data.X.shape == (40, 7)
    assert data.class_names == ("negative", "positive")
    assert data.counts.tolist() == [36, 4]
    assert np.array_equal(np.flatnonzero(data.y), np.arange(4))
    with np.load(tmp_path / "zenodo" / "x1data.npz") as stored:
        assert np.array_equal(data.X, stored["data"])


def test_zenodo_offline_is_one_sentence(tmp_path, offline):
    write_zenodo(tmp_path)
    with pytest.raises(
        DataError, match=r"^dataset\.table=oil is not available: it is not in"
    ) as caught:
        load_zenodo("oil", data_dir=str(tmp_path), download_dir=str(tmp_path / "new"))
    for part in ("Name or service", "data_dir=", "IMBENCH_DATA", "zenodo/", "dataset=digits"):
        assert part in str(caught.value)


def test_an_unknown_zenodo_table_is_named_with_its_nearest():
    with pytest.raises(ConfigError, match=r"dataset\.table=ecolli: .*did you mean 'ecoli'"):
        load_zenodo("ecolli")
    with pytest.raises(ConfigError, match=r"dataset\.table is missing: set it to one of ecoli"):
        load_zenodo()


# numpy does not close a file that is no zip archive.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_zenodo_file_is_one_sentence(tmp_path):
    write_zenodo(tmp_path)
    path = tmp_path / "zenodo" / "x1data.npz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"its file in .*/zenodo is damaged .*delete that folder"):
        load_zenodo("ecoli", data_dir=str(tmp_path))
