"""The cache of data sets: equal bits, no stale or damaged entry, no user-defined loader."""

import dataclasses
import inspect
import multiprocessing
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from imbench.components.construct import Component
from imbench.data import cache
from imbench.data.dataset import Dataset
from imbench.data.load import load_dataset
from imbench.data.spec import DatasetSpec
from imbench.data.synthetic import load_synthetic
from imbench.errors import ConfigError
from tests.dataset_files import write_zenodo

spec = DatasetSpec.from_node
KEEL = {"_target_": "imbench.data.keel.load_keel"}
DIGITS = {"_target_": "imbench.data.digits.load_digits"}
TEXT = "a,b,colour,target\n" + "".join(
    f"{i}.5,{i * i if i % 7 else ''},{'red' if i % 3 else 'blue'},{'no' if i % 5 else 'yes'}\n"
    for i in range(60)
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


@pytest.fixture
def node(tmp_path, folder):
    (tmp_path / "table.csv").write_text(TEXT)
    return {
        "_target_": "imbench.data.table.load_table",
        "path": str(tmp_path / "table.csv"),
        "target": "target",
    }


@pytest.fixture
def parses(monkeypatch):
    """Record every call that reads a table from its file."""
    from imbench.data import readers

    calls = []
    read = readers.read_table
    monkeypatch.setattr(readers, "read_table", lambda *a: calls.append(a) or read(*a))
    return calls


def assert_equal(a: Dataset, b: Dataset):
    assert a.fingerprint == b.fingerprint
    for field in dataclasses.fields(Dataset):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            assert one.flags.c_contiguous == other.flags.c_contiguous
            assert not other.flags.writeable
            assert one.tobytes() == other.tobytes()
        else:
            assert one == other
            assert type(one) is type(other)


def test_a_table_is_parsed_once_and_has_the_same_bits_from_the_cache(node, parses):
    first, second = load_dataset(node), load_dataset(node)
    assert len(parses) == 1
    assert np.isnan(first.X).any()
    assert first.categories == {2: ("blue", "red")}
    assert_equal(first, second)
    assert list(first.categories.items()) == list(second.categories.items())


def test_the_classes_that_were_cut_are_known_from_the_cache(node, parses):
    node["imbalance"] = {
        "_target_": "imbench.data.imbalance.KeepRatios", "ratios": {"no": 0.2}, "seed": 0,
    }  # fmt: skip
    first, second = load_dataset(node), load_dataset(node)
    assert len(parses) == 1
    assert first.cut == (0,)
    assert_equal(first, second)


def test_many_categorical_columns_keep_their_order(tmp_path, folder, parses):
    # As keys of a JSON object they would be sorted as text, 10 before 2: another fingerprint.
    names = [f"c{i}" for i in range(12)]
    rows = [",".join([*(f"v{(i + j) % 3}" for j in range(12)), str(i % 2)]) for i in range(40)]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([",".join([*names, "y"]), *rows]))
    node = {"_target_": "imbench.data.table.load_table", "path": str(path), "target": "y"}
    assert_equal(load_dataset(node), load_dataset(node))
    assert len(parses) == 1


@pytest.mark.parametrize("source", ["keel", "mnist"])
def test_real_data_has_the_same_bits_from_the_cache(source, data_dir, folder, monkeypatch):
    keel = {"_target_": "imbench.data.keel.load_keel", "table": "page-blocks0"}
    thin = {"_target_": "imbench.data.imbalance.LongTail", "ratio": 50}
    mnist = {"_target_": "imbench.data.vision.load_torchvision", "source": "MNIST"}
    node = {"keel": keel, "mnist": {**mnist, "imbalance": thin}}[source]
    node = {**node, "data_dir": str(data_dir)}
    first = load_dataset(node)
    monkeypatch.setattr(Component, "construct", lambda *a: pytest.fail("was read again"))
    assert_equal(first, load_dataset(node))


def test_every_table_of_zenodo_is_found_under_the_name_that_it_is_stored_by(tmp_path, folder):
    from imblearn.datasets import _zenodo

    from imbench.data.zenodo import TABLES, _source_files

    for table in TABLES:
        name = f"{_zenodo.PRE_FILENAME}{_zenodo.MAP_NAME_ID[table]}{_zenodo.POST_FILENAME}"
        (tmp_path / "zenodo").mkdir(exist_ok=True)
        (tmp_path / "zenodo" / name).touch()
        assert _source_files(table, str(tmp_path)) == (tmp_path / "zenodo" / name,)


