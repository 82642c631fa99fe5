"""The store: complete folds are read back, damaged and half written ones are not."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache

import numpy as np
import pytest

from imbench.components.hashing import run_id_of
from imbench.config import identity as config_identity
from imbench.config.compose import Composer
from imbench.errors import ConfigError, DataError
from imbench.results import cell_files
from imbench.results import fold as fold_module
from imbench.results import store as store_module
from imbench.results.fold import ARRAYS, CellKey, cell_result
from imbench.results.store import Store
from tests.factories import make_fold

KEY = CellKey("0" * 16, "digits", "knn", "none", ("resample",), 5, {"seed": 0, "splits": {"n": 5}})

FULL = {
    "fit_s": 0.1 + 0.2,
    "predict_s": float(np.nextafter(1, 2)),
    "n_fits": np.int64(7),
    "peak_bytes": 2**40,
    "device": "cuda:0",
    "versions": {"numpy": "2.4"},
    "warnings": ("UserWarning: größer",),
    "notes": ("a", "b"),
    "counts_after": (1 / 3, 2.0),
    "history": np.array([[0.5, np.nan], [1 / 3, -np.inf]]),
}

WRITER = """
import sys, numpy as np
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.factories import make_fold
from tests.unit.test_results import KEY
from imbench.results.store import Store
store = Store(Path({folder!r}))
store.write_cell(KEY)
print("ready", flush=True)
for i in range(10**9):
    store.write_fold(KEY, make_fold(i, fold=i % 5, n=20_000))
