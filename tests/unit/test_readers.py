"""Parquet, workbooks and ARFF: the same rules as in CSV."""

import datetime
import decimal
import gzip

import numpy as np
import pandas as pd
import pytest

from imbench.data.readers import read_table
from imbench.data.table import load_table
from imbench.errors import DataError

DATES = (
    r"column 'v': holds dates \('{}'\); set 'dataset.drop=\[v\]', {}or dataset.dates=parts to have"
)


@pytest.fixture
def load(tmp_path):
    """Write a column v beside a number and a class, and load the table."""

    def _load(cells, suffix=".parquet", **options):
        n = len(cells)
        frame = pd.DataFrame({"v": cells, "n": range(n), "c": [i % 2 for i in range(n)]})
        path = tmp_path / f"t{suffix}"
        frame.to_parquet(path) if suffix == ".parquet" else frame.to_excel(path, index=False)
        return load_table(str(path), "c", **options)

    return _load


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1.5", "n/a", "2"], [1.5, None, 2]),
        ([decimal.Decimal("1.10"), None, decimal.Decimal(2)], [1.1, None, 2]),
        ([b"1.5", b"2", b"?"], [1.5, 2, None]),
        (pd.to_timedelta(["1h", None, "90s"]), [3600, None, 90]),
        (pd.array([1, None, 3], dtype="Int64"), [1, None, 3]),
        (np.array([1, 2, 3], "u1"), [1, 2, 3]),
        (np.array([0.1, 0.2, 0.3], "f4"), np.array([0.1, 0.2, 0.3], "f4").tolist()),
        (pd.array(["1", None, "3"], dtype="string"), [1, None, 3]),
    ],
)
def test_numbers_in_any_type_are_numbers(load, cells, numbers):
    data = load(cells)
    assert data.categories == {}
    np.testing.assert_array_equal(data.X[:, 0], np.array(numbers, float))


@pytest.mark.parametrize(
    ("cells", "example"),
    [
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), "2020-01-01 00:00:00"),
        (pd.to_datetime(["2020-01-01", "2021-01-01"], utc=True), r"2020-01-01 00:00:00\+00:00"),
        ([datetime.date(2020, 1, 2), datetime.date(2021, 1, 2)], "2020-01-02"),
        ([datetime.time(1, 2), datetime.time(2, 3)], "01:02:00"),
        (["2020-01-01", "2021-01-01"], "2020-01-01"),
        ([b"2020-01-01", b"2021-01-01"], "2020-01-01"),
    ],
)
def test_dates_in_any_type_are_refused_or_become_parts(load, cells, example):
    is_clock = example == "01:02:00"
    time = "" if is_clock else "dataset.time=v splits=time to train on [a-z ]*, "
    with pytest.raises(DataError, match=DATES.format(example, time)):
        load(cells)
    names = load(cells, dates="parts").feature_names
    assert all(name.startswith("v_") for name in names[:-1])
    assert len(names) > 1


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([[1], [2]], "objects of type ndarray"),
        ([{"k": 1}, {"k": 2}], "objects of type dict"),
        ([b"\xff", b"\xfe"], "bytes that are no text"),
    ],
)
def test_what_is_no_cell_of_a_table_is_refused(load, cells, words):
    with pytest.raises(DataError, match=rf"column 'v': holds {words}; set 'dataset.drop=\[v\]'"):
        load(cells)
    assert load(cells, drop=["v"]).feature_names == ("n",)


def test_truth_values_are_categories(load):
    assert load([True, False, None]).categories == {0: ("False", "True")}
    assert load([True, False, True], ".xlsx").categories == {0: ("False", "True")}


def test_missing_holds_for_typed_columns_too(load):
    assert np.isnan(load([1, -9, 3], missing=["-9"]).X[:, 0]).tolist() == [False, True, False]
    assert np.isnan(load([1.5, -9.0, 3], missing=["-9"]).X[:, 0]).tolist() == [False, True, False]


def test_large_integers_get_a_notice(load):
    (notice,) = load([2**60 + 1, 2**60 + 3, 2**60 + 5]).notices
    assert notice.code == "large-integers"


@pytest.mark.parametrize(
    ("cells", "numbers"), [([1, 2.5, None], [1, 2.5, None]), (["1", "n/a", 3], [1, None, 3])]
)
def test_a_workbook_is_read_like_csv(load, cells, numbers):
    np.testing.assert_array_equal(load(cells, ".xlsx").X[:, 0], np.array(numbers, float))


def test_the_header_of_a_workbook_has_the_rules_of_csv(tmp_path):
    path = tmp_path / "t.xlsx"
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 7], "c": ["x", "y", "x"]})
    frame.set_axis(["a", "a", "c"], axis=1).to_excel(path, index=False)
    with pytest.raises(DataError, match="two columns are named 'a'"):
        load_table(str(path), "c")
    frame.to_excel(path, index=False, header=False)
    with pytest.raises(DataError, match=r"the first line holds 2 numbers.*dataset\.header=false"):
        load_table(str(path), -1)
    assert load_table(str(path), -1, header=False).X.tolist() == [[1, 4], [2, 5], [3, 7]]


def test_a_workbook_of_two_sheets_is_refused(tmp_path):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        for name in ("one", "two"):
            pd.DataFrame({"a": [1]}).to_excel(book, sheet_name=name)
    with pytest.raises(DataError, match=r"has 2 sheets \(one, two\)"):
        read_table(path)


def test_a_named_index_of_a_parquet_file_is_a_column(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "c": [0, 1]}, index=pd.Index([7, 8], name="key"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert load_table(str(tmp_path / "t.parquet"), "c").feature_names == ("key", "a")


def test_arff_has_the_spellings_and_the_compression_of_csv(tmp_path):
    text = "@relation r\n@attribute a real\n@attribute c {x,y}\n@data\n1,x\nN/A,y\n3,x\n"
    path = tmp_path / "t.arff.gz"
    path.write_bytes(gzip.compress(text.encode()))
    data = load_table(str(path))
    assert data.name == "t"
    np.testing.assert_array_equal(data.X[:, 0], [1, np.nan, 3])
    assert [notice.code for notice in data.notices] == ["missing-spelled"]