def test_a_table_of_zenodo_is_the_same_from_the_cache(tmp_path, folder, monkeypatch):
    write_zenodo(tmp_path)
    node = {"_target_": "imbench.data.zenodo.load_zenodo", "table": "ecoli"}
    node |= {"data_dir": str(tmp_path)}
    first = load_dataset(node)
    monkeypatch.setattr(Component, "construct", lambda *a: pytest.fail("was read again"))
    assert_equal(first, load_dataset(node))


def test_changed_content_is_read_even_if_size_and_time_are_the_same(node, parses):
    path = Path(node["path"])
    before = load_dataset(node)
    stat = path.stat()
    other = path.with_suffix(".new")
    other.write_text(TEXT.replace("0.5", "9.5", 1))
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)  # another file in its place, as editors and downloads write
    assert path.stat().st_size == stat.st_size
    assert load_dataset(node).fingerprint != before.fingerprint
    assert len(parses) == 2


def test_equal_content_at_another_place_is_not_parsed_again(node, parses, tmp_path):
    first = load_dataset(node)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(node["path"], tmp_path / "elsewhere")
    moved = {**node, "path": str(tmp_path / "elsewhere" / "table.csv")}
    assert_equal(first, load_dataset(moved))
    assert len(parses) == 1


def test_another_file_name_is_another_data_set(node, parses, tmp_path):
    load_dataset(node)
    shutil.copy(node["path"], tmp_path / "churn.csv")
    assert load_dataset({**node, "path": str(tmp_path / "churn.csv")}).name == "churn"


@pytest.mark.parametrize(
    "change",
    [
        {"drop": ["a"]},
        {"categorical": ["a"]},
        {"name": "mine"},
        {"imbalance": {"_target_": "imbench.data.imbalance.Step", "ratio": 8}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_configuration_has_another_entry(node, change, parses):
    plain = load_dataset(node)
    changed = load_dataset({**node, **change})
    assert (changed.fingerprint, changed.name) != (plain.fingerprint, plain.name)
    assert len(parses) == 2
    assert_equal(plain, load_dataset(node))
    assert_equal(changed, load_dataset({**node, **change}))
    assert len(parses) == 2


def test_other_code_or_another_version_of_a_reader_misses_the_cache(node, parses, monkeypatch):
    load_dataset(node)
    monkeypatch.setattr(cache, "_readers", lambda: {"pandas": "99"})
    load_dataset(node)
    assert len(parses) == 2


def test_the_code_of_every_source_is_part_of_the_key(tmp_path, monkeypatch):
    before = cache._readers.__wrapped__()
    copy = tmp_path / "datasets"
    shutil.copytree(Path(cache.__file__).parent, copy)
    monkeypatch.setattr(cache, "__file__", str(copy / "cache.py"))
    assert cache._readers.__wrapped__() == before
    with (copy / "imbalance.py").open("a") as file:
        file.write("# changed\n")
    assert cache._readers.__wrapped__()["code"] != before["code"]


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:90])


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("harm", [damage, Path.unlink, empty, cut])
def test_a_damaged_entry_is_built_again(node, parses, folder, suffix, harm, caplog):
    first = load_dataset(node)
    (path,) = folder.glob(f"*{suffix}")
    harm(path)
    with caplog.at_level("INFO"):
        assert_equal(first, load_dataset(node))
    assert len(parses) == 2
    assert harm is Path.unlink or "is damaged" in caplog.text
    assert_equal(first, load_dataset(node))
    assert len(parses) == 2


def test_a_cache_that_cannot_be_written_is_no_error(node, parses, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "file"))
    with caplog.at_level("INFO"):
        assert_equal(load_dataset(node), load_dataset(node))
    assert len(parses) == 2
    assert "cannot be written" in caplog.text


def test_only_metadata_is_cached_for_data_made_in_memory(folder):
    node = {"_target_": "imbench.data.synthetic.load_synthetic", "n_rows": 50, "seed": 3}
    assert cache.facts_of(spec(node)) is None
    data = load_dataset(node)
    assert cache.facts_of(spec(node)) == cache.Facts("synthetic", data.fingerprint)
    assert cache.facts_of(spec({**node, "seed": 4})) is None
    assert not list(folder.glob("*.npz"))


