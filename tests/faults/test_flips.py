"""One bit of a stored file flipped: it is noticed, named and set aside, or it changes nothing."""

import dataclasses
import io
import json
import logging
import random
from pathlib import Path

import numpy as np
import pytest

from imbench.api.frames import is_whole, stored_frame
from imbench.components.damage import SUFFIX, Damaged
from imbench.data import cache
from imbench.data.load import load_dataset
from imbench.data.spec import DatasetSpec
from imbench.results import store as store_module
from imbench.results.cell_files import read_fold, read_key
from imbench.results.fold import CellKey
from imbench.results.scores import Answer, Record
from imbench.results.store import Store
from imbench.run.tuning import journal
from tests.factories import make_fold

KEY = CellKey("0" * 16, "digits", "knn", "none", ("resample",), 5, {"seed": 0})


def flips(path, n, seed=0):
    """Flip one bit of a file after the other, each restored before the next; yield the content."""
    whole, rng = path.read_bytes(), random.Random(seed)
    for _ in range(n):
        content = bytearray(whole)
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        yield bytes(content)
    path.write_bytes(whole)


def plain(value):
    """Return values that can be compared, arrays as their bytes."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if dataclasses.is_dataclass(value):
        return {name: plain(inner) for name, inner in vars(value).items()}
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return repr(value)


def n_noticed(path, n, read):
    """Return how many of n flips raise Damaged; all others must change nothing that is read.

    Parameters
    ----------
    path : Path
    n : int
    read : callable
        Takes the flipped content, returns what can be compared, or raises Damaged.
    """
    expected = read(path.read_bytes())
    noticed = 0
    for content in flips(path, n):
        try:
            found = read(content)
        except Damaged:
            noticed += 1
        else:
            assert found == expected
    assert noticed > 0.8 * n
    return noticed


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path)
    found.write_cell(KEY)
    found.write_fold(KEY, make_fold(1))
    return found


@pytest.mark.parametrize("name", ["r0-f0.json", "r0-f0.npz", "cell.json"])
def test_a_flipped_bit_of_a_fold_or_a_cell_is_noticed(store, name, faults):
    folder = store.runs / KEY.folder
    n = faults.n(2000, 500)

    def read(content):
        return plain(read_key(folder) if name == "cell.json" else read_fold(folder / "r0-f0"))

    found = n_noticed(folder / name, n, read)
    faults.held(f"a flipped bit of `{name}` is noticed or changes no value", n, found)


def test_a_flipped_bit_of_shared_scores_is_noticed(tmp_path, faults):
    facts = ({"model": {"classes_": [0, 1]}},)
    answer = Answer(np.arange(2), 0.25, facts, ("a note",))
    answer.add(np.arange(40), np.random.default_rng(0).random((40, 2)))
    path = tmp_path / "r0-f0.scores.npz"
    path.write_bytes(Record({"0f1a": answer}).to_bytes())
    n = faults.n(2000, 500)

    def read(content):
        found = Record.from_bytes(content).answers
        if not found:
            raise Damaged("empty")
        return plain(found)

    assert n_noticed(path, n, read) == n
    faults.held("a flipped bit of scores that rules share is noticed", n, n)


def test_scores_without_a_checksum_can_be_read(tmp_path):
    answer = Answer(np.arange(2), 0.25, (), ()).add(np.arange(4), np.ones((4, 2)))
    content = Record({"0f1a": answer}).to_bytes()
    before = content[: content.rindex(b"\nsha256:")]
    assert plain(Record.from_bytes(before).answers) == plain(Record.from_bytes(content).answers)
    with np.load(io.BytesIO(content), allow_pickle=False) as loaded:  # it stays a file of NumPy
        assert "rows_0" in loaded


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    rows = [f"{i}.5,{'red' if i % 3 else 'blue'},{'no' if i % 5 else 'yes'}" for i in range(60)]
    (tmp_path / "table.csv").write_text("\n".join(["a,colour,target", *rows]))
    path = str(tmp_path / "table.csv")
    return {"_target_": "imbench.data.table.load_table", "path": path, "target": "target"}


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.filterwarnings("ignore")
def test_a_flipped_bit_of_a_cached_data_set_is_noticed_and_set_aside(node, suffix, faults, caplog):
    expected = plain(load_dataset(node))
    key = cache.key_of(DatasetSpec.from_node(node))
    path = cache.cache_dir() / "datasets" / f"{key}{suffix}"
    aside = path.with_name(path.name + SUFFIX)
    n, noticed = faults.n(2000, 500), 0
    for _ in flips(path, n):
        data = cache.read(key)
        if data is None:
            assert not path.exists()
            aside.unlink()
            noticed += 1
        else:
            assert plain(data) == expected
    assert noticed > 0.8 * n
    assert sum("is damaged" in message for message in caplog.messages) == noticed
    assert plain(load_dataset(node)) == expected
    faults.held(f"a flipped bit of a cached data set (`{suffix}`) is noticed", n, noticed)


def test_a_flipped_bit_of_a_stored_table_is_noticed_and_it_is_written_again(tmp_path, faults):
    import pandas as pd

    frame = pd.DataFrame({"a": np.arange(50) / 7, "target": ["no", "yes"] * 25})
    path = stored_frame(frame, tmp_path)
    whole, n = path.read_bytes(), faults.n(2000, 500)
    for _ in flips(path, n):
        assert not is_whole(path)
    path.write_bytes(whole[:-1])
    assert stored_frame(frame, tmp_path) == path
    assert path.read_bytes() == whole
    assert path.with_name(path.name + SUFFIX).exists()
    faults.held("a flipped bit of a stored table is noticed", n, n)


def a_journal(n=12):
    """Return records such as Optuna writes."""
    made = [{"op_code": 0, "worker_id": "w", "study_name": "s", "directions": [2]}]
    for i in range(n):
        params = {"tau": 0.1 * i, "cv": i}
        made.append(
            {"op_code": 4, "worker_id": "w", "study_id": 0, "value": i / 7, "params": params}
        )
    return made


def lines(records):
    return b"".join(json.dumps(r, separators=(",", ":")).encode() + b"\n" for r in records)


class NoLock:
    """Counts how often it is held."""

    held = 0

    def acquire(self):
        self.held += 1
        return True

    def release(self):
        self.held -= 1


@pytest.mark.parametrize("what", ["bit", "digit"])
def test_a_change_of_the_tuning_journal_leaves_no_other_record(tmp_path, what, faults, caplog):
    path, lock = tmp_path / "0f1a.log", NoLock()
    whole = lines(map(journal.sealed, a_journal()))
    expected = [dict(record) for record in journal.records(whole)]
    digits = [i for i, byte in enumerate(whole) if chr(byte).isdigit()]
    n, rng, noticed = faults.n(2000, 500), random.Random(1), 0
    for _ in range(n):
        content = bytearray(whole)
        if what == "bit":
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        else:
            i = rng.choice(digits)
            content[i] = ord("0") + (content[i] - ord("0") + rng.randrange(1, 10)) % 10
        path.write_bytes(content)
        journal.mend(path, lock)
        kept = list(map(dict, journal.records(path.read_bytes())))
        noticed += len(kept) < len(expected)
        assert kept == expected[: len(kept)]
    assert lock.held == 0
    assert noticed > 0.95 * n
    assert all("set aside as 0f1a.log.damaged" in message for message in caplog.messages)
    faults.held(f"a changed {what} of the tuning journal leaves no other record", n, noticed)


def test_a_journal_without_checksums_is_read_and_goes_on_with_them(tmp_path):
    path = tmp_path / "0f1a.log"
    old, new = a_journal(3), a_journal(1)
    path.write_bytes(lines(old) + lines(map(journal.sealed, new)))
    before = path.read_bytes()
    journal.mend(path, NoLock())
    assert path.read_bytes() == before
    assert list(map(dict, journal.records(before))) == old + new


def test_a_file_that_is_no_journal_is_left_alone(tmp_path):
    path = tmp_path / "text"
    path.write_text("no journal\nat all\n")
    journal.mend(path, NoLock(), is_ours=False)
    assert path.read_text() == "no journal\nat all\n"
    journal.mend(path, NoLock())
    assert path.read_text() == ""
    assert (tmp_path / f"text{SUFFIX}").exists()


def test_a_file_that_was_written_again_is_not_set_aside(store, caplog, monkeypatch):
    from imbench.components.damage import set_aside

    path = store.runs / KEY.folder / "cell.json"
    assert set_aside(path, "fails its checksum", b"other content") is None
    assert path.exists()
    assert not caplog.messages
    monkeypatch.setattr(store_module, "WAIT_S", 0)
    path.write_bytes(b"{}")
    with caplog.at_level(logging.WARNING):
        store.write_cell(KEY)
    (message,) = caplog.messages
    assert "cell.json is damaged" in message
    assert message.endswith(".")
    assert read_key(Path(path.parent)).folder == KEY.folder
