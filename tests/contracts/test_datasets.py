"""Every ``conf/dataset/*.yaml`` keeps the contract of a data set."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from imbench.data.dataset import Dataset
from imbench.data.load import load_dataset
from imbench.testing.datasets import DatasetContract
from tests.dataset_files import (
    CONF,
    dataset_node,
    write_cifar10,
    write_csv,
    write_idx,
    write_images,
    write_openml,
    write_zenodo,
)

NAMES = sorted(path.stem for path in (CONF / "dataset").glob("*.yaml"))
IMBALANCES = sorted(path.stem for path in (CONF / "dataset" / "imbalance").glob("*.yaml"))
REAL = {"mnist": [], "keel": ["dataset.table=yeast4"], "telco_churn": []}
"""Data sets read from the real data folder, with overrides. Skipped if there is none."""


def _written(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write small files for a source that needs some, and return its overrides."""
    small_tail = f"data_dir={root}", "dataset.imbalance.ratio=10"
    match name:
        case "fashion_mnist":
            write_idx(root / "FashionMNIST")
            return [*small_tail]
        case "kmnist":
            write_idx(root / "KMNIST")
            return [*small_tail]
        case "cifar10":
            write_cifar10(root, monkeypatch)
            return [*small_tail]
        case "openml":
            write_openml(root)
            return [f"data_dir={root}", "dataset.table=toy"]
        case "zenodo":
            write_zenodo(root)
            return [f"data_dir={root}", "dataset.table=ecoli"]
        case "table":
            return [f"dataset.path={write_csv(root / 'toy.csv')}", "dataset.target=class"]
        case "image_folder":
            return [f"dataset.path={write_images(root / 'toy')}"]
    return []


class TestEveryYaml(DatasetContract):
    @pytest.fixture(scope="class", params=NAMES)
    @classmethod
    def load(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Callable[[], Dataset]]:
        name, root = request.param, tmp_path_factory.mktemp(request.param)
        with pytest.MonkeyPatch.context() as monkeypatch:
            if name in REAL:
                overrides = [f"data_dir={request.getfixturevalue('data_dir')}", *REAL[name]]
            else:
                overrides = _written(name, root, monkeypatch)
            node = dataset_node(f"dataset={name}", *overrides, f"results_dir={root}/results")
            yield lambda: load_dataset(node)


def test_all_data_sets_are_found():
    assert len(NAMES) == 13
    assert set(REAL) < set(NAMES)


def test_all_kinds_of_imbalance_are_found():
    assert IMBALANCES == ["keep", "long_tail", "none", "step", "tutorial"]


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_has_a_one_line_summary(name):
    about = yaml.safe_load((CONF / "dataset" / f"{name}.yaml").read_text())["about"]
    assert set(about) == {"summary", "source"}
    for text in about.values():
        assert text.strip() == text != ""
        assert len(text) <= 120
        assert "\n" not in text


@pytest.mark.parametrize("name", NAMES)
def test_every_yaml_fits_the_signature_of_its_source(name):
    from imbench.data.spec import DatasetSpec

    spec = DatasetSpec.from_node(dataset_node(f"dataset={name}"))  # raises if it does not
    assert spec.source.key == "dataset"


@pytest.mark.parametrize("imbalance", IMBALANCES)
def test_every_imbalance_applies_to_a_data_set_by_the_same_option(imbalance):
    data = load_dataset(dataset_node("dataset=digits", f"dataset/imbalance={imbalance}"))
    changes = imbalance not in {"none", "keep"}  # keep has no shares of its own
    assert (len(data.y) < 1797) == changes
    assert len(data.class_names) == 10
