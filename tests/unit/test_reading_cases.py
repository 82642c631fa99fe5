"""Small inputs that users bring: each is read right, or a sentence says why not.

Rows are made here in the shape of the case; with IMBENCH_CASES the files themselves are read too.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imbench.data.checks import check
from imbench.data.description import describe
from imbench.data.table import load_table
from imbench.errors import DataError
from tests.conftest import ROOT

N = 400


def plain():
    """Two numbers, a category, and classes of which one is rare."""
    rng = np.random.default_rng(0)
    y = (np.arange(N) % 9 == 0).astype(int)
    return pd.DataFrame(
        {
            "x1": rng.normal(y, 1).round(3),
            "x2": rng.uniform(1000, 9000, N).round(2),
            "plan": rng.choice(["a", "b", "c"], N),
            "target": y,
        }
    )


@pytest.fixture
def write(tmp_path):
    """Write a table with other cells and return its path."""

    def _write(name="t.csv", **cells):
        frame = plain().assign(**cells)
        path = tmp_path / name
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False, sep=";" if name.startswith("semicolon") else ",")
        return str(path)

    return _write


def codes(data):
    return [notice.code for notice in data.notices]


def said(data):
    return " ".join(notice.words for notice in data.notices)


@pytest.fixture
def reference(write):
    return load_table(write("reference.csv"), "target")


def test_plain(reference):
    assert (reference.X.shape, reference.notices) == ((N, 3), ())
    np.testing.assert_array_equal(reference.X[:, 0], plain()["x1"])


def test_decimal_comma(write, reference):
    with_comma = {
        name: plain()[name].map(lambda x: f"{x}".replace(".", ",")) for name in ("x1", "x2")
    }
    path = write("semicolon.csv", **with_comma)
    with pytest.raises(DataError, match=r"'x1': .*decimal comma.*'dataset\.decimal=\",\"'"):
        load_table(path, "target")
    data = load_table(path, "target", decimal=",")
    assert data.fingerprint == reference.fingerprint
    assert codes(data) == ["detected-format"]


def test_excel_na(write):
    x1 = plain()["x1"].astype(str)
    data = load_table(write(x1=x1.where(x1.index != 7, "#N/A")), "target")
    assert np.flatnonzero(np.isnan(data.X[:, 0])).tolist() == [7]
    assert said(data) == "column 'x1': 1 cell read as missing ('#N/A')."


def test_strnum(write, reference):
    path = write("t.parquet", x1=plain()["x1"].astype(str), x2=plain()["x2"].astype(str))
    assert load_table(path, "target").fingerprint == reference.fingerprint


def test_dates(write):
    when = pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d")
    path = write(when=when)
    ways = r"drop=\[when\]', dataset\.time=when splits=time .*dates=parts"
    with pytest.raises(DataError, match=ways):
        load_table(path, "target")
    data = load_table(path, "target", dates="parts")
    said = "dates, read as 'when_year', 'when_month', 'when_weekday' (hour does not vary)"
    assert describe(data)[0].endswith(f"; 'when': {said}")
    names = data.feature_names
    assert [name for name in names if "when" in name] == ["when_year", "when_month", "when_weekday"]


def test_nohead(tmp_path, reference):
    path = tmp_path / "nohead.csv"
    plain().to_csv(path, index=False, header=False)
    with pytest.raises(DataError, match=r"3 numbers .* set dataset\.header=false"):
        load_table(str(path), -1)
    data = load_table(str(path), -1, header=False)
    np.testing.assert_array_equal(data.X, reference.X)


def test_panel(write):
    month = pd.Series(["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"] * (N // 4))
    with pytest.raises(DataError, match="column 'month': holds dates"):
        load_table(write(month=month), "target")


def test_sorted_id(write):
    assert load_table(write(ID=range(N)), "target").feature_names[-1] == "ID"


def test_sparse_column(write):
    ceiling = pd.Series(np.where(np.arange(N) % 33 == 0, 1.5, np.nan)) + np.arange(N)
    data = load_table(write(ceiling=ceiling), "target")
    assert np.isnan(data.X[:, -1]).mean() > 0.9


@pytest.mark.parametrize("name", ["N/A", "None", "?", "-", "NA"])
def test_class_na(write, name):
    path = write(target=np.where(plain()["target"] == 1, name, "ok"))
    data = load_table(path, "target")
    assert set(data.class_names) == {name, "ok"}
    assert f"{name!r} is a class of 45 rows, because dataset.missing does not list it" in said(data)
    with pytest.raises(
        DataError, match=r"45 of 400 rows have no class; .* out of dataset\.missing"
    ):
        load_table(path, "target", missing=[name])


def test_manyrare(write):
    path = write(target=[f"c{i % 60}" for i in range(N)])
    with pytest.raises(DataError, match=r"60 different values.*'dataset\.categorical=\[target\]'"):
        load_table(path, "target")
    assert len(load_table(path, "target", categorical=["target"]).class_names) == 60


def test_yes_variants(write):
    target = np.array(["No", "Yes", " Yes ", "yes"])[np.arange(N) % 4]
    assert load_table(write(target=target), "target").class_names == ("No", "Yes", "yes")


def test_classes_keep_their_leading_zeros(write):
    data = load_table(write(target=np.array(["007", "7"])[np.arange(N) % 2]), "target")
    assert data.class_names == ("007", "7")


def test_identifier(write, reference):
    data = load_table(write(id=[f"u{i}" for i in range(N)]), "target")
    assert data.fingerprint == reference.fingerprint
    assert codes(data) == ["identifier-text"]
    kept = load_table(write(id=[f"u{i}" for i in range(N)]), "target", categorical=["id"])
    assert len(kept.categories[3]) == N


def test_constant_and_empty_columns(write, reference):
    data = load_table(write(same="x", nothing=""), "target")
    assert data.fingerprint == reference.fingerprint
    assert codes(data) == ["constant-column", "empty-column"]


def test_postal_codes(write):
    data = load_table(write(zip=[f"{i % 90:05d}" for i in range(N)]), "target")
    assert "400 cells with leading zeros, read as numbers; set 'dataset.categorical=[zip]'" in said(
        data
    )


def test_all_problems_come_at_once(write):
    price = plain()["x2"].map("${}".format)
    odd = plain()["x1"].astype(str).where(plain().index != 3, "oops")
    when = pd.date_range("2020-01-01", periods=N).strftime("%d.%m.%Y")
    path = write(price=price, odd=odd, when=when, target=np.where(plain()["x1"] > 0, "a", ""))
    with pytest.raises(DataError) as caught:
        load_table(path, "target")
    lines = str(caught.value).splitlines()
    found = ["rows have no class", "'price': holds numbers with '$'", "'odd': 1 of 400", "'when'"]
    assert all(words in line for words, line in zip(found, lines, strict=False))


FORMATS = [".csv", ".tsv", ".txt", ".data", ".csv.gz", ".zip", ".parquet", ".xlsx"]
WRITTEN = {
    "points": ({}, str),
    "commas": ({"decimal": ","}, lambda x: str(x).replace(".", ",")),
    "groups": ({"thousands": ","}, lambda x: f"{x:,}"),
    "both": (
        {"decimal": ",", "thousands": "."},
        lambda x: f"{x:,}".translate(str.maketrans(".,", ",.")),
    ),
}
SMALL = plain().head(40).assign(plan=["a", "b"] * 20)


MARKS = ["", "#N/A", "n/a", "None", "null", "-", ".", "?"]


@pytest.mark.parametrize(
    ("suffix", "written", "missing"),
    [
        (suffix, written, missing)
        for suffix in FORMATS
        for written in WRITTEN
        for missing in MARKS
        if suffix != ".xlsx" or written == "points"  # workbooks are slow
    ],
)
def test_formats_signs_and_spellings_give_the_same_table(tmp_path, suffix, written, missing):
    options, number = WRITTEN[written]
    frame = SMALL.assign(x1=SMALL["x1"].map(number), x2=SMALL["x2"].map(number))
    frame.loc[5, "x2"] = missing
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(
            path, index=False, sep={".tsv": "\t", ".txt": ";", ".data": "|"}.get(suffix, ",")
        )
    data = load_table(str(path), "target", **options)
    expected = SMALL["x2"].where(SMALL.index != 5)
    np.testing.assert_array_equal(data.X[:, 0], SMALL["x1"])
    np.testing.assert_array_equal(data.X[:, 1], expected)
    assert data.categories == {2: ("a", "b")}


SHARED = ROOT.parent / "shared" / "cases"
CASES = os.environ.get("IMBENCH_CASES") or (str(SHARED) if SHARED.is_dir() else None)
ANSWERS = {
    "plain.csv": ({}, (400, 3)),
    "decimal_comma.csv": ({"decimal": ","}, (400, 3)),
    "excel_na.csv": ({}, (400, 3)),
    "strnum.parquet": ({}, (400, 3)),
    "dates.csv": ({"dates": "parts"}, (400, 5)),
    "nohead.csv": ({"target": -1, "header": False}, (400, 3)),
    "groups.csv": ({"target": "y"}, (600, 5)),
    "panel.csv": ({"target": "Churn", "drop": ["month", "customerID"]}, (6000, 19)),
    "sorted_id.csv": ({}, (400, 4)),
    "oversampled_before_split.csv": ({"target": "y"}, (1120, 4)),
    "sparse_column.csv": ({"target": "y"}, (2000, 4)),
    "tiny5.csv": ({}, (605, 4)),
    "manyrare.csv": ({"target": "y", "categorical": ["y"]}, (204, 4)),
    "class_na.csv": ({}, (400, 3)),
    "kc1.arff": ({"target": "defects"}, (200, 3)),
    "yes_variants.csv": ({}, (400, 3)),
    "breast_header.csv": ({"target": "class"}, (286, 9)),
}


@pytest.mark.skipif(CASES is None, reason="IMBENCH_CASES names no folder")
@pytest.mark.parametrize("name", ANSWERS)
def test_the_files_themselves(name):
    options, shape = ANSWERS[name]
    data = load_table(str(Path(CASES or "", name)), **({"target": "target"} | options))
    assert data.X.shape == shape
    assert max((len(names) for names in data.categories.values()), default=0) < 20


ROLES = {
    "groups.csv": ("y", {"groups": "patient"}, (60, 10), (600, 4)),
    "panel.csv": ("Churn", {"groups": "customerID", "time": "month"}, (1500, 4), (6000, 19)),
}


@pytest.mark.skipif(CASES is None, reason="IMBENCH_CASES names no folder")
@pytest.mark.parametrize("name", ROLES)
def test_the_files_with_roles(name):
    target, roles, groups, shape = ROLES[name]
    data = load_table(str(Path(CASES or "", name)), target, **roles)
    sizes = np.bincount(data.groups)
    assert ((len(sizes), sizes.max()), data.X.shape) == (groups, shape)
    if "time" in roles:
        np.testing.assert_array_equal(np.unique(data.time), [19723, 19754, 19783, 19814])
    assert check(data) == []


@pytest.mark.parametrize("n", [1, 2])
def test_empty_columns_without_a_name_at_the_end_are_left_out_with_a_note(n, tmp_path):
    path, end = tmp_path / "t.csv", "," * n
    path.write_text(f"a,b,y{end}\n1,2,no{end}\n3,5,yes{end}\n4,3,no{end}\n")
    data = load_table(str(path), -1)
    assert data.class_names == ("no", "yes")
    assert [notice.code for notice in data.notices] == ["empty-column"] * n
    assert "left out: 'Unnamed: " in describe(data)[0]
