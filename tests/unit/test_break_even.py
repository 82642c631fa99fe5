"""The break-even curves: nested samples, one test set, and what the page says."""

import dataclasses
import doctest
import json

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(ROOT / "scripts"))
    import break_even
    import break_even_page
    import break_even_rows
    from break_even_page import Crossing, Gain, Shape, answer, crossings, details, table
    from break_even_rows import PART, TABLES, Draws, Table, write

TOY = Table("toy.csv", "y", "yes", "no", ("code",), "patient")
RATIOS = (2.0, 10.0)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A table of 2,400 rows of 1,200 patients, and the pool that is written of it."""
    rng = np.random.default_rng(0)
    y = rng.random(2400) < 0.1
    frame = pd.DataFrame(
        {
            "row": np.arange(2400) + 0.5,
            "x": rng.normal(size=2400) + 2 * y,
            "code": "c",
            "patient": np.arange(2400) // 2,
            "y": np.where(y, "yes", "no"),
        }
    )
    frame.to_csv(tmp_path / "toy.csv", index=False)
    monkeypatch.setitem(TABLES, "toy", TOY)
    monkeypatch.setattr(break_even_rows, "MOST_TEST", {True: 40, False: 300})
    pool = write("toy", tmp_path, tmp_path / "results", RATIOS)
    return tmp_path, pool, pd.read_parquet(pool.path), frame


def rows_of(pool, rare=20, ratio=2.0, noise=0.0, draw=0):
    return Draws(2, rare, ratio, noise, pool.n_rare, pool.n_other).train_index(0, draw)


@pytest.mark.parametrize("module", [break_even, break_even_page, break_even_rows])
def test_examples(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_no_patient_is_on_both_sides_and_the_test_rows_are_as_they_were(toy):
    _, pool, written, frame = toy
    test, train = (written[written[PART] == part] for part in ("test", "train"))
    assert not set(test["patient"]) & set(train["patient"])
    assert (test["y"] == "yes").sum() == 40
    assert len(test) == 340
    truth = frame.set_index("row")["y"]
    assert (truth[test["row"]].to_numpy() == test["y"].to_numpy()).all()
    assert "code" not in written
    assert not pool.has_categories


def test_test_rows_weigh_as_the_ratio_says_and_training_rows_one(toy):
    _, pool, written, _ = toy
    assert len(pool.weights) == len(RATIOS)
    for ratio, column in zip(RATIOS, pool.weights, strict=True):
        test = written[written[PART] == "test"].groupby("y")[column].sum()
        assert test["no"] / test["yes"] == pytest.approx(ratio)
        assert (written.loc[written[PART] == "train", column] == 1).all()


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_smaller_sample_is_in_every_larger_one_with_the_same_labels(toy, noise):
    pool = toy[1]
    for few, more in (
        ((10, 2), (20, 2)),
        ((20, 2), (20, 5)),
        ((10, 5), (50, 5)),
        ((20, 2), (50, 5)),
    ):
        small, large = (set(rows_of(pool, *size, noise)) for size in (few, more))
        assert small < large
    assert set(rows_of(pool, noise=noise)) != set(rows_of(pool, noise=noise, draw=1))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.25])
@pytest.mark.parametrize(("rare", "ratio"), [(10, 2), (40, 5)])
def test_noise_changes_as_many_labels_of_each_class_and_no_count(toy, noise, rare, ratio):
    _, pool, written, frame = toy
    sample = written.iloc[rows_of(pool, rare, ratio, noise)]
    assert sample["y"].value_counts().to_dict() == {"yes": rare, "no": rare * ratio}
    assert (sample[PART] == "train").all()
    assert sample["row"].is_unique
    truth = frame.set_index("row")["y"][sample["row"]].to_numpy()
    changed = pd.Series(truth)[truth != sample["y"].to_numpy()]
    n = int(rare * noise)
    assert changed.value_counts().to_dict() == ({"yes": n, "no": n} if n else {})


def test_all_draws_are_tested_on_the_test_set(toy):
    data = dataclasses.make_dataclass("Data", ["test_index"])(np.array([9, 3]))
    folds = Draws(3, 10, 2.0, 0.0, 50, 200).split(data, seed=0)
    assert [(f.repeat, f.fold) for f in folds] == [(0, 0), (1, 0), (2, 0)]
    assert {tuple(f.test_index) for f in folds} == {(3, 9)}
    assert len({tuple(f.train_index) for f in folds}) == 3


def gain(rare, verdict, strategy="smote", points=0.05, measure="f1_macro", table="bank"):
    shape = Shape(table, rare, 10.0, 0.0)
    low, high = points - 0.01, points + 0.01
    return Gain(shape, "knn", strategy, measure, 0.6, points, low, high, verdict, error=0.005)


MADE = [
    gain(10, "open"),
    gain(20, "better"),
    gain(20, "better", "random_over", 0.07),
    gain(20, "better", "none", 0.5),
    gain(50, "probably better"),
    gain(100, "better"),
]


def test_curves_cross_where_a_remedy_is_better_and_controls_are_none():
    (found,) = crossings(MADE).values()
    assert found == Crossing((10, 20, 50, 100), {20: ["random_over", "smote"], 100: ["smote"]})
    assert (found.first, found.since) == (20, 100)
    assert str(found) == "at 20, not at 50 (2 of 4)"
    assert "| bank | knn | 10:1 | 0 | at 20, not at 50 (2 of 4) |" in table(MADE)
    text = answer(MADE)
    assert "better than a moved threshold in 2 of 4 settings" in text
    assert "Most often it is smote (2), random_over (1)" in text
    only = [gain(10, "open", "none", 0.5), gain(10, "worse")]
    assert "in 0 of 1 settings." in answer(only)
    assert "never up to 10" in table(only)


def test_the_best_remedy_of_a_setting_stands_beside_the_threshold():
    base = dataclasses.replace(gain(20, ""), strategy="threshold", gain=None, value=0.512)
    text = details([*MADE, base], "f1_macro")
    row = "| 20 | 0.512 | random_over | +0.070 \\[+0.060, +0.080\\] | better |"
    assert row in text
    assert text.count("\n") == 2  # settings without the threshold are left out


def names(folder, *more):
    found = ["--tables", "toy", "--rare", "10", "500", "--ratios", "2", "--noise", "0.1"]
    found += ["--draws", "2", "--models", "logistic_regression", "--data", str(folder)]
    for option in ("results", "pages", "images"):
        found += [f"--{option}", str(folder / option)]
    return [*found, *more]


@pytest.mark.slow
def test_a_run_is_stored_and_only_what_is_stored_is_shown(toy, monkeypatch, capsys):
    folder = toy[0]
    monkeypatch.setattr(break_even, "STRATEGIES", ("none", "threshold", "random_over"))
    with pytest.raises(SystemExit) as ended:
        break_even.main(names(folder, "--only-stored"))
    assert ended.value.code == 2
    assert "nothing is stored of these settings" in capsys.readouterr().err
    break_even.main(names(folder))
    first = (folder / "pages" / "break_even.md").read_text()
    assert "F1 (macro): a remedy is better than a moved threshold in" in capsys.readouterr().out
    assert "- toy, too few rows: 500 at 2:1" in first
    assert "../images/break-even.png" in first
    assert (folder / "images" / "break-even.png").stat().st_size > 5_000
    kept = json.loads(next((folder / "results" / "gains").glob("toy-rare10-*")).read_text())
    assert {g["strategy"] for g in kept["gains"]} == {"none", "threshold", "random_over"}
    measures = {g["measure"] for g in kept["gains"] if g["value"] is not None}
    assert measures == {*break_even.MEASURES, break_even.COST}

    def refuse(*args, **kwargs):
        raise AssertionError("it ran again")

    monkeypatch.setattr(break_even, "compare", refuse)
    monkeypatch.setattr(break_even, "write", refuse)
    break_even.main(names(folder))
    assert (folder / "pages" / "break_even.md").read_text() == first
    break_even.main(names(folder, "--only-stored", "--rare", "10", "20"))
    shown = (folder / "pages" / "break_even.md").read_text()
    assert "- toy, not run yet: 20 at 2:1" in shown


@pytest.mark.parametrize("name", ["bank", "cover", "diabetes", "nass"])
def test_the_four_tables_give_a_thousand_rare_rows_or_say_so(name, data_dir, tmp_path):
    pool = write(name, data_dir / "tables", tmp_path, RATIOS)
    assert pool.gives(500, 10, 0.1)
    assert pool.gives(1000, 10, 0.1) == (name != "nass")
    assert pool.has_categories == (name != "cover")
