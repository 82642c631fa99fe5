"""`imbench verify` names what is damaged, and sets it aside."""

import json

import numpy as np
import pandas as pd
import pytest

from imbench.api.frames import stored_frame
from imbench.cli import main
from imbench.data import cache
from imbench.data.load import load_dataset
from imbench.results.fold import CellKey
from imbench.results.scores import Answer, Record
from imbench.results.store import Store
from imbench.run.tuning import journal
from tests.factories import make_fold
from tests.faults.test_flips import a_journal, lines

KEY = CellKey("0" * 16, "digits", "knn", "none", (), 1, {"seed": 0})


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder that holds a file of each kind, beside a cache of its own."""
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    table = tmp_path / "t.csv"
    table.write_text("a,target\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20)))
    target = "imbench.data.table.load_table"
    load_dataset({"_target_": target, "path": str(table), "target": "target"})
    folder = tmp_path / "results"
    store = Store(folder)
    store.write_cell(KEY)
    store.write_fold(KEY, make_fold(1))
    answer = Answer(np.arange(2), 0.25, (), ()).add(np.arange(4), np.ones((4, 2)))
    store.write_scores(KEY, 0, 0, Record({"0f1a": answer}).to_bytes())
    stored_frame(pd.DataFrame({"a": [1.5], "target": ["no"]}), folder / "frames")
    (folder / "tuning").mkdir()
    (folder / "tuning" / "0f1a.log").write_bytes(lines(map(journal.sealed, a_journal())))
    model = folder / "model"
    model.mkdir()
    (model / "card.json").write_text("{}")
    sha = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    (model / "manifest.json").write_text(json.dumps({"version": 1, "files": {"card.json": sha}}))
    return folder


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


KINDS = (
    "cell.json", "r0-f0.json", "r0-f0.npz", "r0-f0.scores.npz", "*.parquet", "0f1a.log",
    "datasets/*.json", "datasets/*.npz",
)  # fmt: skip


def test_sound_results_are_said_to_be(results, capsys):
    assert main(["verify", str(results)]) == 0
    assert capsys.readouterr().out == f"{results}: every stored file is sound.\n"
    assert main(["verify", str(results / "runs")]) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_named_and_set_aside(results, kind, capsys, caplog, faults):
    (path,) = (p for p in results.parent.rglob(kind) if p.suffix != ".csv")
    whole = path.read_bytes()
    damage(path)
    before = path.read_bytes()
    assert main(["verify", str(results)]) == 1
    said = capsys.readouterr().out
    assert path.name.rpartition(".")[0].removesuffix(".scores") in said.splitlines()[0]
    assert "1 damaged; add --repair" in said
    assert path.read_bytes() == before
    assert main(["verify", str(results), "--repair"]) == 1
    assert "set aside as" in caplog.text
    assert path.with_name(f"{path.name}.damaged").read_bytes() == before
    capsys.readouterr()
    if kind == "cell.json":  # the same command writes it; its folds are there
        Store(results).write_cell(KEY)
    assert main(["verify", str(results)]) == 0
    if kind == "0f1a.log":
        kept = path.read_bytes()
        assert whole.startswith(kept)
        assert kept
    faults.held("`imbench verify` names a damaged file, and `--repair` sets it aside", 1)


def test_a_changed_model_is_named_and_stays(results, capsys):
    (results / "model" / "card.json").write_text("{ }")
    assert main(["verify", str(results), "--repair"]) == 1
    said = capsys.readouterr().out
    assert "card.json changed since the model was saved" in said
    assert said.endswith("1 damaged; save the models again.\n")
    assert (results / "model" / "card.json").exists()


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("imbench: verify ")


def test_an_entry_of_the_cache_with_other_metadata_is_left_alone(results, tmp_path, capsys):
    (path,) = (tmp_path / "cache" / "datasets").glob("*.json")
    meta = json.loads(path.read_bytes().partition(b"\n")[2])
    del meta["notices"]  # as an older version wrote it
    path.write_bytes(cache._with_checksum(meta))
    assert main(["verify", str(results)]) == 0
    assert path.exists()