"""


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    return store


def folder_of(store):
    return store.runs / KEY.folder


def assert_same(found, expected):
    for field in dataclasses.fields(expected):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if field.name in (*ARRAYS, *fold_module.OPTIONAL):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            assert one.tobytes() == other.tobytes(), field.name
        else:
            assert one == other, field.name


def test_a_fold_is_read_back_bit_by_bit(store):
    fold = make_fold(3, fold=2, **FULL)
    store.write_fold(KEY, fold)
    found = store.read_fold(KEY, 0, 2)
    assert_same(found, fold)
    assert isinstance(found.warnings, tuple)
    assert isinstance(found.counts_before, tuple)


def test_a_failed_fold_without_arrays_is_read_back(store):
    fold = fold_module.FoldResult(
        *("0" * 16, "digits", "knn", "none", 1, 0, "failed", "it broke.", ("a", "b"), 1),
        traceback="Traceback\n  line\n",
    )
    store.write_fold(KEY, fold)
    assert_same(store.read_fold(KEY, 1, 0), fold)


def test_a_cell_is_read_back_with_its_folds_in_order(store):
    store.write_cell(KEY)
    for number in (10, 2, 0):
        store.write_fold(KEY, make_fold(number, fold=number))
    (cell,) = store.read_cells()
    assert [f.fold for f in cell.folds] == [0, 2, 10]
    assert (cell.label, cell.stages, cell.n_folds) == ("none", ("resample",), 5)
    assert cell.config == KEY.config
    assert cell.status == "ok"


def test_the_files_open_without_imbench(store):
    store.write_fold(KEY, make_fold(1))
    with np.load(folder_of(store) / "r0-f0.npz", allow_pickle=False) as arrays:
        assert set(arrays) == set(ARRAYS)
    meta = json.loads((folder_of(store) / "r0-f0.json").read_text(encoding="utf-8"))
    assert meta["label"] == "none"


def test_a_folder_of_scores_alone_is_no_cell(store):
    store.write_scores(KEY, 0, 0, b"scores of inner folds")
    assert list(store.read_cells()) == []
    store.write_cell(KEY)
    (cell,) = store.read_cells()
    assert cell.folds == ()
    (folder_of(store) / "cell.json").unlink()
    store.write_fold(KEY, make_fold(1))
    assert isinstance(next(store.read_cells()), DataError)  # folds without their cell are damage


def test_an_absent_fold_is_none_and_an_absent_folder_has_no_cells(store, tmp_path):
    assert store.read_fold(KEY, 0, 0) is None
    assert list(Store(tmp_path / "nowhere").read_cells()) == []


def flip_a_byte(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE = {
    "truncated": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "a byte flipped": flip_a_byte,
    "extended": lambda content: content + b" x",
    "not text": lambda content: b"\xff\xfe\x00",
    "null": lambda content: b"null",
    "a list": lambda content: b"[1]",
}


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named_and_set_aside_and_its_fold_treated_as_missing(
    store, damage, suffix, monkeypatch, caplog
):
    monkeypatch.setattr(store_module, "WAIT_S", 0)
    store.write_cell(KEY)
    store.write_fold(KEY, make_fold(1))
    store.write_fold(KEY, dataclasses.replace(make_fold(2), repeat=0, fold=1))
    path = folder_of(store) / f"r0-f0{suffix}"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    found, cell = store.read_cells()
    assert isinstance(found, DataError)
    assert "r0-f0" in str(found)
    assert [(f.repeat, f.fold) for f in cell.folds] == [(0, 1)]  # the others are still shown
    assert store.read_fold(KEY, 0, 0) is None
    assert {p.name for p in folder_of(store).glob("r0-f0*")} == {
        "r0-f0.json.damaged", "r0-f0.npz.damaged",
    }  # fmt: skip
    assert f"r0-f0{suffix}" in caplog.text
    (again,) = store.read_cells()
    assert len(again.folds) == 1


@pytest.mark.parametrize(("old", "new"), [('"ok"', '"failed"'), ('"knn"', '"svm"')])
def test_an_edited_value_is_noticed(store, old, new):
    store.write_fold(KEY, make_fold(1))
    path = folder_of(store) / "r0-f0.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert store.read_fold(KEY, 0, 0) is None


def test_a_file_of_another_format_or_with_unknown_fields_is_absent(store):
    store.write_fold(KEY, make_fold(1))
    path = folder_of(store) / "r0-f0.json"
    meta = json.loads(path.read_bytes())
    del meta["sha256"]
    for change in ({"format": cell_files.FORMAT + 1}, {"a field of tomorrow": 1}):
        path.write_bytes(cell_files.seal(meta | change))
        assert store.read_fold(KEY, 0, 0) is None


def test_the_arrays_of_another_fold_are_noticed(store):
    store.write_fold(KEY, make_fold(1, fold=0))
    store.write_fold(KEY, make_fold(2, fold=1))
    (folder_of(store) / "r0-f0.npz").write_bytes((folder_of(store) / "r0-f1.npz").read_bytes())
    assert store.read_fold(KEY, 0, 0) is None
    assert store.read_fold(KEY, 0, 1) is not None


@pytest.mark.parametrize("last", [".npz", ".json"])
@pytest.mark.parametrize("exception", [OSError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_neither_fold_nor_temporary_file(
    store, monkeypatch, last, exception
):
    replace = os.replace

    def stop(source, target):
        if str(target).endswith(last):
            raise exception
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(exception):
        store.write_fold(KEY, make_fold(1))
    assert store.read_fold(KEY, 0, 0) is None
    left = [p.name for p in folder_of(store).iterdir()]
    assert left == (["r0-f0.npz"] if last == ".json" else [])


def test_an_interrupted_rewrite_leaves_no_mixture_of_files(store, monkeypatch):
    store.write_fold(KEY, make_fold(1))
    replace = os.replace

    def stop(source, target):
        if str(target).endswith(".json"):
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            store.write_fold(KEY, make_fold(2))
    assert store.read_fold(KEY, 0, 0) is None
    store.write_fold(KEY, make_fold(2))
    assert_same(store.read_fold(KEY, 0, 0), make_fold(2))


def test_temporary_files_have_names_that_no_reader_looks_for(store, monkeypatch):
    names = []

    def spy(source, target):
        names.extend(p.name for p in folder_of(store).glob("r*-f*"))
        names.append(os.path.basename(source))
        raise OSError

    monkeypatch.setattr(os, "replace", spy)
    with pytest.raises(OSError):
        store.write_fold(KEY, make_fold(1))
    (name,) = names
    assert name.startswith(".tmp-")


@pytest.mark.process
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a matter of POSIX")
def test_killing_a_writer_at_any_moment_leaves_complete_or_absent_folds(tmp_path):
    code = WRITER.format(root=os.getcwd(), folder=str(tmp_path))
    store = Store(tmp_path)
    rng = np.random.default_rng(0)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            while not (folder_of(store) / "r0-f4.json").exists():
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.1))
        finally:
            process.send_signal(signal.SIGKILL)
    found = [store.read_fold(KEY, 0, fold) for fold in range(5)]
    complete = [f for f in found if f is not None]
    assert len(complete) >= 4, "at most the fold in flight is lost"
    for fold in complete:
        assert len(fold.y_true) == 20_000
        np.testing.assert_allclose(fold.y_score.sum(1), 1)


@pytest.mark.parametrize("place", ["file/results", "file"])
def test_an_unwritable_folder_is_one_sentence_with_two_fixes(tmp_path, place):
    # Below a regular file: the superuser may write into any folder, whatever its mode.
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        Store(tmp_path / place).prepare()
    sentence = str(caught.value)
    for words in (f"results_dir={tmp_path / place} ", "results_dir=", "IMBENCH_RESULTS"):
        assert words in sentence
    assert sentence.endswith(".")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="cannot be written"):
        Store(tmp_path).prepare()


def test_preparing_leaves_nothing_behind(store):
    assert list(store.runs.iterdir()) == []


def test_an_equal_description_of_a_cell_is_not_rewritten(store):
    store.write_cell(KEY)
    path = folder_of(store) / "cell.json"
    os.utime(path, (1, 1))
    store.write_cell(KEY)
    assert path.stat().st_mtime == 1
    store.write_cell(dataclasses.replace(KEY, n_folds=6))
    assert path.stat().st_mtime > 1


@pytest.mark.parametrize("label", ["a/b", "..", "ü ß", "x" * 300, "smote+focal"])
def test_any_name_of_a_cell_gives_one_folder(store, label):
    key = dataclasses.replace(KEY, label=label)
    assert "/" not in key.folder
    assert len(key.folder) < 120
    store.write_cell(key)
    (cell,) = store.read_cells()
    assert cell.label == label


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ok", "ok"], "ok"),
        (["ok", "skipped"], "skipped"),
        (["skipped", "failed", "ok"], "failed"),
        ([], "ok"),
    ],
)
def test_one_failed_fold_fails_a_cell_and_one_skipped_fold_skips_it(statuses, expected):
    folds = [
        make_fold(i, fold=i, status=s, reason="" if s == "ok" else f"{s}.")
        for i, s in enumerate(statuses)
    ]
    cell = cell_result(KEY, folds)
    assert cell.status == expected
    assert cell.reason == ("" if expected == "ok" else f"{expected}.")


@cache
def run_id(*words):
    (config,) = Composer(None).cells(["dataset=synthetic", *words], multirun=False)
    return run_id_of(config_identity.identity_of(config) | {"fingerprint": "f"})


def test_a_run_id_does_not_depend_on_the_order_of_keys():
    one = {"a": {"x": 1, "y": [1, 2]}, "b": 2}
    other = {"b": 2, "a": {"y": [1, 2], "x": 1}}
    assert run_id_of(one) == run_id_of(other)
    assert run_id_of(one) != run_id_of({"a": {"x": 1, "y": [2, 1]}, "b": 2})
    assert len(run_id_of(one)) == 16


@pytest.mark.parametrize(
    "words",
    [
        ["device=cpu"],
        ["results_dir=elsewhere"],
        ["data_dir=elsewhere"],
        ["output=json"],
        ["n_jobs=2"],
        ["tracking=none"],
        ["metrics.sort=mcc"],
        ["metrics=[default,f2]"],
    ],
    ids=" ".join,
)
def test_a_run_id_does_not_depend_on_what_changes_no_prediction(words):
    assert run_id(*words) == run_id()


@pytest.mark.parametrize(
    "words",
    [
        ["seed=1"],
        ["amp=true"],
        ["model=knn"],
        ["model.estimator.lr=0.1"],
        ["strategy=focal"],
        ["dataset.ratio=8"],
        ["dataset/imbalance=long_tail"],
        ["splits=holdout"],
        ["splits.n_splits=3"],
    ],
    ids=" ".join,
)
def test_a_run_id_depends_on_what_changes_predictions(words):
    assert run_id(*words) != run_id()


def test_a_run_id_depends_on_parameters_of_the_strategy():
    assert run_id("strategy=focal") != run_id("strategy=focal", "strategy.loss.focal.gamma=1")


def test_a_run_id_depends_on_the_content_of_the_data():
    assert run_id_of({"fingerprint": "a"}) != run_id_of({"fingerprint": "b"})


def test_a_device_deep_inside_a_model_is_left_out_too():
    def config(device):
        net = {"_target_": "imbench.models.nets.classifier.TorchClassifier", "device": device}
        wrapped = {"_target_": "sklearn.calibration.CalibratedClassifierCV", "estimator": net}
        (composed,) = Composer(None).cells(["dataset=synthetic"], multirun=False)
        return composed | {"model": {"name": "net", "estimator": wrapped}}

    ids = {run_id_of(config_identity.identity_of(config(device))) for device in ("cpu", "cuda")}
    assert len(ids) == 1


def test_keys_of_mixed_types_have_a_run_id():
    # `dataset.imbalance.ratios={0: 0.5, cat: 0.1}`: YAML reads 0 as a number.
    assert run_id_of({"ratios": {0: 0.5, "cat": 0.1}}) == run_id_of(
        {"ratios": {"cat": 0.1, 0: 0.5}}
    )


def test_text_that_is_no_unicode_is_stored(store):
    # A file name in a traceback may hold bytes that are no UTF-8; Python has surrogates for them.
    store.write_fold(KEY, make_fold(1, status="failed", reason="bad \udcff name."))
    assert store.read_fold(KEY, 0, 0).status == "failed"


SHOWN = {
    "picture": np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2),
    "picture_y": np.array([1, 1]),
    "picture_made": np.array([False, True]),
}


def test_a_picture_is_read_back_and_stored_only_if_present(store):
    store.write_fold(KEY, make_fold(1, fold=0, **SHOWN))
    store.write_fold(KEY, make_fold(1, fold=1))
    found = store.read_fold(KEY, 0, 0)
    for name, expected in SHOWN.items():
        np.testing.assert_array_equal(getattr(found, name), expected)
        assert getattr(found, name).dtype == expected.dtype
    assert len(store.read_fold(KEY, 0, 1).picture) == 0
    with np.load(folder_of(store) / "r0-f1.npz", allow_pickle=False) as arrays:
        assert set(arrays) == set(ARRAYS), "as it was before there were pictures"


@pytest.mark.parametrize(("seconds", "n_flushes"), [(0.2, 0), (2.0, 2)])
def test_long_folds_are_flushed_to_the_disk(seconds, n_flushes, tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    store, fold = Store(tmp_path), make_fold(fit_s=seconds)
    store.write_fold(KEY, fold)
    assert len(flushed) == n_flushes
    assert store.read_fold(KEY, 0, 0) is not None
