"""Columns with a role: groups, time, weight and test rows come back, or a sentence says why not."""

import re
import shlex

import numpy as np
import pandas as pd
import pytest

from imbench.cli import main
from imbench.config.compose import Composer
from imbench.config.identity import identity_of
from imbench.data import cache
from imbench.data.checks import check, roles_in_use
from imbench.data.description import describe
from imbench.data.load import load
from imbench.data.spec import DatasetSpec
from imbench.data.splits import Holdout, OfficialTest
from imbench.data.table import load_table
from imbench.data.time_splits import TimeSplit
from imbench.errors import ConfigError, DataError

N = 40
ROWS = np.arange(N)
DAYS = pd.Series(pd.date_range("2021-03-01", periods=N))
SINCE_1970 = 18687.0  # of 2021-03-01


def plain(**columns):
    rng = np.random.default_rng(0)
    frame = {"x": rng.normal(size=N).round(3), "plan": rng.choice(["a", "b"], N)}
    return pd.DataFrame(frame | columns | {"y": np.where(ROWS % 4 == 0, "bad", "good")})


@pytest.fixture
def write(tmp_path):
    def _write(name="t.csv", frame=None, **columns):
        frame, path = plain(**columns) if frame is None else frame, tmp_path / name
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        elif path.suffix == ".xlsx":
            frame.to_excel(path, index=False)
        else:
            frame.to_csv(path, index=False, sep=";" if name.startswith("semicolon") else ",")
        return str(path)

    return _write