def test_facts_are_known_without_loading_arrays(node, folder):
    data = load_dataset(node)
    (arrays,) = folder.glob("*.npz")
    arrays.unlink()
    assert cache.facts_of(spec(node)) == cache.Facts("table", data.fingerprint)
    Path(node["path"]).write_text(TEXT + "1,1,red,yes\n")
    assert cache.facts_of(spec(node)) is None


def own_source() -> Dataset:
    return load_dataset({"_target_": "imbench.data.digits.load_digits"})


def own_imbalance():
    return lambda data: data


def test_user_defined_loaders_are_not_cached(node):
    assert cache.key_of(spec({"_target_": f"{__name__}.own_source"})) is None
    own = {"_target_": f"{__name__}.own_imbalance"}
    assert cache.key_of(spec({**node, "imbalance": own})) is None
    assert cache.key_of(spec(node)) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"_target_": "imbench.data.table.load_table"},
        {"_target_": "imbench.data.table.load_table", "path": "not_there.csv"},
        {**KEEL, "data_dir": "not_there"},
    ],
)
def test_data_that_cannot_be_loaded_has_no_key_and_is_left_to_the_loader(wrong):
    assert cache.key_of(spec(wrong)) is None
    assert cache.facts_of(spec(wrong)) is None


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({}, r"^dataset has no _target_, only \[\]: give the import path"),
        ({"_target_": "imbench.nothing.there"}, r"^dataset\._target_=imbench\.nothing\.there: "),
        ({"_target_": "imbench.data.table.load_table", "path": 3}, r"^dataset\.path=3 must be"),
        ({**KEEL, "nonsense": 1}, r"^dataset\.nonsense: "),
        ({**DIGITS, "imbalance": "tutorial"}, r"^dataset\.imbalance has no _target_"),
    ],
)
def test_an_invalid_node_is_refused_in_one_sentence(wrong, sentence):
    with pytest.raises(ConfigError, match=sentence):
        spec(wrong)


def test_the_least_recently_read_is_deleted_above_the_limit(node, folder, monkeypatch):
    nodes = [{**node, "name": f"n{i}"} for i in range(3)]
    keys = [cache.key_of(spec(n)) for n in nodes]
    load_dataset(nodes[0])
    load_dataset(nodes[1])
    for age, key in zip((100, 50), keys, strict=False):
        old = (folder / f"{key}.npz").stat().st_mtime - age
        os.utime(folder / f"{key}.npz", (old, old))
    load_dataset(nodes[0])  # now it was read later than the second
    room_for_two = sum(path.stat().st_size for path in folder.glob("*.npz"))
    monkeypatch.setattr(cache, "MAX_BYTES", room_for_two)
    load_dataset(nodes[2])
    left = {path.stem for path in folder.glob("*.npz")}
    assert left == {keys[0], keys[2]}


def test_the_folder_of_the_cache(monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", "/a/b")
    assert cache.cache_dir() == Path("/a/b")
    monkeypatch.delenv("IMBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_dir() == Path("/x/imbench")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.cache_dir() == Path("/home/someone/.cache/imbench")


def no_home(path):
    raise RuntimeError("Could not determine home directory.")


def test_without_a_home_directory_nothing_is_cached(monkeypatch):
    monkeypatch.delenv("IMBENCH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", no_home)
    node = {"_target_": "imbench.data.digits.load_digits"}
    assert cache.key_of(spec(node)) is None
    assert load_dataset(node).name == "digits"


def load_often(node):
    for _ in range(20):
        for path in (cache.cache_dir() / "datasets").glob("*.json"):
            path.unlink(missing_ok=True)
        found = load_dataset(node).fingerprint
    return found


@pytest.mark.process
def test_concurrent_writers_leave_a_complete_entry(node, folder):
    expected = load_dataset(node)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(load_often, [node, node]) == [expected.fingerprint] * 2
    assert_equal(expected, cache.read(cache.key_of(spec(node))))
    assert {path.suffix for path in folder.iterdir()} == {".json", ".npz"}


def test_a_cached_loader_can_be_used_and_pickled_like_a_function():
    loaded = pickle.loads(pickle.dumps(load_synthetic))
    assert loaded is load_synthetic
    assert load_synthetic.__name__ == "load_synthetic"
    assert list(inspect.signature(load_synthetic).parameters)[:2] == ["ratio", "weights"]
    assert load_synthetic.files(ratio=4) == ()
