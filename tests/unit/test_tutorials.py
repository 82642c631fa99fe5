"""The sweep of the tutorials' claims on small files in MNIST's format."""

import dataclasses

import pytest

from scripts import tutorials
from scripts.tutorials import CLAIM, NAMES, Gain, answer, gains_of, table
from tests.cells import cells_of
from tests.dataset_files import write_idx


def row(label, gain=None, **more):
    metrics = {"recall_rare": 0.9}
    return {
        "label": label,
        "status": "ok",
        "metrics": metrics,
        "gain": gain,
        "interval": None,
    } | more


def rows(**more):
    found = {name: row(name, 0.06, interval=[0.01, 0.11]) for name in NAMES}
    return [*(found | more).values(), row("none")]


def test_the_experiment_has_the_cells_of_the_tutorials(tmp_path):
    write_idx(tmp_path / "MNIST")
    cells = cells_of("experiment=tutorial_mnist", f"data_dir={tmp_path}")
    assert {cell.label for cell in cells} == {"none", *NAMES}
    assert {cell.splitter.n_folds for cell in cells} == {10}
    assert {cell.model_name for cell in cells} == {"mlp"}
    thinned = {key: cells[0].dataset.node["imbalance"][key] for key in ("ratios", "others")}
    assert thinned == {"ratios": {"0": 0.9}, "others": 0.1}
    assert cells[0].metrics.sort == "recall_rare"


def test_the_ratio_of_the_tutorials_is_the_experiment_itself(tmp_path):
    usual, asked = (
        cells_of(*words, "strategy=none")
        for words in (
            ["experiment=tutorial_mnist", "model.estimator.epochs=2"],
            tutorials.words(tutorials.OF_TUTORIALS, 2, 10),
        )
    )
    assert [c.identity for c in usual] == [c.identity for c in asked]
    assert usual[0].dataset.node == asked[0].dataset.node


def test_gains_are_points_and_a_strategy_that_did_not_finish_has_none():
    failed = row("smote", status="failed", reason="too few rows.")
    found = {gain.strategy: gain for gain in gains_of(1000, 5, rows(smote=failed))}
    assert found["random_over"] == Gain(1000, 5, "random_over", 90.0, 6.0, 1.0, 11.0)
    assert (found["smote"].points, found["smote"].reason) == (None, "too few rows.")
    text = table(list(found.values()))
    assert "| 1000:1 | 5 | 90.0 | +6.0 \\[+1.0, +11.0\\] |" in text
    assert text.endswith("- did not finish, SMOTE: too few rows.")
    with pytest.raises(SystemExit, match=r"none with 9:1 is failed: no\."):
        gains_of(9, 1, [row("none", status="failed", reason="no.")])


def test_the_answer_counts_what_is_within_below_and_above():
    gain = Gain(9.0, 2, "smote", 90.0, None)
    points = (CLAIM[0] - 0.1, *CLAIM, CLAIM[1] + 0.1, None)
    text = answer([dataclasses.replace(gain, points=p) for p in points])
    assert "In 2 of 4 comparisons it is; in 1 it is less, in 1 more." in text
    assert text.endswith("At the tutorials' 9:1, over 2 to 2 epochs: SMOTE +4.9 to +20.1.")
    assert "tutorials'" not in answer([dataclasses.replace(gain, ratio=30.0, points=1.0)])


def test_settings_that_cannot_be_read_are_named():
    with pytest.raises(SystemExit, match=r"--settings '9:a' is not such as 9:1,2,5"):
        tutorials.settings_of(["9:a"])


@pytest.mark.slow
@pytest.mark.process
def test_it_writes_a_table_and_a_figure_and_goes_on_from_what_is_stored(
    tmp_path, monkeypatch, capsys
):
    write_idx(tmp_path / "MNIST")
    monkeypatch.setenv("IMBENCH_DATA", str(tmp_path))
    folders = {name: tmp_path / name for name in ("results", "tables", "images")}
    words = ["--settings", "2:1", "--seeds", "2", "--sampler-seeds", "2"]
    for name, folder in folders.items():
        words += [f"--{name}", str(folder)]
    tutorials.main(words)
    first = (folders["tables"] / "tutorial_mnist.md").read_text()
    stored = {path: path.stat().st_mtime_ns for path in folders["results"].rglob("r*-f*.npz")}
    assert len(stored) == 2 * (1 + len(NAMES)) + 2 * 2  # and the balanced sampler
    assert "`python -m scripts.tutorials --settings 2:1 --seeds 2 --sampler-seeds 2`" in first
    assert "../images/tutorial-mnist.png" in first
    assert first.count("| 2:1 | 1 |") == 1
    assert (folders["images"] / "tutorial-mnist.png").stat().st_size > 5_000
    assert "Is it 5 to 20 points of minority accuracy?" in capsys.readouterr().out
    tutorials.main(words)
    assert (folders["tables"] / "tutorial_mnist.md").read_text() == first
    again = {path: path.stat().st_mtime_ns for path in folders["results"].rglob("r*-f*.npz")}
    assert again == stored