KINDS = {
    "numbers": ("groups", ROWS // 4 + 7, {}, ROWS // 4),
    "codes with zeros": ("groups", [f"{i // 4:05d}" for i in ROWS], {}, ROWS // 4),
    "text": ("groups", [f"p{i // 4:02d}" for i in ROWS], {}, ROWS // 4),
    "long integers": ("groups", 10**17 + ROWS // 2, {}, ROWS // 2),
    "truth values": ("groups", ROWS % 2 == 0, {}, (ROWS + 1) % 2),
    "None is a name": ("groups", np.where(ROWS < 9, "None", "some"), {}, np.where(ROWS < 9, 0, 1)),
    "dates as groups": (
        "groups",
        DAYS.dt.strftime("%Y-%m").to_list(),
        {},
        np.where(ROWS < 31, 0, 1),
    ),
    "dates": ("time", DAYS.dt.strftime("%Y-%m-%d"), {}, SINCE_1970 + ROWS),
    "dates with the day first": ("time", DAYS.dt.strftime("%d/%m/%Y"), {}, SINCE_1970 + ROWS),
    "dates that need day_first": (
        "time",
        np.where(ROWS < 20, "03/04/2021", "04/04/2021"),
        {"day_first": True},
        SINCE_1970 + np.where(ROWS < 20, 33, 34),
    ),
    "dates and times": ("time", DAYS.dt.strftime("%Y-%m-%d 06:00"), {}, SINCE_1970 + ROWS + 0.25),
    "years": ("time", 1990 + ROWS, {}, 1990.0 + ROWS),
    "fractions": ("time", ROWS / 8, {}, ROWS / 8),
    "weights": ("weight", ROWS / 8 + 0.5, {}, ROWS / 8 + 0.5),
    "integers": ("weight", ROWS % 3, {}, ROWS % 3),
    "decimal comma": (
        "weight",
        [f"{i / 8 + 1}".replace(".", ",") for i in ROWS],
        {"decimal": ",", "drop": ["x"]},
        ROWS / 8 + 1,
    ),
    "train and test": ("test", np.where(ROWS < 30, "train", "test"), {}, ROWS[30:]),
    "in any case": ("test", np.where(ROWS < 30, "TRAIN ", "Test"), {}, ROWS[30:]),
    "a flag": ("test", (ROWS < 30).astype(int), {"test_values": [0]}, ROWS[30:]),
    "a flag as truth values": ("test", ROWS < 30, {"test_values": [False]}, ROWS[30:]),
    "folds": ("test", ROWS % 4, {"test_values": ["1", "3"]}, ROWS[1::2]),
    "three parts": (
        "test",
        np.select([ROWS < 20, ROWS < 30], ["train", "valid"], "test"),
        {"test_values": "test"},
        ROWS[30:],
    ),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_with_a_role_is_read_and_is_no_feature(write, kind, suffix):
    role, cells, options, expected = KINDS[kind]
    bare = load_table(write("bare.parquet"), "y", drop=options.get("drop", ()))
    name = f"semicolon{suffix}" if kind == "decimal comma" else f"t{suffix}"
    data = load_table(write(name, **{"a role": cells}), "y", **{role: "a role"}, **options)
    found = data.test_index if role == "test" else data.roles[role]
    np.testing.assert_array_equal(found, expected)
    assert data.feature_names == bare.feature_names
    np.testing.assert_array_equal(data.X, bare.X)
    assert data.fingerprint != bare.fingerprint


@pytest.mark.parametrize(
    "typed",
    [
        DAYS,
        DAYS.dt.tz_localize("Europe/Berlin"),
        DAYS.dt.date,
        DAYS.astype("datetime64[ms]"),
        (ROWS + SINCE_1970).astype(np.float32),
    ],
    ids=["time stamps", "with a zone", "dates", "milliseconds", "numbers of 32 bits"],
)
def test_typed_times_are_days_since_1970(write, typed):
    data = load_table(write("t.parquet", when=typed), "y", time="when")
    np.testing.assert_allclose(data.time, ROWS + SINCE_1970)


def test_a_workbook_has_roles(write):
    path = write("t.xlsx", who=ROWS // 2, when=DAYS, w=ROWS + 1.0)
    data = load_table(path, "y", groups="who", time="when", weight="w")
    assert (data.groups.max(), data.time[-1], data.weight[-1]) == (19, SINCE_1970 + 39, 40.0)


def test_without_a_header_a_role_is_a_place(tmp_path):
    path = tmp_path / "t.csv"
    plain(who=ROWS // 2).to_csv(path, header=False, index=False)
    data = load_table(str(path), -1, header=False, groups=2)
    assert (data.feature_names, data.groups.max()) == (("0", "1"), 19)


def test_all_roles_are_said_in_a_fourth_line(write):
    cells = {"who": ROWS // 4, "when": DAYS, "w": ROWS / 8, "part": ["train", "test"] * (N // 2)}
    data = load_table(write(**cells), "y", groups="who", time="when", weight="w", test="part")
    assert describe(data)[3] == (
        "t: groups of 'who': 10, the largest has 4 rows; time of 'when': 2021-03-01 to "
        "2021-04-09; weight of 'w': 0 to 4.875, 97.5 in total; test of 'part': 20 rows (50.00 %)"
    )
    assert len(describe(load_table(write("bare.csv"), "y"))) == 3


PART = np.where(ROWS < 30, "a", "b")
ODD = DAYS.astype(str)[1:]
REFUSED = {
    "no such column": ({"groups": "wo"}, ROWS, r"groups=wo: .*did you mean 'who'\?"),
    "the target": ({"groups": "y"}, ROWS, r"groups=y: is the target; choose another"),
    "no group": ({"groups": "who"}, np.where(ROWS < 3, "", "p"), "3 of 40 rows have no value"),
    "no number": ({"groups": "who"}, np.where(ROWS < 1, "#N/A", "7"), "1 of 40 rows has no value"),
    "one group": ({"groups": "who"}, 7, "every row is of the group '7'"),
    "words as time": ({"time": "who"}, "May", "holds 'May', and needs a date or a number"),
    "no time": ({"time": "who"}, ["", *ODD], "1 of 40 rows has no value"),
    "odd time": ({"time": "who"}, ["soon", *ODD], r"1 of 40 cells is no date \('soon'\)"),
    "no such day": ({"time": "who"}, ["2021-02-30", *ODD], "-30', which is no date"),
    "time of day": ({"time": "who"}, "06:30", r"times of day without a date \('06:30'\)"),
    "day or month": ({"time": "who"}, "03/04/2021", "set dataset.day_first=true or"),
    "words as weight": ({"weight": "who"}, "heavy", "holds 'heavy', and needs a number"),
    "dates as weight": ({"weight": "who"}, DAYS, "holds '2021-03-01', and needs a number"),
    "below 0": ({"weight": "who"}, ROWS - 2, "2 of 40 weights are below 0, such as -2"),
    "no weight": ({"weight": "who"}, np.where(ROWS < 2, np.nan, 1), "2 of 40 rows have no value"),
    "infinite": ({"weight": "who"}, np.where(ROWS < 2, np.inf, 1), "holds infinite values"),
    "units": ({"weight": "who"}, [f"{i} kg" for i in ROWS], "remove 'kg' from the file"),
    "commas": ({"weight": "who"}, [f"{i},5" for i in ROWS], "set 'dataset.decimal=\",\"'"),
    "not train or test": ({"test": "who"}, PART, "set dataset.test=who 'dataset.test_values=[b]'"),
    "no part": (
        {"test": "who"},
        ["", *["train", "test"] * 19, "test"],
        "1 of 40 rows has no value",
    ),
    "all train": ({"test": "who"}, "train", r"no row is tested \(it holds 'train'\)"),
    "all test": ({"test": "who", "test_values": ["a", "b"]}, PART, "every row is tested"),
    "no such value": ({"test": "who", "test_values": ["B", "c"]}, PART, "does not hold 'c'"),
    "a class to test only": (
        {"test": "who"},
        np.where(ROWS % 4, "train", "test"),
        "class 'bad' stands in 10",
    ),
    "neither": ({"test": "wo"}, PART, r"neither a column of .*did you mean 'who'\?\) nor a file"),
    "values alone": ({"test_values": ["b"]}, PART, "set dataset.test to the column"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_such_role_is_refused_in_one_sentence(write, case):
    options, cells, words = REFUSED[case]
    words = words if "\\" in words or ".*" in words else re.escape(words)
    with pytest.raises((DataError, ConfigError), match=words) as caught:
        load_table(write(who=cells), "y", **options)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert text.endswith(".")


def test_everything_that_is_wrong_comes_at_once(write):
    path = write(who=np.where(ROWS < 1, "", "p"), w=ROWS - 1, odd=[f"{i} kg" for i in ROWS])
    with pytest.raises(DataError) as caught:
        load_table(path, "y", groups="who", weight="w")
    assert len(str(caught.value).splitlines()) == 3


def test_a_dropped_column_may_have_a_role(write):
    data = load_table(write(who=ROWS // 2), "y", drop=["who"], groups="who")
    assert data.groups.max() == 19


# The advice works


@pytest.mark.parametrize(
    "name", ["Signup Date (UTC)", "a,b", "x#1", "état", "目标", "true", "it's"]
)
def test_the_advice_on_dates_can_be_pasted(write, name):
    path = write(**{name: DAYS.dt.strftime("%Y-%m-%d")})
    with pytest.raises(DataError) as caught:
        load_table(path, "y")
    (advice,) = re.findall(r", ('?dataset\.time=.*) splits=time to", str(caught.value))
    (config,) = Composer(None).cells(["dataset=table", *shlex.split(advice)], multirun=False)
    data = load_table(path, "y", time=config["dataset"]["time"])
    assert data.time[0] == SINCE_1970


def test_the_advice_on_parts_can_be_pasted(write):
    path = write(**{"is train?": (ROWS < 30).astype(int)})
    with pytest.raises(DataError) as caught:
        load_table(path, "y", test="is train?")
    (advice,) = re.findall(r"set (.*) if the 10 rows with '0'", str(caught.value))
    (config,) = Composer(None).cells(["dataset=table", *shlex.split(advice)], multirun=False)
    found = {key: config["dataset"][key] for key in ("test", "test_values")}
    assert load_table(path, "y", **found).test_index.tolist() == list(range(30, N))


def test_another_column_of_dates_is_not_offered_as_time(write):
    path = write(when=DAYS, also=DAYS.dt.strftime("%Y-%m-%d"))
    with pytest.raises(DataError, match="column 'also'") as caught:
        load_table(path, "y", time="when")
    assert "dataset.time" not in str(caught.value)


# A second file


def halves(write, **columns):
    """Write all rows, the first 30 and the others, whose columns stand in another order."""
    frame = plain(who=ROWS // 3, **columns)
    other = frame[30:][[*reversed(frame.columns)]]
    return write("all.csv", frame), write("train.csv", frame[:30]), write("rest.csv", other)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_a_second_file_is_the_rows_to_test(write, suffix):
    whole, train, _ = halves(write)
    test = write(f"rest{suffix}", plain(who=ROWS // 3)[30:])
    expected = load_table(whole, "y", groups="who")
    data = load_table(train, "y", groups="who", test=test)
    np.testing.assert_array_equal(data.X, expected.X)
    np.testing.assert_array_equal(data.y, expected.y)
    np.testing.assert_array_equal(data.groups, expected.groups)
    assert data.test_index.tolist() == list(range(30, N))
    assert describe(data)[3].endswith("; test: 10 rows (25.00 %)")


def test_categories_and_classes_are_those_of_both_files(write):
    frame = plain()
    frame.loc[35, "plan"] = "aa"
    data = load_table(write("a.csv", frame[:30]), "y", test=write("b.csv", frame[30:]))
    assert data.categories == {1: ("a", "aa", "b")}
    frame.loc[36, "y"] = "new"
    with pytest.raises(DataError, match=r"b\.csv: class 'new' stands in 1 test row only"):
        load_table(write("a.csv", frame[:30]), "y", test=write("b.csv", frame[30:]))


def test_columns_of_one_file_are_refused_with_a_fix_that_works(write):
    frame = plain(more=ROWS % 7)
    train, test = write("a.csv", frame[:30].assign(id=1)), write("b.csv", frame[30:])
    with pytest.raises(DataError, match=r"lacks the column 'id' of .*'dataset\.drop=\[id\]'"):
        load_table(train, "y", test=test)
    assert load_table(train, "y", test=test, drop=["id"]).X.shape == (N, 3)
    with pytest.raises(DataError, match=r"has the column 'id', which .* lacks"):
        load_table(test, "y", test=train)
    no_class = write("c.csv", frame[30:].drop(columns="y"))
    with pytest.raises(DataError, match="lacks the column 'y', which its rows need"):
        load_table(test, "y", test=no_class)


def test_a_file_that_is_a_column_or_the_table_itself_is_refused(write, monkeypatch, tmp_path):
    path = write("t.csv", who=PART)
    with pytest.raises(DataError, match=r"is the file of dataset\.path"):
        load_table(path, "y", test=path)
    monkeypatch.chdir(tmp_path)
    write("who", frame=plain())
    with pytest.raises(DataError, match=r"is a column of .* and a file; .*dataset\.test=\"?\./who"):
        load_table(path, "y", test="who")


def test_rows_of_both_files_are_told(write):
    frame = plain()
    data = load_table(write("a.csv", frame), "y", test=write("b.csv", frame[:20]))
    (notice,) = [n for n in check(data) if n.code == "duplicate-rows"]
    assert "20 of 20 test rows (100.0%) equal a row that is trained on" in notice.words


def test_the_cache_sees_the_second_file(write):
    _, train, test = halves(write)
    node = {"_target_": "imbench.data.table.load_table", "path": train, "target": "y", "test": test}
    spec = DatasetSpec.from_node(node)
    before = cache.key_of(spec)
    first = load(spec)
    again = load(spec)
    assert first.fingerprint == again.fingerprint
    assert again.test_index.tolist() == first.test_index.tolist()
    write("rest.csv", plain(who=ROWS // 3)[32:])
    assert cache.key_of(spec) != before
    assert len(load(spec).test_index) == 8


# Run ids, notices and commands


def test_roles_are_no_part_of_the_configuration_that_names_a_run():
    composer = Composer(None)
    words = ["dataset=table", "dataset.path=t.csv", "dataset.target=y"]
    roles = [
        "dataset.groups=a",
        "dataset.time=b",
        "dataset.weight=c",
        "dataset.test=d",
        "dataset.test_values=[0]",
    ]
    (bare,) = composer.cells(words, multirun=False)
    (full,) = composer.cells([*words, *roles], multirun=False)
    assert identity_of(bare) == identity_of(full)
    assert set(identity_of(bare)["dataset"]) == {
        "_target_",
        "name",
        "target",
        "drop",
        "categorical",
        "imbalance",
    }


class TimeWindows:
    """A splitter in the order of time."""


def test_a_splitter_that_leaves_a_role_unused_is_told(write):
    data = load_table(write(when=ROWS, part=PART), "y", time="when", test="part", test_values=["b"])

    def told(splitter):
        return [notice.code for notice in roles_in_use(data, splitter)]

    assert told(Holdout()) == ["time-mixed", "test-unused"]
    assert told(OfficialTest()) == []
    assert told(TimeSplit()) == ["test-unused"]


def panel(n_groups=40, n_visits=4, n_rows=3):
    """Rows of visits of patients: each has its own level of a measurement."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(n_groups), n_visits * n_rows)
    visit = np.repeat(np.arange(n_groups * n_visits), n_rows)
    level = rng.normal(size=n_groups)[patient] + rng.normal(0, 0.05, len(patient))
    other = rng.normal(size=n_groups)[patient] + rng.normal(0, 0.05, len(patient))
    y = np.where(rng.random(len(patient)) < 0.3, "ill", "well")
    return pd.DataFrame({"patient": patient, "visit": visit, "a": level, "b": other, "y": y})


def test_a_repeated_group_is_offered_as_a_role_and_then_not_told(write):
    path = write(frame=panel().drop(columns="visit"))
    (notice,) = check(load_table(path, "y"))
    assert "set dataset.groups=patient to keep them together" in notice.words
    assert check(load_table(path, "y", groups="patient")) == []


def test_with_groups_what_repeats_between_them_is_told_still(write):
    frame = panel()
    frame["patient"] = np.random.default_rng(1).permutation(40)[frame["patient"]]
    (notice,) = check(load_table(write(frame=frame), "y", groups="visit"))
    assert notice.code == "repeated-group"
    assert "set dataset.groups=patient" in notice.words


def test_with_groups_a_column_that_differs_inside_of_them_is_not_told(write):
    frame = panel().drop(columns="visit")
    frame["patient"] = np.random.default_rng(1).permutation(40)[frame["patient"]]
    (notice,) = check(load_table(write(frame=frame), "y"))
    assert "column 'patient' repeats" in notice.words
    visit = frame.assign(visit=np.random.default_rng(2).integers(0, 200, len(frame)))
    assert check(load_table(write(frame=visit), "y", groups="visit")) == []


def test_copies_of_one_group_are_not_told(write):
    frame = plain(who=ROWS % 20)
    frame[["x", "plan"]] = frame.loc[ROWS % 20, ["x", "plan"]].to_numpy()
    path = write(frame=frame)

    def told(**roles):
        data = load_table(path, "y", drop=["who"], **roles)
        return "duplicate-rows" in [notice.code for notice in check(data)]

    assert told()
    assert not told(groups="who")


def test_sorted_rows_are_offered_a_time(write):
    weeks = np.sort(np.random.default_rng(0).integers(0, 60, N))
    path = write(week=weeks, day=7 * weeks + 3)
    (notice,) = [n for n in check(load_table(path, "y"), n_splits=None) if "sorted" in n.code]
    assert "set dataset.time=week splits=time then" in notice.words
    assert check(load_table(path, "y", time="week"), n_splits=None) == []


def test_what_was_noticed_stands_in_the_report(write, tmp_path, capsys):
    path, results = write(when=DAYS), tmp_path / "results"
    words = [
        "dataset=table",
        f"dataset.path={path}",
        "dataset.target=y",
        "dataset.time=when",
        "model=decision_tree",
        "tracking=none",
        f"results_dir={results}",
    ]
    assert main(words) == 0
    assert "splits=time, or 'checks.ignore=[time-mixed]'. [time-mixed]" in capsys.readouterr().err
    assert main(["report", str(results / "runs")]) == 0
    text = (results / "report" / "report.md").read_text()
    assert "rows have a time, and folds train on later rows" in text
    assert "rows have a time" in (results / "report" / "index.html").read_text()


@pytest.mark.parametrize("more", [[], ["strategy=none,smote", "-m"]], ids=["a cell", "a sweep"])
def test_a_class_too_small_for_the_folds_is_told_before_the_run(write, tmp_path, capsys, more):
    path = write(frame=plain().assign(y=np.where(ROWS < 2, "odd", plain()["y"])))
    words = [
        "dataset=table",
        f"dataset.path={path}",
        "dataset.target=y",
        "model=decision_tree",
        "tracking=none",
        f"results_dir={tmp_path}/results",
        *more,
    ]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "class 'odd' has 2 rows" in err.splitlines()[-1]
    assert not list((tmp_path / "results" / "runs").glob("*"))


def test_check_tells_a_class_too_small_for_the_folds(write, capsys):
    path = write(frame=plain().assign(y=np.where(ROWS < 2, "odd", plain()["y"])))
    assert main(["check", path, "--target", "y"]) == 2
    out, err = capsys.readouterr()
    assert "[small-class]" in out
    assert "class 'odd' has 2 rows" in err
